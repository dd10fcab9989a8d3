/**
 * The audit log of a server with workers: one process, the primary, writes the chain, and each worker hands it its events in order.
 * A batch whose answer was lost is handed over again with the same number, and the primary takes each number once.
 *
 *   worker: record ─► waiting ─► batch 7 ──────► primary: number above the last one of this worker? ─► chain
 *                                   ▲  answer lost: again │
 *
 * Events of a worker that is killed before it has handed them over are lost, as those of a single process that is killed
 * before it has written them.
 */

import type { Clock } from '../clock.ts';
import { boundedEvent, type Audit, type AuditEvent, type AuditRecord, type AuditTrail } from './audit.ts';

export interface AuditBatch {
  /** From 1, of one worker; rises by one with each batch. */
  readonly number: number;
  /** Events that the worker lost before these, since too many waited. */
  readonly dropped: number;
  readonly records: readonly AuditRecord[];
}

/** Events in a batch; with the limit of a field that is 2 MiB at most. */
const batchMax = 500;

/** Events that may wait for the primary. */
const waitingMax = 10_000;

/** Pause before a batch is handed over again. */
const againMs = 200;

/** Longest time that a worker which closes waits for the primary. */
const closeMs = 3_000;

export interface HandedAuditOptions {
  /** Resolves when the primary has the batch in its chain, or has counted it as lost. Rejects when that is not known. */
  readonly hand: (batch: AuditBatch) => Promise<unknown>;
  readonly clock: Clock;
  /** Called once for each stretch of failed attempts. */
  readonly onError: (error: unknown) => void;
}

/** The worker's end. */
export class HandedAudit implements AuditTrail {
  readonly #options: HandedAuditOptions;
  #waiting: AuditRecord[] = [];
  #dropped = 0;
  #number = 0;
  #handing: Promise<void> | undefined;

  constructor(options: HandedAuditOptions) {
    this.#options = options;
  }

  record(event: AuditEvent): void {
    if (this.#waiting.length >= waitingMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ event: boundedEvent(event), at: this.#options.clock.now() });
    this.#handing ??= new Promise<void>((turn) => setImmediate(turn)).then(() => this.#hand());
  }

  /** Also resolves when the primary has not taken everything after some seconds. */
  async flush(): Promise<void> {
    if (this.#handing === undefined) return;
    let cancel = () => {};
    await Promise.race([this.#handing, new Promise<void>((late) => (cancel = this.#options.clock.timer(closeMs, late)))]);
    cancel();
  }

  async #hand(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = { number: ++this.#number, dropped: this.#dropped, records: this.#waiting.splice(0, batchMax) };
      this.#dropped = 0;
      await this.#untilTaken(batch);
    }
    this.#handing = undefined;
  }

  async #untilTaken(batch: AuditBatch): Promise<void> {
    const { hand, clock, onError } = this.#options;
    for (let failed = false; ; ) {
      try {
        await hand(batch);
        return;
      } catch (error) {
        if (!failed) onError(error);
        failed = true;
        await new Promise<void>((again) => clock.timer(againMs, again));
      }
    }
  }
}

/** Takes events of workers into the log of the primary. */
export type AuditTarget = Pick<Audit, 'record' | 'flush' | 'countDropped'>;

/** Workers whose last number is remembered; one that has ended does not come back. */
const workersMax = 1_000;

/** The primary's end. */
export class AuditIntake {
  readonly #audit: AuditTarget;
  readonly #last = new Map<string, number>();

  constructor(audit: AuditTarget) {
    this.#audit = audit;
  }

  /** @param worker id of its member */
  async take(worker: string, { number, dropped, records }: AuditBatch): Promise<void> {
    const last = this.#last.get(worker) ?? 0;
    if (number > last) {
      this.#last.delete(worker);
      this.#last.set(worker, number);
      for (const oldest of this.#last.keys()) {
        if (this.#last.size <= workersMax) break;
        this.#last.delete(oldest);
      }
      this.#audit.countDropped(dropped);
      for (const { event, at } of records) this.#audit.record(event, at);
    }
    // A slow disk slows the workers down, which drop events only when too many wait there.
    await this.#audit.flush();
  }
}
