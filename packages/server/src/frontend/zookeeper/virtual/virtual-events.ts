/**
 * Events of znodes without rows: derived from the changes of a transaction, by looking at the instances that it touches as they are, and as they
 * were. Nothing is remembered between two transactions.
 */

import type { Lookup } from '../../../registry/room.ts';
import { isOf, type AnyRow, type AnyRowChange } from '../../../registry/row.ts';
import type { KindTable } from '../../../registry/kind-table.ts';
import { statuses } from '../../../registry/kind/catalog/effective-status.ts';
import { findInstance, instancesOnNode } from '../../../registry/kind/catalog/find.ts';
import { instanceKey } from '../../../registry/kind/catalog/keys.ts';
import type { CheckRow, InstanceRow, NodeRow } from '../../../registry/kind/catalog/rows.ts';
import type { ZnodeEvent } from '../../../registry/kind/znode/events.ts';
import { encoded, isLeftOut, isShownService, shown, type Shown, type ShownOptions } from './shown-instances.ts';
import { shownProvider, type ShownProvider } from './shown-providers.ts';

export interface VirtualEventsOptions extends ShownOptions {
  readonly base: string;
  readonly dubboBase: string;
}

/** A node without a row. */
interface Leaf {
  readonly path: string;
  readonly parent: string;
  readonly data: Uint8Array;
}

interface Touched {
  readonly node: string;
  readonly id: string;
}

type Event = Pick<ZnodeEvent, 'type' | 'path'>;

/** @param state after the changes */
export function* virtualEvents(changes: readonly AnyRowChange[], state: Lookup & { readonly kinds: KindTable }, options: VirtualEventsOptions): Generator<Event, void, undefined> {
  const touched = touchedBy(changes, state, options.namespace);
  if (touched.size === 0) return;
  const before = stateBefore(changes, state);
  const [statusBefore, statusAfter] = [statuses(before), statuses(state)];
  const services = new Set<string>();
  const lists = new Set<string>();
  const eventOf = function* (was: Leaf | undefined, is: Leaf | undefined): Generator<Event, void, undefined> {
    if (was?.path === is?.path) {
      if (was !== undefined && is !== undefined && !isSame(was.data, is.data)) yield { type: 'changed', path: is.path };
      return;
    }
    if (was !== undefined) yield { type: 'deleted', path: was.path };
    if (is !== undefined) yield { type: 'created', path: is.path };
    for (const each of [was, is]) if (each !== undefined) lists.add(each.parent);
  };
  for (const { node, id } of touched.values()) {
    const [rowBefore, rowAfter] = [findInstance(before, options.namespace, node, id), findInstance(state, options.namespace, node, id)];
    if ((rowBefore === undefined || isLeftOut(before, rowBefore)) && (rowAfter === undefined || isLeftOut(state, rowAfter))) continue;
    for (const row of [rowBefore, rowAfter]) if (row !== undefined) services.add(row.service);
    const leaves = (reader: Lookup, row: InstanceRow | undefined, statusOf: ReturnType<typeof statuses>): readonly (Leaf | undefined)[] =>
      row === undefined ? [] : [instanceLeaf(options, shown(reader, options, row, statusOf)), providerLeaf(options, shownProvider(reader, row, statusOf))];
    const [was, is] = [leaves(before, rowBefore, statusBefore), leaves(state, rowAfter, statusAfter)];
    yield* eventOf(was[0], is[0]);
    yield* eventOf(was[1], is[1]);
  }
  yield* serviceEvents(services, { before, after: state }, options);
  for (const path of lists) yield { type: 'children', path };
}

function instanceLeaf({ base }: VirtualEventsOptions, found: Shown | undefined): Leaf | undefined {
  const parent = found && pathOf({ base }, found.row.service);
  return found && parent !== undefined ? { parent, path: `${parent}/${found.name}`, data: found.data } : undefined;
}

function providerLeaf({ dubboBase }: VirtualEventsOptions, found: ShownProvider | undefined): Leaf | undefined {
  const parent = `${dubboBase}/${encoded(found?.interface ?? '')}/providers`;
  return found && { parent, path: `${parent}/${found.name}`, data: noData };
}

const noData = new Uint8Array(0);

/** Services that appear, or are gone. */
function* serviceEvents(services: ReadonlySet<string>, { before, after }: { readonly before: Lookup; readonly after: Lookup }, options: VirtualEventsOptions): Generator<Event, void, undefined> {
  let changed = false;
  for (const service of services) {
    const [was, is] = [isShownService(before, options, service), isShownService(after, options, service)];
    if (was === is) continue;
    changed = true;
    yield { type: is ? 'created' : 'deleted', path: pathOf(options, service) };
  }
  if (changed) yield { type: 'children', path: options.base };
}

/** Instances of the namespace whose znode may have changed, by their record key. */
function touchedBy(changes: readonly AnyRowChange[], state: Lookup, namespace: string): Map<string, Touched> {
  const touched = new Map<string, Touched>();
  const add = (node: string, id: string) => touched.set(instanceKey(namespace, node, id), { node, id });
  const onNode = (node: string) => {
    for (const { id } of instancesOnNode(state, namespace, node)) add(node, id);
  };
  for (const { before, after } of changes) {
    const row = after ?? before;
    if (isOf<InstanceRow>(row, 'instance')) {
      if (row.namespace === namespace) add(row.node, row.id);
    } else if (isOf<CheckRow>(row, 'check')) {
      if (row.instance === '') onNode(row.node);
      else if (row.namespace === namespace) add(row.node, row.instance);
    } else if (isOf<NodeRow>(row, 'node')) onNode(row.name);
  }
  return touched;
}

/** The state as it was before the changes. */
function stateBefore(changes: readonly AnyRowChange[], state: Lookup & { readonly kinds: KindTable }): Lookup {
  const changed = new Map(changes.map(({ key, before }) => [key, before]));
  let buckets: Map<string, AnyRow[]> | undefined;
  const inBuckets = (): Map<string, AnyRow[]> => {
    const found = new Map<string, AnyRow[]>();
    for (const row of changed.values()) {
      if (row === undefined) continue;
      for (const bucket of state.kinds.bucketsOf(row)) {
        const rows = found.get(bucket);
        if (rows === undefined) found.set(bucket, [row]);
        else rows.push(row);
      }
    }
    return found;
  };
  return {
    get: (key) => (changed.has(key) ? changed.get(key) : state.get(key)),
    *bucket(name) {
      for (const row of state.bucket(name)) if (!changed.has(state.kinds.keyOf(row))) yield row;
      yield* (buckets ??= inBuckets()).get(name) ?? [];
    },
  };
}

function pathOf({ base }: Pick<VirtualEventsOptions, 'base'>, service: string): string {
  return `${base}/${encoded(service)}`;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
