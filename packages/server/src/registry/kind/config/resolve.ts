/**
 * What a client gets when it asks an app's configuration by name: layers, of which the first wins.
 *
 *   1  the app's own       cluster ─► datacentre ─► default: the first that has a release for the client
 *   2… each public parent  likewise, in the order in which the own one names them
 *
 * In each layer the rollouts come before the release for all (`given.ts`). Formats of keys and values are merged key by key by the
 * reader (`protocol/config/merge.ts`); of other formats only the first layer counts.
 */

import type { Lookup } from '../../room.ts';
import { findConfig, findRelease } from './find.ts';
import { givenTo, type ConfigReader } from './given.ts';
import type { IndexedRows } from './identity.ts';
import { defaultCluster } from './keys.ts';
import type { ConfigRef, ConfigRow, ReleaseRow, Rollout } from './rows.ts';
import { configView } from './views.ts';

/** A configuration without its cluster, which follows from the client. */
export type ConfigName = Omit<ConfigRef, 'cluster'>;

/** One configuration that the client gets, and the release of it. */
export interface Layer {
  readonly row: ConfigRow;
  readonly release: ReleaseRow;
  /** The rollout that gives it to this client; absent: all clients get it. */
  readonly rollout?: Rollout;
}

export interface Resolved {
  /** The first wins; empty when the client gets nothing. */
  readonly layers: readonly Layer[];
}

/** Clients of one place look in the same rows. */
export type Place = Pick<ConfigReader, 'cluster' | 'datacentre'>;

/** The rows that give the layers of all clients of a place; the same until a view of `viewsOf` changes. */
export interface Candidates {
  /** For each layer the rows that may give it, the first that has a release for the client. */
  readonly layers: readonly (readonly ConfigRow[])[];
  /** No row has a rollout, so all clients get the same. */
  readonly isForAll: boolean;
}

export function resolve(rows: IndexedRows, name: ConfigName, reader: ConfigReader): Resolved {
  return choose(rows, candidatesFor(rows, name, reader), reader);
}

export function candidatesFor(lookup: Lookup, name: ConfigName, place: Place): Candidates {
  const own = rowsOf(lookup, name, place);
  const parents = parentsOf(lookup, name, place).map((parent) => rowsOf(lookup, parent, place).filter(isReadableFor(name)));
  const layers = [own, ...parents];
  return { layers, isForAll: layers.every((rows) => rows.every(({ rollouts }) => rollouts === undefined)) };
}

/** What one client gets of the rows that `candidatesFor` has found. */
export function choose(rows: IndexedRows, { layers }: Candidates, reader: ConfigReader): Resolved {
  return { layers: layers.flatMap((configs) => layerOf(rows, configs, reader) ?? []) };
}

/** Names of the views that show a change of what `resolve` gives: watch all of them, and ask again when one changes. */
export function viewsOf(lookup: Lookup, name: ConfigName, place: Place): string[] {
  const names = [name, ...parentsOf(lookup, name, place)];
  return names.flatMap((each) => clustersOf(place).map((cluster) => configView({ ...each, cluster })));
}

/** The clusters in which configurations are looked for, in this order. */
export function clustersOf({ cluster, datacentre }: Place): string[] {
  return [...new Set([cluster, datacentre, defaultCluster])].filter((each) => each !== undefined);
}

function rowsOf(lookup: Lookup, name: ConfigName, place: Place): ConfigRow[] {
  return clustersOf(place).flatMap((cluster) => findConfig(lookup, { ...name, cluster }) ?? []);
}

function layerOf(rows: IndexedRows, configs: readonly ConfigRow[], reader: ConfigReader): Layer | undefined {
  for (const row of configs) {
    const given = givenTo(rows, row, reader);
    const release = given && findRelease(rows, row, given.release);
    if (release !== undefined) return { row, release, ...(given?.rollout === undefined ? {} : { rollout: given.rollout }) };
  }
  return undefined;
}

/** Another app's configuration must be public, and may have stopped being so since it was named as a parent. */
function isReadableFor({ app }: ConfigName): (row: ConfigRow) => boolean {
  return (row) => row.app === app || row.visibility === 'public';
}

/** The parents that the first of the app's own configurations names; one without a release may still name them. */
function parentsOf(lookup: Lookup, name: ConfigName, place: Place): ConfigName[] {
  for (const cluster of clustersOf(place)) {
    const parents = findConfig(lookup, { ...name, cluster })?.parents;
    if (parents !== undefined) return parents.map((parent) => ({ namespace: name.namespace, ...parent }));
  }
  return [];
}
