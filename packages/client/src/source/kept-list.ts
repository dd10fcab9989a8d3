/**
 * The list of one service, or its route, as a file of the disk cache, and the validation of such a file. Pure.
 *
 *     first line   {"format":2,"sha256":"…"}     of the second line; 3 for a route
 *     second line  {"service","namespace","registry","servers","revision","savedAt","instances"}; "routes" in place of "instances"
 *
 * Format 1, of clients without namespaces, has neither `namespace` nor `servers`. Clients that know no routes ignore files of format 3.
 */

import { createHash } from 'node:crypto';
import { checkReply, defaultNamespace, isNamespaceName, type Instance, type RouteEntry } from '@rollcall/protocol';

export type KeptList = KeptInstances | KeptRoute;

interface OfService {
  readonly service: string;
  readonly namespace: string;
  /** Identity of the registry that sent the list. */
  readonly registry: string;
  /** Servers of that registry in the configuration of the client that saved the list; empty when unknown. */
  readonly servers: readonly string[];
  readonly revision: number;
  /** When the list was last known to be current, in milliseconds since the Unix epoch. */
  readonly savedAt: number;
}

export interface KeptInstances extends OfService {
  readonly instances: readonly Instance[];
}

export interface KeptRoute extends OfService {
  /** None when the service has no route. */
  readonly routes: readonly RouteEntry[];
}

export function isRoute(kept: KeptList): kept is KeptRoute {
  return 'routes' in kept;
}

const format = 2;
const routeFormat = 3;

export function listToText(list: KeptList): string {
  const body = JSON.stringify(list);
  return `${JSON.stringify({ format: isRoute(list) ? routeFormat : format, sha256: sha256(body) })}\n${body}\n`;
}

/** @returns the list, or the reason why the text cannot be used */
export function listFromText(text: string): KeptList | string {
  const [head = '', body = ''] = text.split('\n');
  try {
    const { format: found, sha256: expected } = JSON.parse(head) as { format?: unknown; sha256?: unknown };
    if (found !== 1 && found !== format && found !== routeFormat) return `its format is ${String(found)}, not 1 to ${routeFormat}`;
    if (expected !== sha256(body)) return 'its checksum does not match';
    const list = { namespace: defaultNamespace, servers: [], ...(JSON.parse(body) as Partial<KeptInstances & KeptRoute>) };
    // The same shape as from the registry, so the same validation.
    const { service, revision, instances, routes, namespace, servers, registry, savedAt } = list;
    const of = found === routeFormat ? { kind: 'route', items: routes } : { kind: 'service', items: instances };
    const checked = checkReply({ type: 'snapshot', view: { kind: of.kind, name: service }, revision, items: of.items });
    if (!checked.ok) return checked.message;
    if (typeof registry !== 'string' || typeof savedAt !== 'number') return 'it has no registry or no time';
    if (!isNamespaceName(namespace) || !Array.isArray(servers)) return 'its namespace or its servers are not valid';
    return list as unknown as KeptList;
  } catch {
    return 'it is not JSON';
  }
}

/** One file for the list of each service of a namespace of a registry, and one for its route. */
export function fileOf(kept: KeptList): string {
  const { registry, namespace, service } = kept;
  return `${sha256(`${registry}\0${namespace}\0${service}${isRoute(kept) ? '\0route' : ''}`).slice(0, 32)}.json`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
