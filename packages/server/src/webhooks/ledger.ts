/**
 * What the sender of a webhook writes to the log: events before they are sent, events that are done, how the last deliveries ended, and up to which
 * revision every event was found. It writes at most twice a second, some events at a time; what has no place yet waits in memory and holds that revision back.
 *
 *   found ─► backlog ─► webhook-advance ─► stored: they may be sent ─► finished ─► the next webhook-advance removes them
 *
 * So a process that ends leaves nothing that the next sender does not find: an event is a row, or it is newer than the revision.
 */

import { isRegistryError, type LastWebhookDelivery, type WebhookGap, type WebhookOutcome } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { findProgress } from '../registry/kind/webhook/find.ts';
import type { WebhookAdvance } from '../registry/kind/webhook/commands.ts';
import type { WebhookRow } from '../registry/kind/webhook/rows.ts';
import type { State } from '../registry/state.ts';
import type { Message } from './outbox.ts';

/** An event that is not in the log yet. */
export interface Found {
  readonly message: Message;
  /** It is newer than this revision. */
  readonly after: number;
}

export interface LedgerOptions {
  readonly state: State;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  readonly submit: (command: WebhookAdvance) => Promise<boolean>;
  readonly row: () => WebhookRow;
  /** Every event up to this revision was found, and is in the backlog or in the log. */
  readonly floor: () => number;
  /** Events that are in the log and not done. */
  readonly waiting: () => number;
  /** They are in the log: they may be sent. */
  readonly stored: (messages: readonly Message[]) => void;
  /** Another process has written: it sends now, or has sent meanwhile. */
  readonly lost: () => void;
  /** An event was dropped, since too many wait. */
  readonly dropped: () => void;
}

const pauseMs = 500;
/** The revision may be so old; more would only make the next start longer. */
const ageMs = 60_000;
/** A transaction of etcd has some 64 rows with their heads. */
const rowsPerWrite = 40;
const bytesPerWrite = 262_144;
const backlogMax = 1_000;
const doneMax = 1_000;

export class Ledger {
  readonly #options: LedgerOptions;
  #backlog: Found[] = [];
  #done: Message[] = [];
  #last: { readonly success?: LastWebhookDelivery; readonly failure?: LastWebhookDelivery } = {};
  #gap: WebhookGap | undefined;
  #dropped = 0;
  #writes: number;
  #writing: Promise<void> | undefined;
  #wroteMs = -Infinity;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#writes = this.#progress()?.writes ?? 0;
  }

  /** There are events that the sender could not find: the history does not reach back. */
  lacks(gap: WebhookGap): void {
    this.#gap = gap;
    this.#soon();
  }

  found(event: Found): void {
    if (this.#backlog.length >= backlogMax) this.drop();
    else this.#backlog.push(event);
    this.#soon();
  }

  /** Counts an event that is not sent. */
  drop(): void {
    this.#dropped++;
    this.#options.dropped();
    this.#soon();
  }

  /** A try has ended. @param isLast the event is done */
  tried(message: Message, tries: number, outcome: WebhookOutcome, isLast: boolean): void {
    this.#ended(message.type, tries, outcome);
    if (isLast) this.#done.push(message);
  }

  /** The event `test` is no row, and is sent once. */
  tested(outcome: WebhookOutcome): void {
    this.#ended('test', 1, outcome);
  }

  #ended(type: string, tries: number, { delivered, status, error }: WebhookOutcome): void {
    const last: LastWebhookDelivery = { atMs: this.#options.clock.now(), type, tries, ...(status === undefined ? {} : { status }), ...(error === undefined ? {} : { error }) };
    this.#last = { ...this.#last, [delivered ? 'success' : 'failure']: last };
    this.#soon();
  }

  /** The event is not sent any more: there are too many. */
  forgets(message: Message): void {
    this.#done.push(message);
    this.drop();
  }

  /** Once a second or so: writes the revision if it is old. @param changedAt revision of the last change that may be an event */
  look(changedAt: number): void {
    const progress = this.#progress();
    const isOld = this.#options.clock.monotonic() - this.#wroteMs >= ageMs && changedAt > (progress?.upTo ?? 0);
    if (progress === undefined || isOld || this.#removable().length > 0) this.#soon();
  }

  /** Writes what has come together, and nothing more afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#writing;
    if (this.#done.length > 0 || this.#backlog.length > 0) await this.#write();
  }

  #progress() {
    const { namespace, name, created } = this.#options.row();
    const progress = findProgress(this.#options.state, namespace, name);
    return progress?.hook === created ? progress : undefined;
  }

  #soon(): void {
    if (this.#isClosed || this.#writing !== undefined || this.#cancel !== undefined) return;
    const { clock } = this.#options;
    this.#cancel = clock.timer(Math.max(0, this.#wroteMs + pauseMs - clock.monotonic()), () => {
      this.#cancel = undefined;
      this.#writing = this.#write().then((isMore) => {
        this.#writing = undefined;
        if (isMore) this.#soon();
      });
    });
  }

  /** @returns whether there is more to write. Never throws */
  async #write(): Promise<boolean> {
    const { clock, log, submit, row, stored, lost } = this.#options;
    const { namespace, name, created } = row();
    const { command, added, removed } = this.#next();
    const [last, gap, dropped] = [this.#last, this.#gap, this.#dropped];
    this.#wroteMs = clock.monotonic();
    try {
      const isWritten = await submit({ kind: 'webhook-advance', namespace, name, hook: created, after: this.#writes, ...command });
      if (!isWritten) {
        lost();
        return false;
      }
    } catch (err) {
      // What was written for all that is written again: events keep their ids.
      if (!isRegistryError(err)) log.warn({ err, webhook: name }, 'the progress of a webhook could not be written');
      this.#writes = this.#progress()?.writes ?? 0;
      return true;
    }
    this.#writes++;
    this.#wroteMs = clock.monotonic();
    this.#backlog.splice(0, added.length);
    this.#done = this.#done.filter((each) => !removed.has(each));
    if (this.#last === last) this.#last = {};
    if (this.#gap === gap) this.#gap = undefined;
    this.#dropped -= dropped;
    stored(added);
    return this.#backlog.length > 0 || this.#removable().length > 0 || Object.keys(this.#last).length > 0;
  }

  /**
   * Events that are done, and that a sender which begins at the revision would not find again. While a status waits for long, the oldest are removed
   * all the same: after a crash they may be sent again with other ids.
   */
  #removable(upTo = this.#upTo()): readonly Message[] {
    return this.#done.filter(({ foundAt }, at) => foundAt <= upTo || at < this.#done.length - doneMax);
  }

  /** @param left events that are not in the log after this write */
  #upTo(left: readonly Found[] = this.#backlog): number {
    return Math.max(Math.min(this.#options.floor(), ...left.map(({ after }) => after)), this.#progress()?.upTo ?? 0);
  }

  #next(): { readonly command: Omit<WebhookAdvance, 'kind' | 'namespace' | 'name' | 'hook' | 'after'>; readonly added: readonly Message[]; readonly removed: ReadonlySet<Message> } {
    const removed = new Set(this.#removable().slice(0, rowsPerWrite / 2));
    const added: Message[] = [];
    let bytes = 0;
    for (const { message } of this.#backlog) {
      bytes += Buffer.byteLength(message.body);
      if (added.length + removed.size >= rowsPerWrite || (added.length > 0 && bytes > bytesPerWrite)) break;
      added.push(message);
    }
    const left = this.#backlog.slice(added.length);
    const { success, failure } = this.#last;
    const told = { ...(success === undefined ? {} : { success }), ...(failure === undefined ? {} : { failure }), ...(this.#gap === undefined ? {} : { gap: this.#gap }) };
    const waiting = this.#options.waiting() + added.length + left.length;
    return { command: { upTo: this.#upTo(left), add: added, remove: Array.from(removed, ({ id }) => id), waiting, dropped: this.#dropped, ...told }, added, removed };
  }
}
