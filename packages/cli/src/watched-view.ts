/**
 * The views of `rollcall watch --type`, with the names of Consul's watches and the data that it gives to handlers
 * (https://developer.hashicorp.com/consul/docs/dynamic-app/watches). Pure.
 */

import type { Answer } from './blocking-query.ts';
import { usage } from './failure.ts';
import { kvPath } from './kv-path.ts';

export const viewTypes = ['key', 'keyprefix', 'services', 'nodes', 'service', 'checks', 'event'] as const;
export type ViewType = (typeof viewTypes)[number];

export interface ViewFlags {
  readonly type: ViewType;
  readonly key?: string;
  readonly prefix?: string;
  readonly service?: string;
  readonly tag?: readonly string[];
  readonly passingonly?: true;
  readonly state?: string;
  readonly name?: string;
}

export interface WatchedView {
  /** With its query. */
  readonly path: string;
  /** The data of an answer, as JSON; undefined without new data. */
  readonly dataOf: (answer: Answer) => string | undefined;
}

type FlagName = Exclude<keyof ViewFlags, 'type'>;

/** Options of a type; those of the first list are mandatory. */
const options: Readonly<Record<ViewType, readonly [needs: readonly FlagName[], takes: readonly FlagName[]]>> = {
  key: [['key'], []],
  keyprefix: [['prefix'], []],
  services: [[], []],
  nodes: [[], []],
  service: [['service'], ['tag', 'passingonly']],
  checks: [[], ['service', 'state']],
  event: [[], ['name']],
};

/**
 * @param filter for lists only: services, nodes, service and checks
 * @throws CommandFailure `usage` for options that do not belong to the type, or are missing
 */
export function viewOf(flags: ViewFlags, filter: URLSearchParams): WatchedView {
  const { type, key = '', prefix = '', service, tag = [], passingonly, state, name } = flags;
  checkOptions(flags, filter);
  const query = new URLSearchParams(filter);
  const list = (path: string): WatchedView => ({
    path: query.size === 0 ? path : `${path}?${query.toString()}`,
    dataOf: ({ body }) => body ?? 'null',
  });
  switch (type) {
    // Of one entry, so without its brackets; not parsed, since flags have more bits than numbers here.
    case 'key':
      return { path: kvPath(key), dataOf: ({ body }) => body?.trim().slice(1, -1) ?? 'null' };
    case 'keyprefix':
      return { path: `${kvPath(prefix)}?recurse`, dataOf: ({ body }) => body ?? 'null' };
    case 'services':
      return list('/v1/catalog/services');
    case 'nodes':
      return list('/v1/catalog/nodes');
    case 'service':
      for (const each of tag) query.append('tag', each);
      if (passingonly === true) query.set('passing', '1');
      return list(`/v1/health/service/${encodeURIComponent(service ?? '')}`);
    case 'checks':
      if (service !== undefined && state !== undefined) throw usage('--service and --state exclude each other');
      return list(service === undefined ? `/v1/health/state/${state ?? 'any'}` : `/v1/health/checks/${encodeURIComponent(service)}`);
    case 'event':
      if (name !== undefined) query.set('name', name);
      return { ...list('/v1/event/list'), dataOf: newEvents() };
  }
}

function checkOptions(flags: ViewFlags, filter: URLSearchParams): void {
  const [needs, takes] = options[flags.type];
  const all = [...new Set(Object.values(options).flat(2))];
  const given = all.filter((name) => (name === 'tag' ? (flags.tag ?? []).length > 0 : flags[name] !== undefined));
  const missing = needs.find((name) => !given.includes(name));
  if (missing !== undefined) throw usage(`--type ${flags.type} needs --${missing}`);
  const strange = given.find((name) => !needs.includes(name) && !takes.includes(name));
  if (strange !== undefined) throw usage(`--${strange} does not go with --type ${flags.type}`);
  if (filter.size > 0 && ['key', 'keyprefix', 'event'].includes(flags.type)) throw usage(`--filter does not go with --type ${flags.type}`);
}

/** The list contains the last events; handlers get each once. */
function newEvents(): WatchedView['dataOf'] {
  let last: string | undefined;
  return ({ body = '[]' }) => {
    const events = JSON.parse(body) as { readonly ID: string }[];
    const fresh = events.slice(events.findIndex(({ ID }) => ID === last) + 1);
    const first = last === undefined;
    last = events.at(-1)?.ID ?? last;
    return fresh.length === 0 && !first ? undefined : JSON.stringify(fresh);
  };
}
