/**
 * The replica: the one ordering point between commands and the log.
 *
 *   submit → queue ─┐ while a commit is in flight, commands wait
 *                   ▼
 *        decide in order, each on top of the one before (one Draft)
 *                   ▼
 *        engine.commit(expectations, writes)      one transaction for all of them
 *                   ▼
 *        engine.changes → state.apply → observers, views → every caller's promise
 *
 * A restore is one transaction of any size, if the engine accepts it: it is built, written and applied over many turns of
 * the event loop, and becomes visible in one of them. Commands wait meanwhile; reads continue.
 *
 * Group commit: the longer a commit takes, the more commands share the next one. It goes to the engine before the former ones are
 * answered. No reader sees a change that could still be lost, since the state moves only by `changes` (`replica/follower.ts`).
 *
 * Other replicas may write to the same engine. So an answer without a write is given only when the state that it was
 * decided on is no older than the command. A transaction names the rows it was decided on; when it loses a race it is
 * decided again.
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Clock } from './clock.ts';
import type { Engine, Transaction } from './engine/engine.ts';
import { inTurns } from './in-turns.ts';
import { decideBatch, type Batch, type Outcome } from './registry/batch.ts';
import type { Command, Result, Row } from './registry/kinds.ts';
import type { Observer } from './registry/observer.ts';
import type { Registry } from './registry/registry.ts';
import type { State } from './registry/state.ts';
import { decisionOn } from './registry/decide.ts';
import type { Views } from './registry/views.ts';
import { Applier, rowsPerTurn } from './replica/applier.ts';
import type { CommitMeter } from './replica/commit-meter.ts';
import { Follower, type Freshness } from './replica/follower.ts';
import { Patience } from './replica/patience.ts';

export interface ReplicaOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Most commands that may wait for their commit; further ones are refused. */
  readonly queueMax?: number;
  /** Whether keys show configurations: then no command of this process writes such a key; false by default. */
  readonly configurationsInKv?: boolean;
  /** Called when the state can no longer follow the log; the process should stop. */
  readonly onFatal: (error: RegistryError) => void;
  /** Called when the state becomes stale, because the engine's feed is lost or stuck, and when it is current again. */
  readonly onFreshness?: (freshness: Freshness) => void;
}

/** A whole transaction, built from the state at its turn. */
interface Replacement {
  readonly kind: 'replacement';
  /** Builds it in steps; the state does not change between them. */
  readonly make: (state: State) => Iterator<unknown, Transaction>;
}

/** The results of a batch, and its transaction, if it needs one. */
type Decided = Omit<Batch<Row, Command>, 'writes'> & { readonly transaction?: Transaction };

interface Waiting {
  readonly work: Command | Replacement;
  /** A command that has done a part of its work and begins a transaction, so that it reaches the next part. */
  readonly goesOn?: true;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: RegistryError) => void;
}

/** Most commands decided together; `fill.ts` limits their writes, too. So long does one batch hold the event loop. */
const batchMax = 1_024;

/** How often a transaction that lost a race is decided again. */
const attemptsMax = 50;

export class Replica implements Registry {
  readonly isOnlyWriter: boolean;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #queueMax: number;
  readonly #configurationsInKv: boolean;
  readonly #onFatal: (error: RegistryError) => void;
  readonly #applier = new Applier();
  readonly #follower: Follower;
  #queue: Waiting[] = [];
  readonly #patience: Patience;
  #committing = false;
  #closed = false;
  readonly #stalenessListeners = new Set<() => void>();
  #following: Promise<void> = Promise.resolve();
  #draining: Promise<void> = Promise.resolve();
  #meter: CommitMeter | undefined;
  /** Id of this node as a member of a store with several nodes: it holds the instances that are registered here. */
  nodeId: string | undefined;

  constructor(options: ReplicaOptions) {
    const { engine, clock } = options;
    this.#engine = engine;
    this.isOnlyWriter = engine.exclusive;
    this.#clock = clock;
    this.#queueMax = options.queueMax ?? 65_536;
    this.#configurationsInKv = options.configurationsInKv ?? false;
    this.#onFatal = options.onFatal;
    this.#patience = new Patience({
      ...{ engine, clock },
      revision: () => this.state.revision,
      longStale: () => this.#follower.longStale,
      onSilent: (error) => this.#refuseQueue(error),
    });
    this.#follower = new Follower({
      ...{ engine, clock },
      take: (event) => {
        const taking = this.#applier.take(event);
        if (taking !== undefined) return taking.then(() => this.#patience.moved());
        this.#patience.moved();
        return undefined;
      },
      revision: () => this.state.revision,
      onFreshness: (freshness) => {
        options.onFreshness?.(freshness);
        for (const listener of this.#stalenessListeners) listener();
      },
      onLongStale: (error) => {
        this.#patience.end(error);
        this.#refuseQueue(error);
      },
    });
  }

  get state(): State {
    return this.#applier.state;
  }

  get views(): Views {
    return this.#applier.views;
  }

  /** Whether the state follows the store, as far as this process knows. */
  get freshness(): Freshness {
    return this.#follower.freshness;
  }

  get staleMs(): number {
    return this.#follower.staleMs;
  }

  /** How far the state is behind the last known revision of the store, which is queried every 5 seconds. */
  get lag(): Follower['lag'] {
    return this.#follower.lag;
  }

  watchStaleness(listener: () => void): () => void {
    // A function that was added twice is called twice.
    const own = () => listener();
    this.#stalenessListeners.add(own);
    return () => this.#stalenessListeners.delete(own);
  }

  /** Loads the whole state; resolves when it has the engine's newest revision. */
  async start(): Promise<void> {
    await new Promise<void>((ready, failed) => {
      this.#following = this.#follower.run(ready).catch((error: unknown) => {
        const fatal = toRegistryError(error);
        failed(fatal);
        this.#patience.end(fatal);
        if (!this.#closed) this.#onFatal(fatal);
      });
    });
  }

  observe(observer: Observer): () => void {
    return this.#applier.observe(observer);
  }

  /** Reports the duration of every commit and apply from now on. */
  measure(meter: CommitMeter): void {
    this.#meter = meter;
  }

  /** Commands that wait for their commit. */
  get waiting(): number {
    return this.#queue.length;
  }

  submit<C extends Command>(command: C): Promise<Result<C>> {
    return this.#enqueue(command) as Promise<Result<C>>;
  }

  /**
   * Commits a transaction that no command created; only a restore calls it.
   * @param make yields after little work; commands wait until it is committed and applied
   */
  async replace(make: (state: State) => Iterator<unknown, Transaction>): Promise<void> {
    await this.#enqueue({ kind: 'replacement', make });
  }

  barrier(): Promise<void> {
    return this.#patience.barrier();
  }

  notOlderThan(revision: number): Promise<void> {
    return this.#patience.notOlderThan(revision);
  }

  /** Finishes the waiting commands, then stops following the engine. Does not close it. */
  async close(): Promise<void> {
    this.#closed = true;
    // A caller that waits while the feed is lost would wait without end.
    const { freshness, longStale } = this.#follower;
    if (freshness.stale) this.#patience.end(longStale ?? new RegistryError('unavailable', 'the registry is shutting down'));
    await this.#draining;
    this.#follower.stop();
    await this.#following;
  }

  #enqueue(work: Waiting['work']): Promise<unknown> {
    if (this.#closed) {
      return Promise.reject(new RegistryError('unavailable', 'the registry is shutting down'));
    }
    const { longStale } = this.#follower;
    if (longStale !== undefined) return Promise.reject(longStale);
    if (this.#queue.length >= this.#queueMax) {
      const message = `${this.#queue.length} commands are waiting, the limit is ${this.#queueMax}; try again later`;
      return Promise.reject(new RegistryError('resource_exhausted', message));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      if (this.#committing) return;
      this.#committing = true;
      // Commands of the same turn of the event loop share the first commit, too.
      this.#draining = new Promise<void>((turn) => setImmediate(turn)).then(() => this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const whole = await this.#commitBatch(this.#takeBatch());
      // Commands that did not fit into one batch wait for another turn: an engine may answer within this one.
      if (!whole) await new Promise<void>((turn) => setImmediate(turn));
    }
    this.#committing = false;
  }

  /** The commands up to the next one that begins a separate transaction, or a replacement alone. */
  #takeBatch(): Waiting[] {
    const queue = this.#queue;
    let end = 1;
    if (queue[0]?.work.kind !== 'replacement') {
      while (end < Math.min(batchMax, queue.length) && !beginsBatch(queue[end] as Waiting)) end++;
    }
    this.#queue = queue.slice(end);
    return queue.slice(0, end);
  }

  /** @returns whether all of them were done, in a transaction of usual size */
  async #commitBatch(batch: readonly Waiting[]): Promise<boolean> {
    try {
      const outcomes = await this.#commit(batch.map(({ work }) => work));
      this.#queue = [...batch.slice(outcomes.length), ...this.#queue];
      const final = outcomes.at(-1) as Outcome<Command>;
      if ('next' in final) this.#goOn({ ...(batch[outcomes.length - 1] as Waiting), work: final.next, goesOn: true });
      // Many answers take time, in which the engine can work on the next transaction: that one is sent first.
      if (outcomes.length === 1 || this.#queue.length === 0) answer(batch, outcomes);
      else setImmediate(() => answer(batch, outcomes));
      return !('next' in final) && outcomes.length === batch.length && batch.length < batchMax;
    } catch (error) {
      // Refusals decided on top of writes that failed would be wrong, too: all commands fail alike.
      const failure = toRegistryError(error);
      for (const { reject } of batch) reject(failure);
      return true;
    }
  }

  #goOn(waiting: Waiting): void {
    const decision = waiting.work.kind === 'replacement' ? undefined : decisionOn(this.state.kinds, waiting.work);
    this.#queue[decision?.letsOthersPass === true ? 'push' : 'unshift'](waiting);
  }

  async #commit(works: readonly Waiting['work'][]): Promise<readonly Outcome<Command>[]> {
    const [first] = works;
    // A revision that the store reached after the commands arrived.
    let current = this.#engine.exclusive ? 0 : Infinity;
    // Writing a whole state has no time limit.
    const isLong = first?.kind === 'replacement';
    for (let attempt = 1; ; attempt++) {
      const { decided, outcomesAt, transaction } =
        first?.kind === 'replacement' ? await this.#replacement(first) : this.#decide(works as readonly Command[]);
      const basis = this.state.revision;
      if (transaction !== undefined) {
        const started = this.#clock.monotonic();
        const result = await this.#patience.commit(transaction, isLong);
        if (result.ok) {
          const durable = this.#clock.monotonic();
          await this.#patience.seen(result.revision, isLong);
          this.#applier.own = undefined;
          this.#meter?.commitSeconds.observe((durable - started) / 1_000);
          this.#meter?.applyLagSeconds.observe((this.#clock.monotonic() - durable) / 1_000);
          this.#meter?.commands.inc(decided);
          return outcomesAt(result.revision);
        }
        this.#meter?.commitConflicts.inc();
        if (attempt >= attemptsMax) {
          const message = `other writers were faster ${attempt} times in a row at ${JSON.stringify(result.key)}; nothing was written, try again`;
          throw new RegistryError('aborted', message);
        }
      } else if (basis >= current) return outcomesAt(basis);
      current = await this.#patience.newest();
      // There is no write, and the state was current: the answer is valid.
      if (transaction === undefined && basis >= current) return outcomesAt(basis);
      await this.#patience.caughtUp(current);
    }
  }

  /** Refuses the commands whose turn has not come. Commands that have done a part of their work continue. */
  #refuseQueue(error: RegistryError): void {
    const refused = this.#queue.filter(({ goesOn }) => goesOn !== true);
    this.#queue = this.#queue.filter(({ goesOn }) => goesOn === true);
    for (const { reject } of refused) reject(error);
  }

  async #replacement({ make }: Replacement): Promise<Decided> {
    const { base } = this.state;
    const transaction = await inTurns(make(this.state), rowsPerTurn);
    return { decided: 1, outcomesAt: () => [{ result: true }], transaction: { ...transaction, base } };
  }

  #decide(commands: readonly Command[]): Decided {
    const { limits, exclusive } = this.#engine;
    const { writes, ...batch } = decideBatch(this.state, commands, this.#clock.now(), { limits, guarded: !exclusive, nodeId: this.nodeId, configurationsInKv: this.#configurationsInKv });
    if (writes === undefined) return batch;
    this.#applier.own = writes;
    // The engine may keep this object, so it gets no rows to keep.
    const { rows: _ownRows, ...transaction } = writes;
    return { ...batch, transaction: { ...transaction, base: this.state.base } };
  }
}

function beginsBatch({ work, goesOn }: Waiting): boolean {
  return work.kind === 'replacement' || goesOn === true;
}

function answer(batch: readonly Waiting[], outcomes: readonly Outcome<Command>[]): void {
  for (const [at, outcome] of outcomes.entries()) {
    const { resolve, reject } = batch[at] as Waiting;
    if ('error' in outcome) reject(outcome.error);
    else if ('result' in outcome) resolve(outcome.result);
  }
}
