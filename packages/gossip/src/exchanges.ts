/**
 * Exchanges of states and probes over streams, as the member that asks and as the one that answers.
 *
 *     this member                           the other one
 *         state (members, digests) ──────────►  takes over members
 *         ◄── answer (members, digests, rows that this member lacks)
 *         rows that the other one lacks ─────►
 */

import type { Clock } from './clock.ts';
import type { Action } from './membership/action.ts';
import type { Membership } from './membership/membership.ts';
import type { Address, Exchange, OwnerRows } from './messages.ts';
import type { RowSet } from './rows/row-set.ts';
import type { Stream, Transport } from './transport/transport.ts';
import { decodeExchange, encodeExchange } from './wire/exchange.ts';
import type { Sealer } from './wire/seal.ts';

export interface ExchangesOptions {
  readonly transport: Transport;
  readonly sealer: Sealer;
  readonly membership: Membership;
  readonly rows: RowSet;
  readonly clock: Clock;
  readonly perform: (actions: readonly Action[]) => void;
  /** A message was not understood. */
  readonly refused: (from: string, reason: string) => void;
}

/** Longest time for a connection, in milliseconds. */
const connectMs = 2_000;

/** Exchanges that this member has begun and that are not over; more are not begun. */
const begunMax = 8;

export class Exchanges {
  readonly #options: ExchangesOptions;
  #begun = 0;

  constructor(options: ExchangesOptions) {
    this.#options = options;
  }

  /** Exchanges states with the member at this address. An exchange that fails is tried again later by the state machine. */
  async exchange(address: Address): Promise<void> {
    if (this.#begun >= begunMax) return;
    this.#begun++;
    try {
      await this.#with(address, connectMs, async (stream) => {
        const { membership, rows } = this.#options;
        this.#send(stream, { kind: 'state', from: this.#name, records: membership.records(), digests: rows.digests() });
        const answer = await this.#receive(stream, address.host);
        if (answer?.kind !== 'answer') return;
        this.#merge(answer);
        this.#send(stream, { kind: 'rows', from: this.#name, rows: rows.missing(answer.digests) });
      });
    } finally {
      this.#begun--;
    }
  }

  /** Asks over a stream whether the member lives. */
  async ping({ to, target, sequence, timeoutMs }: Action & { readonly kind: 'stream-ping' }): Promise<void> {
    await this.#with(to, timeoutMs, async (stream) => {
      this.#send(stream, { kind: 'stream-ping', target });
      const answer = await this.#receive(stream, to.host);
      if (answer?.kind === 'stream-ack' && answer.from === target) this.#options.membership.streamAnswered(sequence, this.#options.clock.monotonic());
    });
  }

  /** Answers on a stream that another member opened. */
  async serve(stream: Stream, from: string): Promise<void> {
    try {
      const first = await this.#receive(stream, from);
      if (first?.kind === 'stream-ping' && first.target === this.#name) this.#send(stream, { kind: 'stream-ack', from: this.#name });
      if (first?.kind !== 'state') return;
      const { membership, rows } = this.#options;
      // Read before the merge: the other one has to hear what this member knew without it.
      const records = membership.records();
      this.#merge({ ...first, rows: [] });
      this.#send(stream, { kind: 'answer', from: this.#name, records, digests: rows.digests(), rows: rows.missing(first.digests) });
      const last = await this.#receive(stream, from);
      if (last?.kind === 'rows') this.#mergeRows(last.rows);
    } finally {
      stream.close();
    }
  }

  get #name(): string {
    return this.#options.membership.self.name;
  }

  async #with(address: Address, timeoutMs: number, use: (stream: Stream) => Promise<void>): Promise<void> {
    let stream: Stream;
    try {
      stream = await this.#options.transport.connect(address, timeoutMs);
    } catch {
      // Dead members and seeds that have not started are the usual case.
      return;
    }
    try {
      await use(stream);
    } finally {
      stream.close();
    }
  }

  #send(stream: Stream, exchange: Exchange): void {
    stream.send(this.#options.sealer.seal('stream', encodeExchange(exchange)));
  }

  async #receive(stream: Stream, from: string): Promise<Exchange | undefined> {
    const bytes = await stream.receive();
    if (bytes === undefined) return undefined;
    const opened = this.#options.sealer.open('stream', bytes);
    const exchange = opened.ok ? decodeExchange(opened.body) : opened;
    if (exchange.ok) return exchange.value;
    this.#options.refused(from, exchange.reason);
    return undefined;
  }

  #merge({ records, rows, from }: Pick<Exchange & { readonly kind: 'answer' }, 'records' | 'rows' | 'from'>): void {
    const { membership, perform, clock } = this.#options;
    perform(membership.merge(records, from, clock.monotonic()));
    this.#mergeRows(rows);
  }

  #mergeRows(received: readonly OwnerRows[]): void {
    const { membership, rows, clock } = this.#options;
    for (const each of received) {
      const isKnown = each.owner === this.#name || membership.find(each.owner) !== undefined;
      if (isKnown) rows.merge(each, clock.monotonic());
    }
    membership.rowsHash = rows.hash;
  }
}
