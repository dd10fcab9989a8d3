/**
 * Webhooks: tells URLs of operators what happens to instances, services, configurations, rollouts and nodes. It follows the log on every node, and the
 * node that owns the record key of a webhook sends. An event is in the log before it is sent, and a sender that begins finds what has happened since the
 * last one stopped, so an event is sent at least once.
 *
 *   transaction ─► touched ─► conditions ─┬─► hooks: ledger, outbox
 *               └► events-in ─────────────┤
 *   a hook begins ─► missedSince ─────────┘
 */

import type { Logger } from 'pino';
import { RegistryError, type LastWebhookDelivery, type WebhookDelivery, type WebhookGap, type WebhookOutcome } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Ownership } from '../health/ownership.ts';
import type { History } from '../history/history.ts';
import { inTurns } from '../in-turns.ts';
import type { Send } from '../outbound/http-request.ts';
import { statuses } from '../registry/kind/catalog/effective-status.ts';
import { findInstance } from '../registry/kind/catalog/find.ts';
import { eventsOf, everyWebhook, findProgress, findWebhook } from '../registry/kind/webhook/find.ts';
import { webhookKey } from '../registry/kind/webhook/keys.ts';
import type { WebhookEventRow, WebhookRow } from '../registry/kind/webhook/rows.ts';
import type { RowChange } from '../registry/kinds.ts';
import type { Registry } from '../registry/registry.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { Conditions, keyOf, type Subject } from './conditions.ts';
import type { WebhookEvent } from './event.ts';
import { eventsIn } from './events-in.ts';
import { Hook, typesOf } from './hook.ts';
import { bodyOf } from './body.ts';
import type { Message } from './outbox.ts';
import { post } from './post.ts';
import { missedSince } from './resume.ts';
import { Slots } from './slots.ts';

export interface WebhooksOptions {
  readonly registry: Pick<Registry, 'state' | 'observe' | 'submit'>;
  readonly history: Pick<History, 'at'>;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly uuid: () => string;
  readonly send: Send;
  readonly ownership: Pick<Ownership, 'owns'>;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'webhookDeliveries'>;
}

/** What is known of the deliveries of a webhook: on every node, except for the last ones. */
export interface Deliveries {
  /** Whether this process sends for it now. */
  readonly isSender: boolean;
  /** Those of this process since it sends, the newest first. */
  readonly last: readonly WebhookDelivery[];
  readonly waiting: number;
  readonly dropped: number;
  readonly lastSuccess: LastWebhookDelivery | undefined;
  readonly lastFailure: LastWebhookDelivery | undefined;
  readonly gap: WebhookGap | undefined;
}

/** Deliveries in flight, of all webhooks. */
const inFlightMax = 4;
/** Between a transaction and the look at what it has touched, so that many transactions are one look. */
const lookMs = 50;
/** Between two looks at who sends. */
const ownersMs = 1_000;
/** Webhooks that are looked at in a turn of the event loop: some 3 ms. */
const looksPerTurn = 256;
/** What is done when the process ends is written within this time; otherwise it is sent again. */
const closeMs = 2_000;

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #slots = new Slots(inFlightMax);
  readonly #closing = new AbortController();
  readonly #hooks = new Map<string, Hook>();
  readonly #conditions: Conditions;
  /** Events that happened since the last look. */
  #events: WebhookEvent[] = [];
  #lookedUpTo = 0;
  /** Revision of the log when this process began to follow it. */
  #startedAt = 0;
  /** Revision of the last transaction that is more than a write about webhooks. */
  #changedAt = 0;
  #cancelLook: (() => void) | undefined;
  #cancelOwners: (() => void) | undefined;
  #isLooking = false;
  #isLookingAtOwners = false;
  #unobserve: () => void = () => {};

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#conditions = new Conditions(options.registry.state, {
      turned: (key, subject, isBad) => this.#hooks.forEach((hook) => hook.turned({ key, subject, isBad }, this.#lookedUpTo)),
      gone: (key) => this.#hooks.forEach((hook) => hook.forget(key)),
    });
  }

  start(): void {
    const { registry } = this.#options;
    const all = () => {
      for (const hook of this.#hooks.values()) void hook.end();
      this.#conditions.reset();
      this.#events = [];
      this.#changedAt = this.#startedAt = registry.state.revision;
      this.#followRows();
    };
    this.#unobserve = registry.observe({
      observe: (changes, revision) => this.#see(changes, revision),
      *replaced() {
        all();
        yield;
      },
    });
    all();
  }

  async close(): Promise<void> {
    this.#unobserve();
    this.#cancelLook?.();
    this.#cancelOwners?.();
    this.#closing.abort();
    const ended = Promise.all(Array.from(this.#hooks.values(), (hook) => hook.end()));
    this.#hooks.clear();
    let cancel = () => {};
    await Promise.race([ended, new Promise<void>((late) => (cancel = this.#options.clock.timer(closeMs, late)))]);
    cancel();
  }

  deliveriesOf(row: WebhookRow): Deliveries {
    const { namespace, name, created } = row;
    const { registry: { state }, ownership } = this.#options;
    const key = webhookKey(namespace, name);
    const found = findProgress(state, namespace, name);
    const progress = found?.hook === created ? found : undefined;
    return {
      ...{ isSender: ownership.owns(key), last: this.#hooks.get(key)?.deliveries ?? [], waiting: progress?.waiting ?? 0, dropped: progress?.dropped ?? 0 },
      ...{ lastSuccess: progress?.success, lastFailure: progress?.failure, gap: progress?.gap },
    };
  }

  /** Sends the event `test` now, from this process and once, also for a webhook that is disabled. If this process sends for it, the outcome is its last one. @throws RegistryError `not_found` */
  async test(namespace: string, name: string): Promise<WebhookOutcome> {
    const { registry: { state }, uuid, clock } = this.#options;
    const row = findWebhook(state, namespace, name);
    if (row === undefined) throw new RegistryError('not_found', `there is no webhook ${JSON.stringify(name)}`);
    const atMs = clock.now();
    const message = { id: `msg_${uuid()}`, type: 'test', atMs, body: bodyOf('test', atMs, { namespace, webhook: name }), about: 'test', foundAt: 0 };
    const outcome = await this.#slots.run(() => this.#post(row, message));
    this.#hooks.get(webhookKey(namespace, name))?.tested(outcome);
    return outcome;
  }

  #see(changes: readonly RowChange[], revision: number): void {
    let isMore = false;
    let hasWebhook = false;
    for (const { before, after } of changes) {
      const kind = (after ?? before)?.kind;
      if (kind === 'webhook') hasWebhook = true;
      else if (kind !== 'webhook-progress' && kind !== 'webhook-event') isMore = true;
    }
    if (hasWebhook) this.#followRows();
    if (this.#hooks.size === 0) return;
    if (isMore) this.#changedAt = revision;
    this.#conditions.touch(changes);
    this.#events.push(...eventsIn(changes, this.#options.clock.now()));
    this.#lookSoon();
  }

  #followRows(): void {
    const rows = new Map(Array.from(everyWebhook(this.#options.registry.state), (row) => [webhookKey(row.namespace, row.name), row]));
    for (const [key, hook] of this.#hooks) {
      const row = rows.get(key);
      if (row?.created === hook.row.created) hook.row = row;
      else {
        void hook.end();
        this.#hooks.delete(key);
      }
    }
    for (const [key, row] of rows) if (!this.#hooks.has(key)) this.#hooks.set(key, this.#hook(row));
    this.#conditions.follow(new Set(Array.from(rows.values(), ({ namespace }) => namespace)));
    this.#lookSoon();
    if (this.#hooks.size > 0 && this.#cancelOwners === undefined) this.#lookAtOwners();
  }

  #hook(first: WebhookRow): Hook {
    const { registry: { state }, clock, random, uuid, log, metrics } = this.#options;
    return new Hook(first, {
      ...{ state, clock, random, uuid, log, slots: this.#slots },
      submit: (command) => this.#options.registry.submit(command),
      post: (row, message) => this.#post(row, message),
      lookedUpTo: () => (this.#isLooking || this.#hasMore() ? this.#lookedUpTo : state.revision),
      eventOf: (subject, isBad) => this.#eventOf(subject, isBad),
      count: (outcome) => metrics.webhookDeliveries.inc({ outcome }),
    });
  }

  /** Members change by a row, and this process may join after that row: it looks again and again. */
  #lookAtOwners(): void {
    this.#cancelOwners = undefined;
    if (this.#hooks.size === 0 || this.#closing.signal.aborted) return;
    this.#cancelOwners = this.#options.clock.timer(ownersMs, () => this.#lookAtOwners());
    if (this.#isLookingAtOwners) return;
    this.#isLookingAtOwners = true;
    void inTurns(this.#looksAtOwners(), looksPerTurn).then(() => {
      this.#isLookingAtOwners = false;
      this.#lookSoon();
    });
  }

  *#looksAtOwners(): Generator<void, void, undefined> {
    for (const [key, hook] of this.#hooks) {
      if (!this.#options.ownership.owns(key)) void hook.end();
      hook.look(this.#changedAt);
      yield;
    }
  }

  *#offers(events: readonly WebhookEvent[]): Generator<void, void, undefined> {
    for (const event of events) {
      for (const hook of this.#hooks.values()) {
        hook.offer(event, this.#lookedUpTo);
        yield;
      }
    }
  }

  #hasMore(): boolean {
    return this.#conditions.isBehind || this.#events.length > 0;
  }

  #lookSoon(): void {
    if (this.#isLooking || this.#cancelLook !== undefined || this.#closing.signal.aborted) return;
    if (!this.#hasMore() && !this.#mustBegin().length) return;
    this.#cancelLook = this.#options.clock.timer(lookMs, () => void this.#look());
  }

  /** Webhooks for which this process is to send, and does not yet. */
  #mustBegin(): readonly Hook[] {
    return [...this.#hooks].filter(([key, hook]) => !hook.isSending && this.#options.ownership.owns(key)).map(([, hook]) => hook);
  }

  async #look(): Promise<void> {
    this.#cancelLook = undefined;
    this.#isLooking = true;
    try {
      const upTo = this.#options.registry.state.revision;
      const events = this.#events;
      this.#events = [];
      await inTurns(this.#offers(events));
      await this.#conditions.look();
      this.#lookedUpTo = upTo;
      for (const hook of this.#mustBegin()) await this.#begin(hook);
    } catch (err) {
      this.#options.log.error({ err }, 'events for webhooks could not be found');
    } finally {
      this.#isLooking = false;
      this.#lookSoon();
    }
  }

  /** Goes on where the last sender has stopped; for a new webhook, where it was set. */
  async #begin(hook: Hook): Promise<void> {
    const { registry: { state }, history, clock, ownership } = this.#options;
    const { namespace, name, created } = hook.row;
    const progress = findProgress(state, namespace, name);
    const isNew = progress?.hook !== created;
    // What happened before a webhook that was there at the start, and has no progress, is not known.
    const after = progress !== undefined && !isNew ? progress.upTo : Math.max(created, this.#startedAt);
    const rows = isNew ? [] : eventsOf(state, hook.row).filter(({ foundAt }) => foundAt > after);
    const missed = await missedSince({ state, history, conditions: this.#conditions }, { namespace, after, upTo: this.#lookedUpTo, told: toldIn(rows) });
    if (this.#closing.signal.aborted || !ownership.owns(webhookKey(namespace, name))) return;
    hook.begin();
    const known = new Set(rows.map(({ about }) => about));
    for (const event of missed.events) if (!known.has(event.about)) hook.offer(event, after);
    for (const turn of missed.turns) hook.turned(turn, after);
    if (!missed.isWhole && !isNew) hook.lacks({ from: after, to: this.#lookedUpTo, atMs: clock.now() });
    hook.look(this.#changedAt);
  }

  #eventOf(subject: Subject, isBad: boolean): WebhookEvent {
    const [bad, good] = typesOf(subject);
    const { namespace, service } = subject;
    const about = subject.kind === 'service' ? { service } : { service, node: subject.node, instance: subject.id, ...this.#shown(subject) };
    return { type: isBad ? bad : good, namespace, service, about: `${isBad ? badMark : goodMark}${keyOf(subject)}`, data: about };
  }

  #shown({ namespace, node, id }: { readonly namespace: string; readonly node: string; readonly id: string }): object {
    const { state } = this.#options.registry;
    const row = findInstance(state, namespace, node, id);
    return row === undefined ? {} : { address: row.address, status: statuses(state)(row) };
  }

  #post(row: WebhookRow, message: Message): Promise<WebhookOutcome> {
    const { send, clock } = this.#options;
    return post(row, message, { send, clock, closing: this.#closing.signal });
  }
}

/** Before the key of a subject, in what an event is about. */
const badMark = 'bad ';
const goodMark = 'good ';

/** What events say of statuses: the last one of each subject counts. */
function toldIn(rows: readonly WebhookEventRow[]): ReadonlyMap<string, boolean> {
  const told = new Map<string, boolean>();
  for (const { about } of rows) {
    if (about.startsWith(badMark)) told.set(about.slice(badMark.length), true);
    if (about.startsWith(goodMark)) told.set(about.slice(goodMark.length), false);
  }
  return told;
}
