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

export function resolve(lookup: Lookup, name: ConfigName, reader: ConfigReader): Resolved {
  const own = layerOf(lookup, name, reader);
  const layers = own === undefined ? [] : [own];
  for (const parent of parentsOf(lookup, name, reader)) {
    const layer = layerOf(lookup, parent, reader, isReadableFor(name));
    if (layer !== undefined) layers.push(layer);
  }
  return { layers };
}

/** Names of the views that show a change of what `resolve` gives: watch all of them, and ask again when one changes. */
export function viewsOf(lookup: Lookup, name: ConfigName, reader: ConfigReader): string[] {
  const names = [name, ...parentsOf(lookup, name, reader)];
  return names.flatMap((each) => clustersOf(reader).map((cluster) => configView({ ...each, cluster })));
}

/** The clusters in which configurations are looked for, in this order. */
export function clustersOf({ cluster, datacentre }: ConfigReader): string[] {
  return [...new Set([cluster, datacentre, defaultCluster])].filter((each) => each !== undefined);
}

function layerOf(lookup: Lookup, name: ConfigName, reader: ConfigReader, mayRead: (row: ConfigRow) => boolean = () => true): Layer | undefined {
  for (const cluster of clustersOf(reader)) {
    const row = findConfig(lookup, { ...name, cluster });
    const given = row !== undefined && mayRead(row) ? givenTo(row, reader) : undefined;
    const release = row && given && findRelease(lookup, row, given.release);
    if (release !== undefined) return { row: row as ConfigRow, release, ...(given?.rollout === undefined ? {} : { rollout: given.rollout }) };
  }
  return undefined;
}

/** Another app's configuration must be public, and may have stopped being so since it was named as a parent. */
function isReadableFor({ app }: ConfigName): (row: ConfigRow) => boolean {
  return (row) => row.app === app || row.visibility === 'public';
}

/** The parents that the first of the app's own configurations names; one without a release may still name them. */
function parentsOf(lookup: Lookup, name: ConfigName, reader: ConfigReader): ConfigName[] {
  for (const cluster of clustersOf(reader)) {
    const parents = findConfig(lookup, { ...name, cluster })?.parents;
    if (parents !== undefined) return parents.map((parent) => ({ namespace: name.namespace, ...parent }));
  }
  return [];
}
