/**
 * Something that many streams follow: watched in the registry once, read once for each change, at once or 50 ms after the last reading.
 *
 *   views.watch ─► read, in turns of the event loop ─► other content? ─► members take note
 *
 * It does not know what is read.
 */

import type { Context } from '../../../net/frontend.ts';
import type { Frozen } from '../../../registry/frozen.ts';
import type { Readable, Reads } from './reads.ts';

/** Shortest pause between two readings: what changes all the time does not cost more than this. */
export const mergeMs = 50;

/** A reader of feeds: a stream. */
export interface Member {
  /** A feed that it has joined was read for the first time, or has another content. Called for many members at once: it only takes a note. */
  changed(feed: Feed): void;
}

export interface FeedOptions {
  readonly context: Pick<Context, 'registry' | 'clock' | 'wheel'>;
  readonly reads: Reads;
  /** Called when the last member has gone. */
  readonly onIdle: () => void;
}

export abstract class Feed implements Readable {
  readonly #options: FeedOptions;
  readonly #members = new Set<Member>();
  readonly #unwatch: readonly (() => void)[];
  #readAtMs = -Infinity;
  #isDirty = true;
  #hasAsked = false;
  #cancelRead: () => void = () => {};

  /** @param views that show it */
  constructor(options: FeedOptions, views: readonly string[]) {
    this.#options = options;
    this.#unwatch = views.map((view) => options.context.registry.views.watch(view, () => this.#schedule()));
    this.#schedule();
  }

  /** Takes the content over from one moment of the registry. @returns whether members see a difference */
  protected abstract take(frozen: Frozen): Generator<number | undefined, boolean, undefined>;

  /** Whether it has changed since it was read. Then members are told of the next reading, even of an equal one. */
  awaitsReading(): boolean {
    this.#hasAsked ||= this.#isDirty;
    return this.#isDirty;
  }

  join(member: Member): void {
    this.#members.add(member);
  }

  leave(member: Member): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    for (const unwatch of this.#unwatch) unwatch();
    this.#cancelRead();
    this.#options.reads.remove(this);
    this.#options.onIdle();
  }

  *read(): Generator<number | undefined, void, undefined> {
    const { clock, registry } = this.#options.context;
    this.#readAtMs = clock.monotonic();
    this.#isDirty = false;
    const frozen = registry.state.freeze();
    let isOther = false;
    try {
      isOther = yield* this.take(frozen);
    } finally {
      frozen.close();
    }
    // Members that wait for a current reading are told of an equal one as well.
    if (!isOther && !this.#hasAsked) return;
    this.#hasAsked = false;
    for (const member of this.#members) member.changed(this);
  }

  #schedule(): void {
    this.#isDirty = true;
    const { context, reads } = this.#options;
    const pauseMs = this.#readAtMs + mergeMs - context.clock.monotonic();
    this.#cancelRead();
    if (pauseMs <= 0) {
      reads.add(this);
      return;
    }
    const timer = context.wheel.schedule(pauseMs, () => reads.add(this));
    this.#cancelRead = () => timer.cancel();
  }
}
