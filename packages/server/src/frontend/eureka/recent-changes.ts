/**
 * What changed in the last three minutes, for `/apps/delta`. It follows the registry and remembers for each instance that changed, or
 * whose status may have changed, when that was and what it was like. Which of them are there and with which status is read when a
 * delta is written, so that a delta and its hash are always of one moment.
 */

import type { Clock } from '../../clock.ts';
import { checksOfInstance, checksOfNode, findNode } from '../../registry/kind/catalog/find.ts';
import { instanceKey } from '../../registry/kind/catalog/keys.ts';
import type { CheckRow, InstanceRow } from '../../registry/kind/catalog/rows.ts';
import type { RowChange } from '../../registry/kinds.ts';
import type { Registry } from '../../registry/registry.ts';
import { namespace } from './names.ts';
import { touchedBy } from './touched.ts';

/** Eureka keeps three minutes and looks twice a minute (`retentionTimeInMSInDeltaQueue`, `deltaRetentionTimerIntervalInMs`). */
const retentionMs = 180_000;
const marginMs = 30_000;

/** An instance that changed. */
export interface Recent {
  /** By the wall clock of this node. */
  readonly atMs: number;
  /** Record key of the instance. */
  readonly key: string;
  /** As it was known last. */
  readonly row: InstanceRow;
  /** Whether it was created, and has not changed since. */
  readonly isNew: boolean;
  /** Number of the transaction, by which a change that belongs to the creation is known. */
  readonly batch: number;
}

/** Beyond this many the oldest are forgotten; clients that missed them see another hash and fetch the whole list. */
const recentMax = 262_144;

export class RecentChanges {
  readonly #registry: Registry;
  readonly #clock: Clock;
  /** By service and record key, the oldest first. */
  readonly #recent = new Map<string, Recent>();
  #active = false;
  #generation = 0;
  #batch = 0;

  constructor(registry: Registry, clock: Clock) {
    this.#registry = registry;
    this.#clock = clock;
  }

  get isActive(): boolean {
    return this.#active;
  }

  activate(): void {
    this.#active = true;
  }

  /** Rises when old entries are forgotten, so that a kept delta is known to be old. */
  get generation(): number {
    this.#forgetOld();
    return this.#generation;
  }

  /** The instances that changed in the last three minutes, the oldest change first. */
  list(): readonly Recent[] {
    this.#forgetOld();
    return [...this.#recent.values()];
  }

  /** Adds a change from before it was active. */
  remember(row: InstanceRow, key: string): void {
    const name = nameOf(row, key);
    if (!this.#recent.has(name)) this.#recent.set(name, { atMs: this.#clock.now(), key, row, isNew: false, batch: 0 });
  }

  /** Follows a transaction that was applied. */
  observe(changes: readonly RowChange[]): void {
    this.#batch++;
    for (const change of changes) this.#follow(change);
  }

  *replaced(changes: readonly RowChange[]): Generator<void, void, undefined> {
    for (const change of changes) {
      this.#follow(change);
      yield;
    }
  }

  #follow(change: RowChange): void {
    const isCreated = change.before === undefined && change.after?.kind === 'instance';
    for (const { key, row, before } of touchedBy(this.#registry.state, change)) {
      const isMoved = before !== undefined && before.service !== row.service;
      if (isMoved) this.#note(before, key);
      this.#note(row, key, isCreated || isMoved);
    }
  }

  #note(row: InstanceRow, key: string, created = false): void {
    const name = nameOf(row, key);
    const before = this.#recent.get(name);
    const isNew = created || (before?.isNew === true && before.batch === this.#batch);
    this.#recent.delete(name);
    this.#recent.set(name, { atMs: this.#clock.now(), key, row, isNew, batch: this.#batch });
    if (this.#recent.size > recentMax) this.#forgetFirst();
  }

  #forgetOld(): void {
    const oldest = this.#clock.now() - retentionMs - marginMs;
    for (const { atMs } of this.#recent.values()) {
      if (atMs >= oldest) return;
      this.#forgetFirst();
    }
  }

  #forgetFirst(): void {
    for (const name of this.#recent.keys()) {
      this.#recent.delete(name);
      this.#generation++;
      return;
    }
  }

  /**
   * Adds the instances that may have changed in the last three minutes, in steps, for a node that has not watched them do so. Only changes of
   * instances have times, so the newest revision that is known to be older is the limit for all rows; with no such revision every
   * instance counts. A delta may have more than what changed: to a client an instance that it has already is nothing new.
   *
   * The minutes count from the last change that is known: while the registry was down, nothing changed, and clients waited.
   * @param goneMs when the last instance was removed, since the Unix epoch; 0 when that is not known
   */
  *seed(rows: Iterable<InstanceRow>, goneMs: number): Generator<void, void, undefined> {
    const all = [...rows];
    const lastMs = all.reduce((last, { changedMs, registeredMs }) => Math.max(last, changedMs ?? registeredMs), goneMs);
    const oldMs = lastMs - retentionMs - 2 * marginMs;
    let limit = 0;
    for (const { modified, changedMs, registeredMs } of all) {
      if ((changedMs ?? registeredMs) < oldMs) limit = Math.max(limit, modified);
      yield;
    }
    const { state } = this.#registry;
    const nodes = new Map<string, number>();
    for (const row of all) {
      if (row.node !== '' && !nodes.has(row.node)) nodes.set(row.node, newest(findNode(state, row.node)?.modified ?? 0, checksOfNode(state, row.node)));
      const ofNode = nodes.get(row.node) ?? 0;
      if (newest(Math.max(row.modified, ofNode), checksOfInstance(state, namespace, row.node, row.id)) > limit) this.remember(row, instanceKey(namespace, row.node, row.id));
      yield;
    }
  }
}

function newest(start: number, checks: Iterable<CheckRow>): number {
  let found = start;
  for (const { modified } of checks) found = Math.max(found, modified);
  return found;
}

function nameOf({ service }: InstanceRow, key: string): string {
  return `${service}\0${key}`;
}
