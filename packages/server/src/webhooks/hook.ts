/**
 * One webhook on one process. The process that owns it follows conditions for it, keeps its events in the log and sends them; on all others it does nothing.
 *
 *   turned ─► steady (forMs) ─┐
 *   offer ────────────────────┴─► ledger (log) ─► outbox ─► post
 */

import type { Logger } from 'pino';
import type { WebhookDelivery, WebhookEventType, WebhookGap, WebhookOutcome } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { WebhookAdvance } from '../registry/kind/webhook/commands.ts';
import { eventsOf } from '../registry/kind/webhook/find.ts';
import type { WebhookRow } from '../registry/kind/webhook/rows.ts';
import type { State } from '../registry/state.ts';
import type { Subject, Turn } from './conditions.ts';
import { wants, type WebhookEvent } from './event.ts';
import { Ledger } from './ledger.ts';
import { bodyOf } from './body.ts';
import { Outbox, type Message } from './outbox.ts';
import type { Slots } from './slots.ts';
import { Steady } from './steady.ts';

export interface HookOptions {
  readonly state: State;
  readonly clock: Clock;
  readonly random: () => number;
  readonly uuid: () => string;
  readonly log: Logger;
  readonly slots: Slots;
  readonly submit: (command: WebhookAdvance) => Promise<boolean>;
  readonly post: (row: WebhookRow, message: Message) => Promise<WebhookOutcome>;
  /** Every change up to this revision was looked at. */
  readonly lookedUpTo: () => number;
  /** Of a subject, at the time of the event. */
  readonly eventOf: (subject: Subject, isBad: boolean) => WebhookEvent;
  readonly count: (outcome: 'delivered' | 'retried' | 'given_up' | 'dropped') => void;
}

/** What exists while this process sends. */
interface Sending {
  readonly outbox: Outbox;
  readonly steady: Steady<Subject>;
  readonly ledger: Ledger;
}

export class Hook {
  readonly #options: HookOptions;
  row: WebhookRow;
  #sending: Sending | undefined;

  constructor(row: WebhookRow, options: HookOptions) {
    this.#options = options;
    this.row = row;
  }

  get isSending(): boolean {
    return this.#sending !== undefined;
  }

  /** Those of this process, the newest first. */
  get deliveries(): readonly WebhookDelivery[] {
    return this.#sending?.outbox.deliveries ?? [];
  }

  /** Begins to send, first the events that wait in the log. */
  begin(): void {
    const { state, clock, random, slots, log, submit, post, count, lookedUpTo, eventOf } = this.#options;
    const outbox = new Outbox({
      ...{ clock, random, slots },
      send: (message) => post(this.row, message),
      tried: (message, tries, outcome, isLast) => {
        count(outcome.delivered ? 'delivered' : isLast ? 'given_up' : 'retried');
        ledger.tried(message, tries, outcome, isLast);
      },
      forgets: (message) => ledger.forgets(message),
    });
    const steady = new Steady<Subject>(clock, (subject, isBad, after) => this.offer(eventOf(subject, isBad), after));
    const ledger: Ledger = new Ledger({
      ...{ state, clock, log, submit },
      row: () => this.row,
      waiting: () => outbox.waiting,
      floor: () => Math.min(lookedUpTo(), steady.waitsAfter),
      stored: (messages) => {
        for (const message of messages) outbox.add(message);
      },
      // It begins again by what the other one has written, if it is still the owner.
      lost: () => void this.end(),
      dropped: () => count('dropped'),
    });
    this.#sending = { outbox, steady, ledger };
    for (const { id, type, body, atMs, about, foundAt } of eventsOf(state, this.row)) outbox.add({ id, type, body, atMs, about, foundAt });
  }

  /** Another process sends from now on, or the webhook is gone. Writes which events are done. */
  async end(): Promise<void> {
    const sending = this.#sending;
    if (sending === undefined) return;
    this.#sending = undefined;
    sending.steady.close();
    sending.outbox.close();
    await sending.ledger.close();
  }

  /** @param after the event is newer than this revision */
  offer(event: WebhookEvent, after: number): void {
    if (this.#sending === undefined || !wants(this.row, event)) return;
    const { uuid, clock, state } = this.#options;
    const { type, about, namespace, data, atMs = clock.now() } = event;
    this.#sending.ledger.found({ message: { id: `msg_${uuid()}`, type, atMs, body: bodyOf(type, atMs, { namespace, ...data }), about, foundAt: state.revision }, after });
  }

  /** @param after revision at which the subject had not turned */
  turned({ key, subject, isBad }: Turn, after: number): void {
    if (this.#sending === undefined) return;
    const { steady, ledger } = this.#sending;
    const { namespace, service } = subject;
    const isWanted = typesOf(subject).some((type) => wants(this.row, { type, namespace, service }));
    if (isWanted && !steady.turn(key, subject, isBad, { forMs: this.row.forMs, after })) ledger.drop();
  }

  /** An operator has had the event `test` sent. */
  tested(outcome: WebhookOutcome): void {
    this.#sending?.ledger.tested(outcome);
  }

  /** The subject is no more. */
  forget(key: string): void {
    this.#sending?.steady.forget(key);
  }

  lacks(gap: WebhookGap): void {
    this.#sending?.ledger.lacks(gap);
  }

  /** Once a second. @param changedAt revision of the last change that may be an event */
  look(changedAt: number): void {
    this.#sending?.ledger.look(changedAt);
  }
}

export function typesOf({ kind }: Pick<Subject, 'kind'>): readonly [bad: WebhookEventType, good: WebhookEventType] {
  return kind === 'instance' ? ['instance.critical', 'instance.recovered'] : ['service.empty', 'service.recovered'];
}
