/**
 * The link to one peer. It first compares the peer's whole registry with ours and then sends batches of news. A peer that cannot be
 * reached is tried again, at longer and longer intervals; when it is back, both registries are compared again. It never removes
 * anything: a lost link says nothing about instances.
 *
 *   away ──reached──► comparing ──compared──► joined
 *    ▲                    │                     │
 *    └── cannot be reached, or too many news ───┘
 */

import type { WheelTimer } from '../../../health/wheel.ts';
import { listedInstances } from './listed-instances.ts';
import type { Message, MessageAnswer } from './messages.ts';
import type { InstanceName, NewsKind } from './news.ts';
import { Outbox, type Pending } from './outbox.ts';
import { PeerRefusal, type PeerClient } from './peer-client.ts';

/** Eureka's own servers gather for 500 ms. */
const gatherMs = 250;
/** Messages of one batch, as Eureka's own servers. */
const batchMax = 250;
const retryMsMin = 1_000;
const retryMsMax = 30_000;

/** What the link needs to know of our registry. */
export interface Side {
  /** Messages about an instance, from the newest state; none when there is nothing to tell any more. */
  messages(name: InstanceName, kinds: ReadonlySet<NewsKind>): readonly Message[];
  /**
   * Takes the list of the peer, in steps; returns what the peer does not have as we do.
   * @param removes whether the peer has yet to be told that an instance was removed
   */
  compare(instances: Iterable<unknown>, client: PeerClient, removes: (name: InstanceName) => boolean): AsyncGenerator<void, readonly Difference[], undefined>;
  /** The peer has a newer registration than ours. */
  newer(answer: MessageAnswer): Promise<void>;
}

export interface Difference {
  readonly name: InstanceName;
  readonly kind: NewsKind;
}

export interface PeerLinkOptions {
  readonly client: PeerClient;
  readonly side: Side;
  readonly schedule: (delayMs: number, callback: () => void) => WheelTimer;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: {
    info(fields: object, text: string): void;
    warn(fields: object, text: string): void;
  };
  /** Counts messages that were sent, by action. */
  readonly count: (action: string, messages: number) => void;
}

export class PeerLink {
  readonly #options: PeerLinkOptions;
  readonly #outbox = new Outbox();
  #state: 'away' | 'comparing' | 'joined' = 'away';
  #failures = 0;
  #busy = false;
  /** It is time to join, but a request is on its way. */
  #joinNext = false;
  #timer: WheelTimer | undefined;
  #closed = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
  }

  get joined(): boolean {
    return this.#state === 'joined';
  }

  get client(): PeerClient {
    return this.#options.client;
  }

  /** How many instances have news for the peer. */
  get pending(): number {
    return this.#outbox.size;
  }

  /** Resolves when the peer has joined, or could not be reached. */
  start(): Promise<void> {
    return this.#join();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  tell(name: InstanceName, kind: NewsKind): void {
    // While the peer is away only removals count: the comparison finds the rest, except what happens during it.
    if (this.#closed || (this.#state === 'away' && kind !== 'cancel')) return;
    this.#outbox.add(name, kind);
    if (this.#state === 'joined' && !this.#busy && this.#outbox.size === 1) this.#after(gatherMs, () => void this.#send());
  }

  /** Compares again at the next occasion: what this node tells the peer about has changed as a whole. */
  compareAgain(): void {
    this.#leave();
    this.#after(0, () => void this.#join());
  }

  /** Another request to the peer has failed. */
  lost(error: unknown): void {
    if (this.joined) this.#failed(error);
  }

  #failed(error: unknown): void {
    if (this.#closed) return;
    const { client, log, random } = this.#options;
    const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** this.#failures) * (0.75 + random() / 2);
    const text = error instanceof PeerRefusal ? 'a Eureka peer refuses this server' : 'a Eureka peer cannot be reached; nothing is removed for that';
    if (this.joined || this.#failures === 0) log.warn({ peer: client.url, err: error }, text);
    this.#failures++;
    this.#leave();
    this.#after(delayMs, () => void this.#join());
  }

  #leave(): void {
    this.#state = 'away';
    this.#outbox.keepRemovals();
  }

  async #join(): Promise<void> {
    this.#joinNext = this.#busy;
    if (this.#busy || this.#closed) return;
    this.#busy = true;
    try {
      const { client, side, log } = this.#options;
      const text = await client.applications();
      this.#state = 'comparing';
      const comparison = side.compare(listedInstances(text), client, (name) => this.#outbox.removes(name));
      let step = await comparison.next();
      while (step.done !== true && !this.#closed) step = await comparison.next();
      if (this.#closed || step.done !== true) return;
      // Meanwhile all owners may have changed.
      if (this.#state !== 'comparing') return;
      this.#state = 'joined';
      this.#failures = 0;
      for (const { name, kind } of step.value) this.#outbox.add(name, kind);
      log.info({ peer: client.url, differences: step.value.length }, 'replicates with a Eureka peer');
      this.#after(0, () => void this.#send());
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#idle();
    }
  }

  async #send(): Promise<void> {
    if (this.#busy || this.#state !== 'joined') return;
    this.#busy = true;
    let taken: Pending[] = [];
    try {
      while (this.#outbox.size > 0 && this.joined && !this.#closed) {
        taken = this.#outbox.take(batchMax);
        await this.#sendBatch(taken);
        taken = [];
        if (this.#outbox.overflown) throw new Error('more changes than can wait for it');
      }
    } catch (error) {
      this.#outbox.putBack(taken);
      this.#failed(error);
    } finally {
      this.#idle();
    }
  }

  #idle(): void {
    this.#busy = false;
    if (this.#joinNext && !this.joined) this.#after(0, () => void this.#join());
  }

  async #sendBatch(taken: readonly Pending[]): Promise<void> {
    const { client, side, count } = this.#options;
    const messages = taken.flatMap(({ name, kinds }) => side.messages(name, kinds));
    if (messages.length === 0) return;
    const answers = await client.replicate(messages);
    for (const [at, message] of messages.entries()) {
      const answer = answers[at];
      if (answer === undefined) continue;
      count(message.action, 1);
      await this.#answered(message, answer);
    }
  }

  async #answered({ action, app, id }: Message, answer: MessageAnswer): Promise<void> {
    // A peer that does not know the instance gets all of it. Not after a removal, which is then done already.
    if (answer.status === 404 && action !== 'Cancel' && action !== 'Register') this.#outbox.add({ app, id }, 'register');
    if (answer.status === 409 && answer.info !== undefined) await this.#options.side.newer(answer);
  }

  #after(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    if (!this.#closed) this.#timer = this.#options.schedule(delayMs, callback);
  }
}
