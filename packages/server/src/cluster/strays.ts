/**
 * Strays: heartbeats that came to this node and whose deadlines other nodes watch. They are gathered for a few milliseconds and sent to
 * each owner in batches, of each deadline the newest one. An owner that knows a newer owner answers `moved`: the beat is sent
 * once more, to that one. Later beats follow the log.
 *
 * This node claims a deadline, so that its beats are no longer strays, in two cases: after three beats in a row on one
 * connection, which the client will go on using; and when the owner cannot be reached, since the deadline would pass although
 * beats came.
 *
 * Every table here has a limit, and no fault here fails a heartbeat: beats that cannot be sent are counted.
 */

import type { Clock } from '../clock.ts';
import type { StrayBeat } from '../health/ownership.ts';
import type { Member } from '../registry/kind/member/rows.ts';
import { beatsMax, type Beat, type BeatAnswer, type BeatBatch } from './channel/beat-body.ts';

/**
 * `forwarded`: the owner took it. `moved`: it was sent once more. `claimed`: this node asked to own it. `dropped`: none of
 * these.
 */
export type StrayOutcome = 'forwarded' | 'moved' | 'claimed' | 'dropped';

export interface StraysOptions {
  readonly nodeId: string;
  readonly clock: Clock;
  /** The member that watches a deadline, as far as this node knows. */
  readonly ownerOf: (key: string) => Member | undefined;
  /** Sends a batch to a member. Rejects when it cannot be reached. */
  readonly send: (to: Member, batch: BeatBatch) => Promise<readonly BeatAnswer[]>;
  /** Makes this node the holder of deadlines. Rejects when that cannot be committed. */
  readonly claim: (keys: readonly string[]) => Promise<unknown>;
  readonly count: (outcome: StrayOutcome, beats: number) => void;
}

/** How long the first beat of a batch waits for others. */
const gatherMs = 5;

/** An owner that has not answered for this long counts as out of reach. Shorter than the shortest TTL with its hold. */
const answerMs = 1_000;

/** Beats that may wait for one owner; there is one for each deadline. */
export const waitingMax = 65_536;

/** Beats in a row on one connection, after which this node claims the deadline. */
export const streakMax = 3;

/** Deadlines whose beats are counted. Beyond it a new one waits until another has been claimed, changes its connection or is idle. */
export const streaksMax = 65_536;

/** A deadline that had no beat for this long may lose its place to a new one. */
const streakIdleMs = 120_000;

interface Waiting extends Beat {
  /** It was sent to one owner, which does not watch it. */
  readonly moved: boolean;
}

interface Queue {
  /** By key, in the order of the first beat. */
  readonly beats: Map<string, Waiting>;
  /** Batches are on their way; beats that come meanwhile go with the next one. */
  sending: boolean;
}

interface Streak {
  readonly connection: WeakRef<object>;
  beats: number;
  /** When the last one came, on the monotonic clock. */
  at: number;
}

export class Strays {
  readonly #options: StraysOptions;
  readonly #queues = new Map<string, Queue>();
  /** In the order of their last beats. A connection that has ended must not stay in memory for this. */
  readonly #streaks = new Map<string, Streak>();
  /** No streak is idle before this, on the monotonic clock. */
  #idleFrom = 0;
  #claims = new Set<string>();
  readonly #timers = new Set<() => void>();
  #closed = false;

  constructor(options: StraysOptions) {
    this.#options = options;
  }

  take({ key, status, output, principal, connection }: StrayBeat): void {
    const { ownerOf, nodeId, count } = this.#options;
    const owner = ownerOf(key);
    // The log has just made this node the owner: the deadline begins in full.
    if (owner?.nodeId === nodeId) return;
    if (this.#closed || owner === undefined) {
      count('dropped', 1);
      return;
    }
    if (this.#continuesStreak(key, connection)) this.#claimSoon(key);
    this.#enqueue(owner.nodeId, { key, status, output, principal, moved: false });
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#queues.clear();
  }

  /** Whether it is the last one of a streak. */
  #continuesStreak(key: string, connection: object | undefined): boolean {
    if (connection === undefined) return false;
    const now = this.#options.clock.monotonic();
    const full = this.#streaks.size >= streaksMax && !this.#dropIdle(now);
    const streak = this.#streaks.get(key);
    this.#streaks.delete(key);
    if (streak?.connection.deref() !== connection) {
      if (!full) this.#streaks.set(key, { connection: new WeakRef(connection), beats: 1, at: now });
      return false;
    }
    if (streak === undefined || ++streak.beats >= streakMax) return streak !== undefined;
    streak.at = now;
    this.#streaks.set(key, streak);
    return false;
  }

  /** @returns whether there is room for another one */
  #dropIdle(now: number): boolean {
    // The oldest is looked for only when it can be idle: each look passes over all that were taken out and put at the end since.
    if (now < this.#idleFrom) return false;
    for (const [key, { at }] of this.#streaks) {
      this.#idleFrom = at + streakIdleMs;
      if (now < this.#idleFrom) return false;
      this.#streaks.delete(key);
      return true;
    }
    return false;
  }

  #enqueue(to: string, beat: Waiting): void {
    let queue = this.#queues.get(to);
    if (queue === undefined) this.#queues.set(to, (queue = { beats: new Map(), sending: false }));
    const { beats } = queue;
    if (beats.size >= waitingMax && !beats.has(beat.key)) {
      this.#options.count('dropped', 1);
      return;
    }
    beats.set(beat.key, beat);
    if (queue.sending) return;
    if (beats.size >= beatsMax) void this.#sendAll(to, queue);
    else if (beats.size === 1) this.#after(gatherMs, () => void this.#sendAll(to, queue));
  }

  async #sendAll(to: string, queue: Queue): Promise<void> {
    if (queue.sending) return;
    queue.sending = true;
    while (queue.beats.size > 0 && !this.#closed) {
      const batch: Waiting[] = [];
      for (const [key, beat] of queue.beats) {
        queue.beats.delete(key);
        batch.push(beat);
        if (batch.length >= beatsMax) break;
      }
      await this.#sendBatch(to, batch);
    }
    queue.sending = false;
    this.#queues.delete(to);
  }

  async #sendBatch(to: string, batch: readonly Waiting[]): Promise<void> {
    const { ownerOf, send, count } = this.#options;
    // All of them had the same owner when they came; it may have changed.
    const member = batch.map(({ key }) => ownerOf(key)).find((owner) => owner?.nodeId === to);
    if (member === undefined) {
      this.#again(batch, () => '');
      return;
    }
    try {
      const beats = batch.map(({ moved: _moved, ...beat }) => beat);
      const answers = await this.#inTime(send(member, { epoch: member.epoch, beats }));
      count('forwarded', answers.filter(({ kind }) => kind === 'taken').length);
      count('dropped', answers.filter(({ kind }) => kind === 'absent').length);
      const moved = new Map(batch.flatMap(({ key }, at) => (answers[at]?.kind === 'moved' ? [[key, answers[at].to] as const] : [])));
      this.#again(batch.filter(({ key }) => moved.has(key)), (key) => moved.get(key) ?? '');
    } catch {
      if (!this.#closed) for (const { key } of batch) this.#claimSoon(key);
    }
  }

  /**
   * Sends beats to their present owners, each only once.
   * @param toOf the owner that the former one named; empty when it named none
   */
  #again(beats: readonly Waiting[], toOf: (key: string) => string): void {
    const { ownerOf, nodeId, count } = this.#options;
    for (const beat of beats) {
      const to = toOf(beat.key) || (ownerOf(beat.key)?.nodeId ?? '');
      if (beat.moved || to === '' || to === nodeId) count('dropped', 1);
      else {
        count('moved', 1);
        this.#enqueue(to, { ...beat, moved: true });
      }
    }
  }

  #claimSoon(key: string): void {
    if (this.#claims.size === 0) this.#after(gatherMs, () => void this.#claimAll());
    this.#claims.add(key);
  }

  async #claimAll(): Promise<void> {
    const { claim, count } = this.#options;
    const keys = [...this.#claims];
    this.#claims = new Set();
    for (let from = 0; from < keys.length && !this.#closed; from += beatsMax) {
      const some = keys.slice(from, from + beatsMax);
      try {
        await claim(some);
        count('claimed', some.length);
      } catch {
        // The store is out of reach. A node that cannot reach it cannot commit a verdict, either.
        count('dropped', some.length);
      }
    }
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#after(answerMs, () => reject(new Error(`no answer within ${answerMs} ms`)));
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      cancel();
    }
  }

  /** @returns cancels it */
  #after(delayMs: number, callback: () => void): () => void {
    const cancel = this.#options.clock.timer(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
    return () => {
      this.#timers.delete(cancel);
      cancel();
    };
  }
}
