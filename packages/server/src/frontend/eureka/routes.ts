/** The visible surface as a table: each path below the prefixes, with the access that it needs. */

import type { Access } from '../../security/access.ts';

/** Paths of all versions mean the same. The longer ones come first. */
const prefixes = ['/eureka/v1', '/eureka/v2', '/eureka', '/v2'] as const;

export type Action =
  | 'apps'
  | 'delta'
  | 'app'
  | 'register'
  | 'instance'
  | 'renew'
  | 'cancel'
  | 'set-status'
  | 'clear-status'
  | 'set-metadata'
  | 'instance-anywhere'
  | 'vip'
  | 'svip'
  | 'asg'
  | 'replicate'
  | 'overrides'
  | 'status';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `:name` stands for one part. */
  readonly path: string;
  readonly action: Action;
  readonly access: Access;
  /** Whether the audit log has it: changes, but no heartbeats. */
  readonly audited?: true;
}

const filtered: Access = { kind: 'filters', resources: ['service'] };
const reads: Access = { kind: 'demands-by-name', resource: 'service', verb: 'read' };
const writes: Access = { kind: 'demands-by-name', resource: 'service', verb: 'write' };

export const routes: readonly Route[] = [
  { method: 'PUT', path: '/apps/:app/:id', action: 'renew', access: writes },
  { method: 'GET', path: '/apps', action: 'apps', access: filtered },
  { method: 'GET', path: '/apps/delta', action: 'delta', access: filtered },
  { method: 'GET', path: '/apps/:app', action: 'app', access: reads },
  { method: 'POST', path: '/apps/:app', action: 'register', access: writes, audited: true },
  { method: 'GET', path: '/apps/:app/:id', action: 'instance', access: reads },
  { method: 'DELETE', path: '/apps/:app/:id', action: 'cancel', access: writes, audited: true },
  { method: 'PUT', path: '/apps/:app/:id/status', action: 'set-status', access: writes, audited: true },
  { method: 'DELETE', path: '/apps/:app/:id/status', action: 'clear-status', access: writes, audited: true },
  { method: 'PUT', path: '/apps/:app/:id/metadata', action: 'set-metadata', access: writes, audited: true },
  { method: 'GET', path: '/instances/:id', action: 'instance-anywhere', access: filtered },
  { method: 'GET', path: '/vips/:vip', action: 'vip', access: filtered },
  { method: 'GET', path: '/svips/:vip', action: 'svip', access: filtered },
  // Each change in a batch is answered on its own, and each is a line of the audit log.
  { method: 'POST', path: '/peerreplication/batch', action: 'replicate', access: writes },
  { method: 'PUT', path: '/asg/:name/status', action: 'asg', access: { kind: 'open', why: 'every caller is refused: there are no groups of Amazon here' } },
  { method: 'GET', path: '/serverinfo/statusoverrides', action: 'overrides', access: filtered },
  // As Consul's /v1/agent/metrics: it tells of the machine.
  { method: 'GET', path: '/status', action: 'status', access: { kind: 'demands-by-name', resource: 'agent', verb: 'read' } },
];

const labels = new Map(routes.map((route) => [route, `/eureka${route.path}`]));

/** Names a route in the metrics. */
export function labelOf(route: Route): string {
  return labels.get(route) ?? '';
}

/** A path that was found: the decoded parts that stand for `:name`, in order. */
export interface Found {
  readonly route: Route | undefined;
  /** Methods of the path; empty when there is no such path. */
  readonly methods: readonly string[];
  readonly parts: readonly string[];
}

interface Pattern {
  readonly route: Route;
  /** Undefined for a part that stands for any text. */
  readonly words: readonly (string | undefined)[];
}

export class Router {
  /** By the number of parts. */
  readonly #patterns: readonly (readonly Pattern[])[];

  constructor(table: readonly Route[] = routes) {
    const patterns: Pattern[][] = [];
    for (const route of table) {
      const words = route.path.split('/').slice(1).map((word) => (word.startsWith(':') ? undefined : word));
      (patterns[words.length] ??= []).push({ route, words });
    }
    this.#patterns = patterns;
  }

  /**
   * Finds the route of a path. Slashes at the end and doubled ones do not count: clients join URLs in many ways.
   * @param path as sent, percent-encoded
   * @throws URIError when a part is not encoded well
   */
  find(method: string, path: string): Found {
    const parts = partsOf(belowPrefix(path));
    const wanted = method === 'HEAD' ? 'GET' : method;
    const patterns = this.#patterns[parts.length] ?? [];
    for (const { route, words } of patterns) {
      // A word wins over a name, since the table has it first: `/apps/delta` is no app.
      if (route.method === wanted && fits(words, parts)) return { route, methods: none, parts: namesIn(words, parts) };
    }
    const methods = patterns.filter(({ words }) => fits(words, parts)).map(({ route }) => route.method);
    return { route: undefined, methods, parts: none };
  }
}

const none: readonly string[] = [];

function fits(words: Pattern['words'], parts: readonly string[]): boolean {
  for (let at = 0; at < words.length; at++) if (words[at] !== undefined && words[at] !== parts[at]) return false;
  return true;
}

function namesIn(words: Pattern['words'], parts: readonly string[]): string[] {
  const names: string[] = [];
  for (let at = 0; at < words.length; at++) if (words[at] === undefined) names.push(decoded(parts[at] as string));
  return names;
}

function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const part of path.split('/')) if (part !== '') parts.push(part);
  return parts;
}

function belowPrefix(path: string): string {
  const prefix = prefixes.find((each) => path.startsWith(each) && (path.length === each.length || path[each.length] === '/'));
  return prefix === undefined ? '' : path.slice(prefix.length);
}

function decoded(part: string): string {
  return part.includes('%') ? decodeURIComponent(part) : part;
}
