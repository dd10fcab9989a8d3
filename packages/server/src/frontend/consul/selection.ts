/**
 * Which rows a read selects (`?tag`, `?node-meta`), and the order in which Consul lists them: by node,
 * then by id.
 */

import { find } from '../../registry/reader.ts';
import type { RowOf } from '../../registry/rows.ts';
import type { State } from '../../registry/state.ts';
import type { Params } from './params.ts';
import type { Shown, Sight } from './sight.ts';

export interface Selection {
  /** Everything about it, for the name of a representation. */
  readonly name: string;
  /** Lower case; an instance must have all of them. */
  readonly tags: readonly string[];
  /** A node must have all of these pairs. */
  readonly meta: readonly (readonly [string, string])[];
}

export function readSelection(params: Params): Selection {
  const tags = params.all('tag').map((tag) => tag.toLowerCase());
  const meta = params.all('node-meta').map((pair): [string, string] => {
    const colon = pair.indexOf(':');
    return colon < 0 ? [pair, ''] : [pair.slice(0, colon), pair.slice(colon + 1)];
  });
  const name = tags.length === 0 && meta.length === 0 ? '' : ` ${JSON.stringify([tags, meta])}`;
  return { name, tags, meta };
}

/** Tags match without regard to case, as in Consul. */
export function hasTags(row: RowOf<'instance'>, { tags }: Selection): boolean {
  if (tags.length === 0) return true;
  const own = new Set(row.tags.map((tag) => tag.toLowerCase()));
  return tags.every((tag) => own.has(tag));
}

export function hasMeta(row: RowOf<'node'>, { meta }: Selection): boolean {
  return meta.every(([name, value]) => Object.hasOwn(row.meta, name) && row.meta[name] === value);
}

/** The selected instances of a service with their nodes. */
export function selectInstances(
  state: State,
  service: string,
  selection: Selection,
): { instance: RowOf<'instance'>; node: RowOf<'node'> }[] {
  const selected = [];
  for (const instance of [...find.instancesOfService(state, service)].sort(byNodeThenId)) {
    const node = find.node(state, instance.node);
    // An instance goes with its node, so there always is one.
    if (node === undefined || !hasTags(instance, selection) || !hasMeta(node, selection)) continue;
    selected.push({ instance, node });
  }
  return selected;
}

/** Whoever sees an instance sees its service and its node. */
export const instanceShows: readonly Shown[] = ['node', 'service'];

export function instancesSeen(sight: Sight): (entry: { readonly instance: RowOf<'instance'> }) => boolean {
  return ({ instance }) => sight.sees('node', instance.node) && sight.sees('service', instance.service);
}

/** Which checks the caller sees: those of nodes and services that it sees. */
export function checksSeen(state: State, sight: Sight): (row: RowOf<'check'>) => boolean {
  return (row) => {
    if (!sight.sees('node', row.node)) return false;
    const service = serviceOf(state, row);
    return service === undefined || sight.sees('service', service);
  };
}

/** Name of the service that a check belongs to, if any. */
export function serviceOf(state: State, row: RowOf<'check'>): string | undefined {
  return instanceOf(state, row)?.service;
}

export function selectNodes(state: State, selection: Selection): RowOf<'node'>[] {
  const selected = [...find.nodes(state)].filter((row) => hasMeta(row, selection));
  return selected.sort((a, b) => order(a.name, b.name));
}

/** The checks of a node itself, without those of its instances. */
export function nodeChecks(state: State, node: string): RowOf<'check'>[] {
  return [...find.checksOnNode(state, node)].filter((row) => row.instance === '').sort(byNodeThenId);
}

export function instanceChecks(state: State, { node, id }: RowOf<'instance'>): RowOf<'check'>[] {
  return [...find.checksOfInstance(state, node, id)].sort(byNodeThenId);
}

/** The instance that a check belongs to, if any. */
export function instanceOf(state: State, { node, instance }: RowOf<'check'>): RowOf<'instance'> | undefined {
  return instance === '' ? undefined : find.instance(state, node, instance);
}

export function byNodeThenId(
  a: { readonly node: string; readonly id: string },
  b: { readonly node: string; readonly id: string },
): number {
  return order(a.node, b.node) || order(a.id, b.id);
}

export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
