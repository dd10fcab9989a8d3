/**
 * How long the replica waits for its store. An engine that other nodes write to, too, may be over a network, and give no
 * answer and no error; a feed may stop. Every wait for such a store ends, with an error that says whether something may
 * have been written. A store of this process alone is waited for as long as it takes.
 */

import { RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { CommitResult, Engine, Transaction } from '../engine/engine.ts';
import { Reached } from './reached.ts';
import { within } from './within.ts';

/** Of a reader that wants a state no older than it asks for. */
const readerMs = 3_000;

/** Of a writer. */
const writerMs = 5_000;

export interface PatienceOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  /** The revision that the state has applied. */
  readonly revision: () => number;
  /** Set while the feed has been lost for so long that it is not waited for. */
  readonly longStale: () => RegistryError | undefined;
  /** Called when the store has not answered a writer: those behind it should not wait any longer. */
  readonly onSilent: (error: RegistryError) => void;
}

export class Patience {
  readonly #options: PatienceOptions;
  readonly #reached: Reached;

  constructor(options: PatienceOptions) {
    this.#options = options;
    this.#reached = new Reached(options.clock, options.revision);
  }

  /** Called when the state has moved. */
  moved(): void {
    this.#reached.release();
  }

  /** From now on no caller waits for the feed, until it is followed again. */
  end(error: RegistryError): void {
    this.#reached.fail(error);
  }

  /** @throws RegistryError `unavailable` */
  notOlderThan(revision: number): Promise<void> {
    return this.#reached.wait(revision, readerMs);
  }

  /** For a reader. @throws RegistryError `unavailable` */
  async barrier(): Promise<void> {
    const { engine, clock } = this.#options;
    if (engine.exclusive) return;
    const began = clock.monotonic();
    const revision = await this.#ask(readerMs);
    await this.#reached.wait(revision, readerMs - (clock.monotonic() - began));
  }

  /** Where the store stands, for a writer. @throws RegistryError `unavailable` */
  newest(): Promise<number> {
    return this.#ask(writerMs);
  }

  /**
   * Resolves when the state has applied what a writer needs, or has written.
   * @throws RegistryError `unavailable` when it has not in time, or the feed has been lost for long
   */
  caughtUp(revision: number, isLong = false): Promise<void> {
    const { engine, longStale } = this.#options;
    const error = longStale();
    if (error !== undefined && this.#options.revision() < revision) return Promise.reject(error);
    return this.#reached.wait(revision, engine.exclusive || isLong ? Infinity : writerMs);
  }

  /** Waits until what was committed can be read here. @throws RegistryError `unknown_outcome`: it is committed all the same */
  async seen(revision: number, isLong: boolean): Promise<void> {
    try {
      await this.caughtUp(revision, isLong);
    } catch (error) {
      const message = `the write took effect, but this node cannot show it: ${toRegistryError(error).message}`;
      throw new RegistryError('unknown_outcome', message, { cause: error });
    }
  }

  /**
   * @param isLong writing a whole state takes as long as it takes
   * @throws RegistryError as `Engine.commit`; `unknown_outcome` when the store gives no answer
   */
  commit(transaction: Transaction, isLong: boolean): Promise<CommitResult> {
    const { engine, clock, onSilent } = this.#options;
    const answer = engine.commit(transaction);
    if (engine.exclusive || isLong) return answer;
    return within(clock, writerMs, answer, () => {
      const why = silence(writerMs);
      onSilent(new RegistryError('unavailable', `${why}; nothing was written, try again later`));
      return new RegistryError('unknown_outcome', `${why}: whether the write takes effect is not known`);
    });
  }

  #ask(waitMs: number): Promise<number> {
    const { clock, engine } = this.#options;
    return within(clock, waitMs, engine.barrier(), () => {
      return new RegistryError('unavailable', `${silence(waitMs)}; try again later, or on another node`);
    });
  }
}

function silence(ms: number): string {
  return `the store has not answered for ${ms / 1_000} s`;
}
