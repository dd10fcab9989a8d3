/**
 * The list of one service as a file of the disk cache, and the validation of such a file. Pure.
 *
 *     first line   {"format":2,"sha256":"…"}     of the second line
 *     second line  {"service","namespace","registry","servers","revision","savedAt","instances"}
 *
 * Format 1, of clients without namespaces, has neither `namespace` nor `servers`.
 */

import { createHash } from 'node:crypto';
import { checkReply, defaultNamespace, isNamespaceName, type Instance } from '@rollcall/protocol';

export interface KeptList {
  readonly service: string;
  readonly namespace: string;
  /** Identity of the registry that sent the list. */
  readonly registry: string;
  /** Servers of that registry in the configuration of the client that saved the list; empty when unknown. */
  readonly servers: readonly string[];
  readonly revision: number;
  /** When the list was last known to be current, in milliseconds since the Unix epoch. */
  readonly savedAt: number;
  readonly instances: readonly Instance[];
}

const format = 2;

export function listToText(list: KeptList): string {
  const body = JSON.stringify(list);
  return `${JSON.stringify({ format, sha256: sha256(body) })}\n${body}\n`;
}

/** @returns the list, or the reason why the text cannot be used */
export function listFromText(text: string): KeptList | string {
  const [head = '', body = ''] = text.split('\n');
  try {
    const { format: found, sha256: expected } = JSON.parse(head) as { format?: unknown; sha256?: unknown };
    if (found !== 1 && found !== format) return `its format is ${String(found)}, not 1 or ${format}`;
    if (expected !== sha256(body)) return 'its checksum does not match';
    const list = { namespace: defaultNamespace, servers: [], ...(JSON.parse(body) as Partial<KeptList>) };
    // The same shape as from the registry, so the same validation.
    const { service, revision, instances, namespace, servers, registry, savedAt } = list;
    const checked = checkReply({ type: 'snapshot', view: { kind: 'service', name: service }, revision, items: instances });
    if (!checked.ok) return checked.message;
    if (typeof registry !== 'string' || typeof savedAt !== 'number') return 'it has no registry or no time';
    if (!isNamespaceName(namespace) || !Array.isArray(servers)) return 'its namespace or its servers are not valid';
    return list as KeptList;
  } catch {
    return 'it is not JSON';
  }
}

/** One file for each service of a namespace of a registry. */
export function fileOf({ registry, namespace, service }: Pick<KeptList, 'registry' | 'namespace' | 'service'>): string {
  return `${sha256(`${registry}\0${namespace}\0${service}`).slice(0, 32)}.json`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
