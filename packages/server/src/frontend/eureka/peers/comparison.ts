/**
 * Compares the registry of a peer with ours when a link begins. Takes over instances that only the peer has, or has newer; says what the
 * peer lacks of ours. It removes nothing on either side. An override that only one side has is taken for set there, as Eureka
 * does (`PeerEurekaNode.syncInstancesIfTimestampDiffers`).
 */

import { checkKey } from '../../../registry/kind/catalog/keys.ts';
import { leaseId, namespace, rowId, serviceOf, isOwn } from '../names.ts';
import { dirtyMsOf } from '../translate.ts';
import type { EurekaStatus, InstanceInfo } from '../wire/instance-info.ts';
import { InstanceError, readInstance } from '../wire/read-instance.ts';
import type { Inbound } from './inbound.ts';
import type { InstanceName } from './news.ts';
import type { PeerClient } from './peer-client.ts';
import type { Difference } from './peer-link.ts';
import type { Tracked } from './tracked.ts';

export interface ComparisonOptions {
  readonly client: PeerClient;
  readonly inbound: Inbound;
  /** Whether this node watches a deadline. @param key its record key */
  readonly owns: (key: string) => boolean;
  /** Whether the peer has yet to be told that an instance was removed. */
  readonly removes: (name: InstanceName) => boolean;
  readonly find: (name: InstanceName) => Tracked | undefined;
  /** The instances that this node tells about, or keeps alive. */
  readonly mine: () => Iterable<Tracked>;
}

interface Theirs {
  readonly status: EurekaStatus;
  readonly overriddenStatus: EurekaStatus;
  readonly lastDirtyTimestamp: number;
}

/** Instances that are taken over at the same time; they share a commit. */
const takeoversMax = 256;

/** Instances of ours that are compared between two turns of the event loop: some 2 ms. */
const comparedPerTurn = 2_048;

/** @param instances as the peer's list has them; `undefined` between slices */
export async function* compare(instances: Iterable<unknown>, options: ComparisonOptions): AsyncGenerator<void, readonly Difference[], undefined> {
  const theirs = new Map<string, Theirs>();
  let taking: Promise<void>[] = [];
  for (const value of instances) {
    if (value === undefined) {
      await turn();
      yield;
      continue;
    }
    const info = instanceIn(value);
    if (info === undefined) continue;
    const { app, instanceId: id, status, overriddenStatus, lastDirtyTimestamp } = info;
    theirs.set(`${app}\0${id}`, { status, overriddenStatus, lastDirtyTimestamp });
    taking.push(takeOver(info, options));
    if (taking.length < takeoversMax) continue;
    await Promise.all(taking);
    taking = [];
    yield;
  }
  await Promise.all(taking);
  const differences: Difference[] = [];
  let compared = 0;
  for (const tracked of options.mine()) {
    for (const difference of differencesOf(tracked, theirs.get(`${tracked.name.app}\0${tracked.name.id}`))) differences.push(difference);
    if (++compared % comparedPerTurn > 0) continue;
    await turn();
    yield;
  }
  return differences;
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** An instance that cannot be read is left out: the other ones count. */
function instanceIn(value: unknown): InstanceInfo | undefined {
  try {
    return readInstance(value, false);
  } catch (error) {
    if (error instanceof InstanceError) return undefined;
    throw error;
  }
}

async function takeOver(info: InstanceInfo, { client, inbound, owns, removes, find }: ComparisonOptions): Promise<void> {
  const name = { app: info.app, id: info.instanceId };
  const key = checkKey(namespace, '', leaseId(rowId(serviceOf(info.app), info.instanceId)));
  if (!owns(key) || removes(name)) return;
  const ours = find(name);
  if (ours === undefined) {
    await inbound.adopt(info);
    return;
  }
  if (!isOwn(ours.row)) return;
  if (info.lastDirtyTimestamp > (dirtyMsOf(ours.row) ?? 0)) await inbound.adopt(info);
  else if (isOverrideWanted(info, ours)) {
    // The list of a peer may be half a minute old; the single instance is not.
    const now = await client.instance(info.app, info.instanceId);
    if (now !== undefined && isOverrideWanted(now.info, ours)) await inbound.override(name, now.info.overriddenStatus);
  }
}

function isOverrideWanted({ overriddenStatus }: InstanceInfo, { info, replicated }: Tracked): boolean {
  if (overriddenStatus === info.overriddenStatus || overriddenStatus === 'UNKNOWN') return false;
  return replicated || info.overriddenStatus === 'UNKNOWN';
}

function differencesOf({ name, info, replicated, lapsed }: Tracked, theirs: Theirs | undefined): Difference[] {
  if (lapsed) return [];
  const differences: Difference[] = [];
  const isSame = theirs !== undefined && theirs.status === info.status && theirs.lastDirtyTimestamp === info.lastDirtyTimestamp;
  if (!replicated && !isSame) differences.push({ name, kind: 'register' });
  const isOverridden = info.overriddenStatus !== 'UNKNOWN' && theirs?.overriddenStatus !== info.overriddenStatus;
  if (isOverridden && (theirs !== undefined || !replicated)) differences.push({ name, kind: 'override' });
  return differences;
}
