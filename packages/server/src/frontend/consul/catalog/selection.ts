/**
 * Selects the rows of a read (`?tag`, `?node-meta`), in the order in which Consul lists them: by node,
 * then by id.
 */

import { inOrder, order, select } from '../../../net/slices.ts';
import type { Pace, Work } from '../../../net/turns.ts';
import { allNodes, checksOfInstance, checksOfNode, checksOnNode, findInstance, findNode, instancesOfService, instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';
import { standInNode } from './catalog-json.ts';
import type { Place } from '../request/every-namespace.ts';
import type { Shown, VisibilityFilter } from '../request/visibility-filter.ts';
import type { Params } from '../wire/params.ts';

export interface Selection {
  /** Identifies the selection in the name of a representation. */
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
function hasTags(row: RowOf<'instance'>, { tags }: Selection): boolean {
  if (tags.length === 0) return true;
  const own = new Set(row.tags.map((tag) => tag.toLowerCase()));
  return tags.every((tag) => own.has(tag));
}

export function hasMeta(row: RowOf<'node'>, { meta }: Selection): boolean {
  return meta.every(([name, value]) => Object.hasOwn(row.meta, name) && row.meta[name] === value);
}

export interface Placed {
  readonly instance: RowOf<'instance'>;
  readonly node: RowOf<'node'>;
}

/** Tags that are compared in a unit of work, and references that are copied. */
const tagsPerUnit = 16;
const rightsPerUnit = 8;
const copiesPerUnit = 64;

/** The selected instances of a service that the caller may read, with their nodes, in order. */
export function* selectInstances(
  state: Reader,
  { namespace, service }: Pick<RowOf<'instance'>, 'namespace' | 'service'>,
  selection: Selection,
  visible: VisibilityFilter,
  pace: Pace,
): Work<Placed[]> {
  const placed: Placed[] = [];
  // A copy, since it may change between two slices.
  const rows = [...instancesOfService(state, namespace, service)];
  if (pace.spend(rows.length / copiesPerUnit)) yield;
  for (const instance of rows) {
    const node = instance.node === '' ? standInNode(instance) : findNode(state, instance.node);
    // The node exists: instances are deleted with their node.
    const wanted = node !== undefined && hasTags(instance, selection) && hasMeta(node, selection);
    if (wanted && includesNode(visible, instance.node) && visible.includes('service', service)) placed.push({ instance, node });
    const tags = selection.tags.length === 0 ? 0 : instance.tags.length;
    if (pace.spend(1 + tags / tagsPerUnit)) yield;
  }
  return yield* inOrder(placed, byInstance, pace);
}

/** Whether the caller may read a node. For an instance without one, the right to read its service is enough. */
export function includesNode(visible: VisibilityFilter, node: string): boolean {
  return node === '' || visible.includes('node', node);
}

/** The namespaces of an answer in which the caller may read a node. */
export function placesWith(node: string, places: readonly Place[]): Place[] {
  return places.filter(({ visible }) => visible.includes('node', node));
}

/** Resources that decide whether a caller may read an instance. */
export const instanceShows: readonly Shown[] = ['node', 'service'];

/** Decides which checks the caller may read: those of nodes and services that it may read. */
export function checksSeen(state: Reader, visible: VisibilityFilter): (row: RowOf<'check'>) => boolean {
  return (row) => {
    if (!includesNode(visible, row.node)) return false;
    const service = serviceOf(state, row);
    return service === undefined || visible.includes('service', service);
  };
}

/** Name of the service that a check belongs to, if any. */
export function serviceOf(state: Reader, row: RowOf<'check'>): string | undefined {
  return instanceOf(state, row)?.service;
}

/**
 * The selected nodes that the caller may read, in order.
 * @param rights that `seen` looks at, for one node
 */
export function* selectNodes(
  state: Reader,
  selection: Selection,
  seen: (node: string) => boolean,
  pace: Pace,
  rights = 1,
): Work<RowOf<'node'>[]> {
  const wanted = (row: RowOf<'node'>) => hasMeta(row, selection) && seen(row.name);
  const selected = yield* select(allNodes(state), wanted, pace, selection.meta.length / tagsPerUnit + (rights - 1) / rightsPerUnit);
  return yield* inOrder(selected, (a, b) => order(a.name, b.name), pace);
}

/** The cost of finding the rows of a node in one namespace. */
const unitsPerPlace = 1;

/** The instances on a node that the caller may read, in each namespace of the answer. */
export function* instancesSeenOn(node: string, places: readonly Place[], state: Reader, pace: Pace): Work<RowOf<'instance'>[]> {
  const found: RowOf<'instance'>[][] = [];
  for (const { namespace, visible } of places) {
    if (pace.spend(unitsPerPlace)) yield;
    const seen = yield* select(instancesOnNode(state, namespace, node), ({ service }) => visible.includes('service', service), pace);
    found.push(yield* inOrder(seen, byNodeThenId, pace));
  }
  return found.flat();
}

/** The checks on a node that the caller may read, in each namespace of the answer. */
export function* checksSeenOn(node: string, places: readonly Place[], state: Reader, pace: Pace): Work<RowOf<'check'>[]> {
  const found: RowOf<'check'>[][] = [];
  for (const { namespace, visible } of places) {
    const seen = yield* select(checksOnNode(state, namespace, node), checksSeen(state, visible), pace, 1);
    found.push(yield* inOrder(seen, byNodeThenId, pace));
  }
  return found.flat();
}

/** The checks of a node itself, without those of its instances. */
export function nodeChecks(state: Reader, node: string): RowOf<'check'>[] {
  return [...checksOfNode(state, node)].sort(byNodeThenId);
}

export function instanceChecks(state: Reader, { namespace, node, id }: RowOf<'instance'>): RowOf<'check'>[] {
  return [...checksOfInstance(state, namespace, node, id)].sort(byNodeThenId);
}

/** The instance that a check belongs to, if any. */
export function instanceOf(state: Reader, { namespace, node, instance }: RowOf<'check'>): RowOf<'instance'> | undefined {
  return instance === '' ? undefined : findInstance(state, namespace, node, instance);
}

function byInstance(a: Placed, b: Placed): number {
  return byNodeThenId(a.instance, b.instance);
}

export function byNodeThenId(
  a: { readonly node: string; readonly id: string },
  b: { readonly node: string; readonly id: string },
): number {
  return order(a.node, b.node) || order(a.id, b.id);
}
