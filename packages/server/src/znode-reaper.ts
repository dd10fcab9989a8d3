/**
 * Once a minute, removes the containers that have lost their last child, and the znodes whose TTL is over, as ZooKeeper does. This file says when something
 * may be due; `registry/kind/znode/reap.ts` decides. On several nodes each looks at the znodes that it owns.
 *
 * A client keeps a znode with a TTL by setting it. While this process did not run it could not, so that time is not counted: a znode must have been
 * seen unchanged for its TTL, on a clock without stalls that begins with the process. So it is removed one to two minutes after its time.
 */

import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Ownership } from './health/ownership.ts';
import { StallGuard, yieldToIo } from './health/stall-guard.ts';
import { inTurns } from './in-turns.ts';
import type { ZnodeReap } from './registry/kind/znode/commands.ts';
import { findChildren, reapedZnodes } from './registry/kind/znode/find.ts';
import { znodeKey } from './registry/kind/znode/keys.ts';
import { reapedAfterMs } from './registry/kind/znode/reap.ts';
import type { ZnodeRow } from './registry/kind/znode/rows.ts';
import type { Registry } from './registry/registry.ts';

/** `znode.container.checkIntervalMs` of ZooKeeper. */
const everyMs = 60_000;
/** Most that one look removes: `znode.container.maxPerMinute`. */
const removalsMax = 10_000;
/** Removals that wait for their commit at the same time. */
const atOnce = 256;

export interface ZnodeReaperOptions {
  readonly registry: Pick<Registry, 'state' | 'submit' | 'staleMs'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ownership: Pick<Ownership, 'owns' | 'judge'>;
}

/** A znode as it was first seen. */
interface Seen {
  /** Revision of its last change, or of that of its children. */
  readonly revision: number;
  /** On the clock without stalls. */
  readonly atMs: number;
}

export class ZnodeReaper {
  readonly #options: ZnodeReaperOptions;
  readonly #guard: StallGuard;
  /** By record key. */
  #seen = new Map<string, Seen>();
  #stop: () => void;
  #closed = false;

  /** Begins to look. */
  constructor(options: ZnodeReaperOptions) {
    this.#options = options;
    this.#guard = new StallGuard({ clock: options.clock, onStall: () => {} });
    this.#stop = this.#later();
    for (const row of reapedZnodes(options.registry.state)) this.#note(this.#seen, row);
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    this.#guard.close();
  }

  #later(): () => void {
    return this.#guard.timer(everyMs, () => {
      this.#look().then(
        () => {},
        (err: unknown) => this.#options.log.warn({ err }, 'containers and znodes with a TTL could not be removed; it is tried again in a minute'),
      ).finally(() => {
        if (!this.#closed) this.#stop = this.#later();
      });
    });
  }

  async #look(): Promise<void> {
    const { registry, log } = this.#options;
    if (registry.staleMs > 0) return;
    const due = await inTurns(this.#finding());
    if (due.length === 0) return;
    // What clients have sent meanwhile comes first.
    await yieldToIo();
    let removed = 0;
    for (let at = 0; at < due.length && !this.#closed; at += atOnce) {
      const done = await Promise.all(due.slice(at, at + atOnce).map((command) => registry.submit(command)));
      removed += done.filter((each) => each).length;
    }
    log.info({ removed }, 'removed containers without children and znodes whose TTL is over');
  }

  /** A step is one znode. */
  *#finding(): Generator<void, ZnodeReap[], undefined> {
    const { registry, ownership } = this.#options;
    const { judge: by } = ownership;
    const due: ZnodeReap[] = [];
    const seen = new Map<string, Seen>();
    for (const row of reapedZnodes(registry.state)) {
      const { namespace, path } = row;
      const key = znodeKey(namespace, path);
      const { atMs } = this.#note(seen, row);
      const afterMs = ownership.owns(key) && due.length < removalsMax ? reapedAfterMs(registry.state, row) : undefined;
      if (afterMs !== undefined && this.#guard.monotonic() - atMs >= afterMs) {
        due.push({ kind: 'znode-reap', namespace, path, judged: { key, revision: row.modified, ...(by === undefined ? {} : { by }) } });
      }
      yield;
    }
    this.#seen = seen;
    return due;
  }

  /** Remembers a znode, and since when it is as it is. */
  #note(seen: Map<string, Seen>, row: ZnodeRow): Seen {
    const key = znodeKey(row.namespace, row.path);
    const revision = Math.max(row.modified, findChildren(this.#options.registry.state, row.namespace, row.path)?.modified ?? 0);
    const before = this.#seen.get(key);
    const now = before?.revision === revision ? before : { revision, atMs: this.#guard.monotonic() };
    seen.set(key, now);
    return now;
  }
}
