/**
 * The messages of one webhook that wait to be sent. They are sent in order, one at a time; one that fails is tried again with growing pauses, and the others wait.
 * It is in memory: the ledger keeps the messages in the log, and is told what came of each.
 */

import type { WebhookDelivery, WebhookOutcome } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Slots } from './slots.ts';

export interface Message {
  readonly id: string;
  readonly type: string;
  readonly body: string;
  readonly atMs: number;
  /** What it is about, among the events of its webhook. */
  readonly about: string;
  /** Revision of the log when it was found. */
  readonly foundAt: number;
}

export interface OutboxOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly slots: Slots;
  readonly send: (message: Message) => Promise<WebhookOutcome>;
  /** A try has ended. @param isLast the message is done */
  readonly tried: (message: Message, tries: number, outcome: WebhookOutcome, isLast: boolean) => void;
  /** The message is not sent any more, since too many wait. */
  readonly forgets: (message: Message) => void;
}

const queueMax = 1_000;
const triesMax = 10;
const triedForMs = 3_600_000;
/** Of the first pause; each further one is twice as long. */
const pauseMs = 5_000;
/** Deliveries that are shown. */
const shownMax = 20;

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #queue: Message[] = [];
  readonly #shown: WebhookDelivery[] = [];
  #isSending = false;
  #isClosed = false;
  #cancelPause: () => void = () => {};

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The newest first. */
  get deliveries(): readonly WebhookDelivery[] {
    return this.#shown;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** The oldest waiting message is dropped when the queue is full; the one that is tried stays. */
  add(message: Message): void {
    if (this.#isClosed) return;
    if (this.#queue.length >= queueMax) {
      const [oldest] = this.#queue.splice(1, 1);
      if (oldest !== undefined) this.#options.forgets(oldest);
    }
    this.#queue.push(message);
    if (!this.#isSending) void this.#sendAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
    this.#cancelPause();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let message = this.#queue[0]; message !== undefined; message = this.#queue[0]) {
      await this.#deliver(message);
      if (this.#isClosed) return;
      this.#queue.shift();
    }
    this.#isSending = false;
  }

  async #deliver(message: Message): Promise<void> {
    const { clock, random, slots, send, tried } = this.#options;
    const { id, type, atMs } = message;
    const since = clock.monotonic();
    for (let tries = 1; !this.#isClosed; tries++) {
      const outcome = await slots.run(() => send(message));
      if (this.#isClosed) return;
      this.#show({ id, type, atMs, tries, ...outcome });
      // Half of the pause is by chance, so that many webhooks do not call together.
      const waitMs = pauseMs * 2 ** (tries - 1) * (0.5 + random() / 2);
      const isLast = outcome.delivered || outcome.final === true || tries >= triesMax || clock.monotonic() - since + waitMs > triedForMs;
      tried(message, tries, outcome, isLast);
      if (isLast) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.timer(waitMs, resolve);
        this.#cancelPause = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  #show(delivery: WebhookDelivery): void {
    if (this.#shown[0]?.id === delivery.id) this.#shown.shift();
    this.#shown.unshift(delivery);
    this.#shown.length = Math.min(this.#shown.length, shownMax);
  }
}
