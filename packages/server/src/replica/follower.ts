/**
 * Follows the feed of an engine, and says how far behind it this process is.
 *
 *   loading ──caught up──► following ◄──caught up again──┐
 *      │                      │ lost, or stuck           │
 *      ▼ lost                 ▼                          │
 *   start fails             stale ──back-off──► resumes after the last applied revision
 *
 * A lost feed is no reason to stop: reads go on from what was applied, and say that they may be old. Only damage to the
 * store (`data_loss`) and an event that cannot be applied are fatal. Applying is `applier.ts`.
 */

import { isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Engine, EngineEvent } from '../engine/engine.ts';
import { within } from './within.ts';

/** How current the state of this process is, as far as it knows. */
export type Freshness =
  | { readonly stale: false }
  /** @property sinceMs when the state was last known to be that of the store: wall clock in milliseconds */
  | { readonly stale: true; readonly sinceMs: number; readonly reason: string };

export interface FollowerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Takes an event in; the next one comes when it is done. Throws or rejects when the state can no longer follow. */
  readonly take: (event: EngineEvent) => Promise<void> | undefined;
  /** The revision that is applied. */
  readonly revision: () => number;
  /** Called when the state becomes stale, and when it is current again. */
  readonly onFreshness: (freshness: Freshness) => void;
  /** Called once when a loss has lasted for `patienceMs`: callers that wait for the feed should not wait any longer. */
  readonly onLongStale: (error: RegistryError) => void;
}

/** Pauses between two attempts to follow again: doubled up to the second, so that a store that is back is followed within 3 s. */
const backOffMs = { first: 100, most: 2_000 };

/** How often the store is asked where it stands, on an engine with other writers: a feed may stop without an error. */
export const lookMs = 5_000;
/** The same while the state is stale. */
const staleLookMs = 500;

/** A store that does not say for so long where it stands cannot be reached. */
const answerMs = 3_000;

/** How long writes and barriers wait for a feed that is lost. */
const patienceMs = 5_000;

export class Follower {
  readonly #options: FollowerOptions;
  readonly #stop = new AbortController();
  /** Of the present attempt to follow. */
  #attempt = new AbortController();
  #freshness: Freshness = { stale: false };
  #longStale: RegistryError | undefined;
  #cancelPatience = () => {};
  #cancelLook = () => {};
  #endPause = () => {};
  /** Ends the wait for the next event. */
  #giveUp = () => {};
  /** The newest revision that the store has said it stands at. */
  #known = 0;
  /** When the state was last known to be no older, on the monotonic clock. */
  #currentAt = 0;
  /** Events taken in, and the count at the last look. */
  #taken = 0;
  #takenBefore = 0;
  /** While one event is taken in over several turns of the event loop. */
  #taking = false;
  #backOffMs = backOffMs.first;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  get freshness(): Freshness {
    return this.#freshness;
  }

  /** Milliseconds since the state was last known to be that of the store, at least 1; 0 while it follows the store. */
  get staleMs(): number {
    if (!this.#freshness.stale) return 0;
    return Math.max(1, Math.round(this.#options.clock.monotonic() - this.#currentAt));
  }

  /** How far the state is behind what the store was last known to stand at. */
  get lag(): { readonly revisions: number; readonly seconds: number } {
    return { revisions: Math.max(0, this.#known - this.#options.revision()), seconds: this.staleMs / 1_000 };
  }

  /** Set once the feed has been lost for so long that nothing waits for it any more. */
  get longStale(): RegistryError | undefined {
    return this.#longStale;
  }

  /**
   * Follows until `stop`.
   * @param ready called when the whole state is loaded
   * @throws RegistryError when the first load fails; `data_loss` when the store is damaged; what `take` rejects with
   */
  async run(ready: () => void): Promise<void> {
    const { engine, revision } = this.#options;
    let loaded = false;
    for (;;) {
      const lost = await this.#follow(loaded ? revision() : undefined, () => {
        if (loaded) return;
        loaded = true;
        ready();
        if (!engine.exclusive) this.#lookIn(lookMs);
      });
      this.#attempt.abort();
      if (this.#stop.signal.aborted) return;
      if (!loaded) throw lost;
      this.#lost(lost.message);
      await this.#pause(this.#backOffMs);
      this.#backOffMs = Math.min(this.#backOffMs * 2, backOffMs.most);
      if (this.#stop.signal.aborted) return;
    }
  }

  stop(): void {
    this.#stop.abort();
    this.#abandon();
    this.#cancelLook();
    this.#cancelPatience();
    this.#endPause();
  }

  /** @returns why it ended; without meaning after `stop` */
  async #follow(after: number | undefined, onCaughtUp: () => void): Promise<RegistryError> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    if (this.#stop.signal.aborted) attempt.abort();
    const resume = after === undefined ? {} : { after };
    const events = this.#options.engine.changes({ ...resume, signal: attempt.signal })[Symbol.asyncIterator]();
    for (let first = true; ; first = false) {
      const next = this.#next(events, attempt.signal);
      // The feed is being read by now: what the store says of itself from here on will be shown by it.
      if (first && after !== undefined) this.#lookIn(0);
      const result = await next;
      if (isRegistryError(result)) {
        if (result.code === 'data_loss') throw result;
        return result;
      }
      if (result.done === true) return new RegistryError('unavailable', 'the feed of the store ended');
      this.#taken++;
      const taking = this.#options.take(result.value);
      if (taking !== undefined) {
        this.#taking = true;
        await taking;
        this.#taking = false;
      }
      if (this.#options.revision() >= this.#known) this.#isCurrent(this.#options.clock.monotonic());
      if (result.value.kind === 'caught-up') onCaughtUp();
    }
  }

  /** The next event, or why there is none. An engine that is stuck may not even notice the signal. */
  #next(events: AsyncIterator<EngineEvent>, signal: AbortSignal): Promise<IteratorResult<EngineEvent> | RegistryError> {
    return new Promise((resolve) => {
      const giveUp = () => resolve(new RegistryError('unavailable', 'the feed of the store was given up'));
      if (signal.aborted) giveUp();
      this.#giveUp = giveUp;
      events.next().then(resolve, (error: unknown) => resolve(toRegistryError(error)));
    });
  }

  #isCurrent(asOf: number): void {
    this.#currentAt = Math.max(this.#currentAt, asOf);
  }

  #lost(reason: string): void {
    if (this.#freshness.stale) return;
    const { clock, engine, onFreshness, onLongStale } = this.#options;
    // Nothing but this node changes such a store.
    if (engine.exclusive) this.#isCurrent(clock.monotonic());
    this.#freshness = { stale: true, sinceMs: Math.round(clock.now() - (clock.monotonic() - this.#currentAt)), reason };
    this.#cancelPatience = clock.timer(patienceMs, () => {
      const message = `this node has not followed the store for ${patienceMs / 1_000} s (${reason}); try again later, or on another node`;
      this.#longStale = new RegistryError('unavailable', message);
      onLongStale(this.#longStale);
    });
    onFreshness(this.#freshness);
  }

  #found(): void {
    this.#backOffMs = backOffMs.first;
    if (!this.#freshness.stale) return;
    this.#cancelPatience();
    this.#longStale = undefined;
    this.#freshness = { stale: false };
    this.#options.onFreshness(this.#freshness);
  }

  /** Ends the present attempt to follow. */
  #abandon(): void {
    this.#attempt.abort();
    this.#giveUp();
  }

  #lookIn(delayMs: number): void {
    this.#cancelLook();
    if (this.#stop.signal.aborted) return;
    this.#cancelLook = this.#options.clock.timer(delayMs, () => void this.#look());
  }

  /** Asks the store where it stands. A feed that shows nothing of what the look before found is stuck. */
  async #look(): Promise<void> {
    const { clock, engine, revision } = this.#options;
    const attempt = this.#attempt;
    const before = this.#known;
    const asked = clock.monotonic();
    const moves = this.#taken > this.#takenBefore || this.#taking;
    this.#takenBefore = this.#taken;
    try {
      this.#known = Math.max(this.#known, await within(clock, answerMs, engine.barrier(), silent));
      if (this.#stop.signal.aborted) return;
      // Between two attempts the state may be current by chance; it does not follow.
      const follows = attempt === this.#attempt && !attempt.signal.aborted;
      // The store is there again, so its feed can be followed at once.
      if (attempt === this.#attempt && attempt.signal.aborted) this.#endPause();
      if (follows && revision() >= this.#known) {
        this.#isCurrent(asked);
        this.#found();
      }
      else if (follows && !moves && !this.#freshness.stale && revision() < before) {
        this.#lost(`the feed of the store has not shown revision ${before} for ${lookMs / 1_000} s`);
        this.#abandon();
        return;
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#lost(toRegistryError(error).message);
    }
    if (this.#freshness.stale) this.#lookIn(staleLookMs);
    else if (!engine.exclusive) this.#lookIn(lookMs);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.timer(ms, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }
}

function silent(): RegistryError {
  return new RegistryError('unavailable', `the store has not said within ${answerMs / 1_000} s where it stands`);
}
