/**
 * The log of transactions in etcd: commits one after the other, and knows the newest revision of the store. Every transaction
 * expects the eras with which it was made, and that `seq` has not gone back. So no transaction takes effect on a store that was
 * restored from a backup, before the restore is noticed. `changes.ts` reads the committed transactions.
 */

import { randomBytes } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { checkTransaction } from '../check-transaction.ts';
import type { CommitResult, Transaction } from '../engine.ts';
import { Unreached, type Connection } from './connection.ts';
import { Eras } from './eras.ts';
import { callError, isCompacted, isFuture, isOutOfSpace, readError, writeError } from './errors.ts';
import type { Keys } from './keys.ts';
import { outcomeSince, settledOutcome, type Sent } from './outcome.ts';
import { failedOf, modIs, put, questionOf, rangeAt, read, requestOf, type Known } from './transaction.ts';
import { methods, type RangeResponse, type TxnRequest, type TxnResponse } from './wire.ts';

/** A commit without an answer fails after this time, so that a write fails within 5 s. */
const commitMs = 4_000;
const readMs = 3_000;

/** When a transaction whose answer was lost is of unknown outcome: a frozen member is noticed in 3 s; the next write must fail within 5 s, too. */
const settledMs = 3_400;

/** Tries of one transaction whose eras were not current; each further try means that another node began an era. */
const triesMax = 10;

/** Number of transactions of this process whose own values the feed returns instead of copies. */
const recentMax = 16;

/** Revisions that a store may have lost in a restore, and this node has not seen: 10,000 writes a second for five days. */
const lostMax = 2 ** 32;

/** The newest revisions of the store. */
export interface Position {
  /** Revision of etcd when this was read. */
  readonly etcd: number;
  /** Revision of etcd of the newest transaction; 0 when there is none. */
  readonly seq: number;
}

export interface LogParts {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly clock: Clock;
}

export class Log {
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #parts: LogParts;
  /** Distinguishes transactions of this process from those of others. */
  readonly #id = randomBytes(8).toString('base64url');
  #number = 0;
  readonly #recent = new Map<string, Transaction>();
  #eras = Eras.first('');
  /** Revision of etcd at which the eras were last written, and at which they were read. */
  #erasAt = { written: 0, read: 0 };
  /** The newest transaction that was seen: its revision of etcd, and the value that it wrote to `seq`. */
  #seq = 0;
  #seqName = '';
  /** The newest revision of the registry that was shown to a caller. */
  #shown = 0;
  /** etcd went back, and other nodes used revisions again that this node had shown for lost transactions. */
  #overtaken = false;
  #last: Promise<unknown> = Promise.resolve();
  #renewing: Promise<void> | undefined;
  /** The number of the connection on which the history was compared with the transactions that this node has seen. */
  #compared = 0;
  #closed = false;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#connection = parts.connection;
    this.#keys = parts.keys;
  }

  get eras(): Eras {
    return this.#eras;
  }

  /**
   * Reads the eras of the store, or begins the first one. Begins another one if the cluster was restored from a snapshot while
   * no node ran, which the id of the cluster shows.
   * @param restored it was, although the id does not show it
   * @throws RegistryError `unavailable`; `failed_precondition` when a newer Rollcall wrote the store
   */
  async start(restored = false): Promise<void> {
    const found = await this.#read();
    const cluster = found.header.cluster_id.toString();
    if (this.#erasAt.written === 0) {
      await this.#beginEra(found, Eras.first(cluster));
    } else if (restored || this.#eras.last.cluster !== cluster) {
      const { seq, etcd } = this.#position(found);
      const ours = this.#eras.ours(seq) + lostMax;
      await this.#beginEra(found, this.#eras.with({ from: etcd + 1, ours, cluster, restored: true }));
    }
    await this.barrier();
  }

  /** @throws as `Engine.commit` */
  commit(transaction: Transaction): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(closedError());
    // etcd may apply overlapping calls of one connection in any order, so each waits for the one before.
    const result = this.#last.then(() => this.#commit(transaction));
    this.#last = result.catch(() => {});
    return result;
  }

  /** The newest transaction's revision of the registry. @throws RegistryError `unavailable` */
  async barrier(): Promise<number> {
    return this.#show((await this.locate()).seq);
  }

  /** The newest revisions of the store, read linearizably, with current eras. @throws RegistryError `unavailable` */
  async locate(): Promise<Position> {
    if (this.#closed) throw closedError();
    await this.#compareHistory();
    const seen = this.#seq;
    const found = await this.#read();
    const position = this.#position(found);
    if (position.seq >= seen && !this.#overtaken) {
      this.passed(position.seq, this.#nameIn(found));
      return position;
    }
    await this.#renew();
    return this.#position(await this.#read());
  }

  /** The feed has seen a transaction. @param name the value that it wrote to `seq` */
  passed(seq: number, name: string): void {
    if (seq <= this.#seq) return;
    this.#seq = seq;
    this.#seqName = name;
  }

  /** The revision of the registry for a transaction that a reader of the feed sees now. */
  shows(etcd: number): number {
    return this.#show(etcd);
  }

  /** A reader of the feed comes to eras that were written at a revision of etcd. */
  reaches(etcd: number, eras: Uint8Array): void {
    if (etcd > this.#erasAt.read) this.#learn(Eras.parse(eras), { written: etcd, read: etcd });
  }

  /** A transaction that this process committed, by the value that it wrote to `seq`. */
  own(seq: Uint8Array): Transaction | undefined {
    return this.#recent.get(Buffer.from(seq).toString());
  }

  /** Waits for commits in flight. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  async #commit(transaction: Transaction): Promise<CommitResult> {
    checkTransaction(transaction);
    const name = `${this.#id}.${++this.#number}`;
    for (let tries = 1; tries <= triesMax; tries++) {
      const leap = await this.#leap(transaction.revisionAtLeast ?? 0);
      await this.#compareHistory();
      if (this.#overtaken) await this.#renew();
      if (transaction.base !== undefined && transaction.base !== this.#eras.base) return { ok: false, key: '', revision: 0 };
      const seen = this.#seq;
      const answer = await this.#write(name, transaction, leap);
      if (typeof answer === 'number' || answer.succeeded) {
        const revision = typeof answer === 'number' ? answer : answer.header.revision.toNumber();
        if (leap !== undefined) this.#learn(leap, { written: revision, read: revision });
        this.passed(revision, name);
        return { ok: true, revision: this.#show(revision) };
      }
      const current = this.#takeEras(answer, [rangeAt(answer, 0)]);
      if (this.#position(answer).seq < seen || this.#overtaken) await this.#renew();
      else if (current) {
        const failed = failedOf(transaction, await this.#ask(questionOf(this.#keys, transaction, this.#eras)), this.#eras);
        if (failed !== undefined) return failed;
      }
    }
    throw new RegistryError('aborted', `other nodes changed the eras of the store ${triesMax} times in a row; nothing was written, try again`);
  }

  /** @returns the answer, or etcd's revision of the transaction if its answer was lost @throws as `Engine.commit` */
  async #write(name: string, transaction: Transaction, leap: Eras | undefined): Promise<TxnResponse | number> {
    const known: Known = { eras: this.#eras, written: this.#erasAt.written, seq: this.#seq };
    const request = requestOf(this.#keys, transaction, { name, known, leap });
    this.#recent.set(name, transaction);
    if (this.#recent.size > recentMax) this.#recent.delete(this.#recent.keys().next().value as string);
    const began = this.#parts.clock.monotonic();
    try {
      return await this.#connection.call(methods.txn, request, commitMs);
    } catch (error) {
      if (error instanceof Unreached) {
        throw new RegistryError('unavailable', `etcd cannot be reached, nothing was written: ${error.message}`, { cause: error });
      }
      const failure = callError(error);
      const doubt = writeError(failure);
      const sent = { name, after: known.seq };
      if (isOutOfSpace(failure)) return this.#wasWritten(sent, doubt);
      if (doubt.code !== 'unknown_outcome') throw doubt;
      const at = await settledOutcome({ ...this.#parts, sent, known, until: began + settledMs });
      if (at === undefined) throw doubt;
      if (at > 0) return at;
      throw new RegistryError('unavailable', 'the connection to etcd was lost, and its log shows that nothing was written; try again', { cause: failure });
    }
  }

  /** etcd reports that it is out of space also after a transaction that took effect and used up the space. */
  async #wasWritten(sent: Sent, refusal: RegistryError): Promise<number> {
    const found = await this.#read();
    const at = await outcomeSince(this.#parts, sent, rangeAt(found, 1).kvs[0]).catch(() => undefined);
    if (at === 0) throw refusal;
    if (at !== undefined) return at;
    const message = 'etcd ran out of space, and other nodes wrote since: it cannot be told whether the write took effect';
    throw new RegistryError('unknown_outcome', message, { cause: refusal });
  }

  /**
   * Checks on a new connection whether the store still has the newest transaction that this node has seen. If not, the store
   * went back, even if other nodes have written so much since then that its revisions do not show it. Compacted history cannot
   * be compared.
   */
  async #compareHistory(): Promise<void> {
    const { number } = this.#connection;
    if (number === this.#compared) return;
    if (this.#seq > 0) {
      try {
        const { kvs } = await this.#connection.read(methods.range, { key: this.#keys.seq, revision: this.#seq }, readMs);
        if (kvs[0]?.value.toString() !== this.#seqName) this.#overtaken = true;
      } catch (error) {
        const failure = callError(error);
        if (isFuture(failure)) this.#overtaken = true;
        else if (!isCompacted(failure)) throw readError(failure);
      }
    }
    this.#compared = number;
  }

  /** The eras with which the next transaction reaches a revision; undefined when the present ones are enough. */
  async #leap(least: number): Promise<Eras | undefined> {
    if (least <= this.#shown + 1) return undefined;
    const found = await this.#read();
    const { etcd } = this.#position(found);
    if (this.#eras.ours(etcd + 1) >= least) return undefined;
    return this.#eras.with({ from: etcd + 1, ours: least, cluster: found.header.cluster_id.toString() });
  }

  /** Begins an era above all revisions that any node may have shown, since the store has gone back. One call at a time. */
  #renew(): Promise<void> {
    this.#renewing ??= this.#renewed().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renewed(): Promise<void> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const found = await this.#read(true);
      const { etcd, seq } = this.#position(found);
      // Another node may have done it.
      if (this.#eras.base > this.#shown) {
        this.#seq = seq;
        this.#seqName = this.#nameIn(found);
        this.#overtaken = false;
        return;
      }
      const cluster = found.header.cluster_id.toString();
      await this.#beginEra(found, this.#eras.with({ from: etcd + 1, ours: Math.max(this.#shown, this.#eras.ours(etcd)) + lostMax, cluster, restored: true }));
    }
    throw new RegistryError('unavailable', 'etcd has gone back, and other nodes write too fast for a new era to begin; try again');
  }

  /** Writes eras, unless a transaction came since `found` was read. */
  async #beginEra(found: TxnResponse, eras: Eras): Promise<void> {
    const { seq } = this.#position(found);
    const writes = [put(this.#keys.era, eras.encode()), ...(this.#erasAt.written === 0 ? [] : [put(this.#keys.seq, Buffer.from('era'))])];
    const request = { compare: [modIs(this.#keys.era, this.#erasAt.written), modIs(this.#keys.seq, seq)], success: writes };
    try {
      await this.#connection.call(methods.txn, request, commitMs);
    } catch (error) {
      throw new RegistryError('unavailable', `the registry cannot begin an era in etcd: ${writeError(callError(error)).message}`, { cause: error });
    }
  }

  /** Reads the eras and `seq` linearizably. @param goneBack accepts eras that are older than those that were read before */
  async #read(goneBack = false): Promise<TxnResponse> {
    const answer = await this.#ask({ success: [read(this.#keys.era), read(this.#keys.seq)] });
    if (goneBack) {
      if (rangeAt(answer, 0).kvs.length === 0) throw emptied();
      this.#erasAt = { written: 0, read: 0 };
    }
    this.#takeEras(answer, [rangeAt(answer, 0)]);
    return answer;
  }

  /** @param question only reads @throws RegistryError `unavailable` */
  async #ask(question: TxnRequest): Promise<TxnResponse> {
    try {
      return await this.#connection.read(methods.txn, question, readMs);
    } catch (error) {
      throw readError(callError(error));
    }
  }

  /** @returns whether the eras are the known ones */
  #takeEras({ header }: TxnResponse, [range]: readonly RangeResponse[]): boolean {
    const read = header.revision.toNumber();
    if (read < this.#erasAt.read) return true;
    const kv = range?.kvs[0];
    if (kv === undefined) {
      if (this.#erasAt.written > 0) throw emptied();
      return true;
    }
    const written = kv.mod_revision.toNumber();
    const known = written === this.#erasAt.written;
    this.#learn(known ? this.#eras : Eras.parse(kv.value), { written, read });
    return known;
  }

  #learn(eras: Eras, at: { readonly written: number; readonly read: number }): void {
    if (eras.base > this.#eras.base && eras.base <= this.#shown) this.#overtaken = true;
    this.#eras = eras;
    this.#erasAt = at;
  }

  #position(answer: TxnResponse): Position {
    return { etcd: answer.header.revision.toNumber(), seq: rangeAt(answer, 1).kvs[0]?.mod_revision.toNumber() ?? 0 };
  }

  #nameIn(answer: TxnResponse): string {
    return rangeAt(answer, 1).kvs[0]?.value.toString() ?? '';
  }

  #show(etcd: number): number {
    const revision = this.#eras.ours(etcd);
    this.#shown = Math.max(this.#shown, revision);
    return revision;
  }
}

export function closedError(): RegistryError {
  return new RegistryError('unavailable', 'the etcd engine is closed');
}

function emptied(): RegistryError {
  const message = 'the registry is gone from etcd: its keys were removed, or etcd was emptied; restore etcd, or start the nodes anew for an empty registry';
  return new RegistryError('unavailable', message);
}
