/**
 * The history: what each transaction overwrote, in order, up to a limit in bytes, so that the registry can be read as of a past time.
 *
 *   observe ─► encoded at once, into the newest segment ─► (with a folder) its file, some milliseconds later
 *   at      ─► the state of today, with the rows that have changed since as they were: a frozen state at an older revision
 *
 * It knows the time at which this node applied a transaction, not when another node decided it. Rights are the caller's business.
 */

import { isRegistryError, RegistryError, type CheckChanges, type HealthCell } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import type { RowChange } from '../registry/kinds.ts';
import type { Observer } from '../registry/observer.ts';
import type { State } from '../registry/state.ts';
import { checkChangesOf } from './check-changes.ts';
import { earlierSegments } from './earlier.ts';
import type { Overwritten } from './gap.ts';
import { HistoryFiles, type OpenFile } from './files.ts';
import { TransactionEncoder } from './format.ts';
import type { Loss } from './loss.ts';
import type { Moment } from './moment.ts';
import { PastStates, type Past } from './past-states.ts';
import { Segment, type Point } from './segment.ts';
import { nextTurn, type Turn } from './slices.ts';
import { stripOf, type StripQuestion, type StripSource } from './strip.ts';

export interface HistoryOptions {
  readonly state: State;
  readonly clock: Clock;
  /** Most bytes that it keeps; 0 turns it off. */
  readonly bytesMax: number;
  /** Where it survives a restart; undefined: in memory alone. */
  readonly folder?: string | undefined;
  /** What the store's newest transactions have overwritten, after a revision: for those that a crash cut off from the history. */
  readonly overwritten?: (after: number) => Promise<readonly Overwritten[] | undefined> | undefined;
  /** Most bytes that wait for the disk; those of the default `bytesMax` by default. */
  readonly waitingBytesMax?: number;
  /** Makes its files; that of `node:fs` by default. */
  readonly open?: OpenFile;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Between two slices of reading; the next turn of the event loop by default. */
  readonly turn?: Turn;
}

/** What can be asked for. */
export interface HistoryBounds {
  /** The first time and revision of which the state is known. */
  readonly since: Point;
  readonly now: Point;
  readonly bytes: number;
  /** 0: there is no history. */
  readonly bytesMax: number;
  /** The newest loss of its oldest part to a disk that took no writes, of this run. */
  readonly lost?: Loss;
}

/** The oldest segment is dropped as a whole, so a segment is a small part of the limit. */
const segmentBytesMax = 1_048_576;
const segmentsMin = 8;
/** A crash of the process loses the changes of so long, which the store's log still has. */
const writeMs = 50;
/** As much as the whole history has by default, so with that a disk may stand still for any time. */
const usualWaitingBytesMax = 67_108_864;
/** Strips and lists of checks that are made at once: each reads the whole history. */
const readsMax = 4;

export class History implements Observer {
  readonly #options: HistoryOptions;
  readonly #segmentBytes: number;
  readonly #encoder = new TransactionEncoder();
  readonly #past: PastStates;
  readonly #files: HistoryFiles | undefined;
  /** The oldest first; the last one grows. Empty before the start, and while it is off. */
  #segments: Segment[] = [];
  #bytes = 0;
  /** Its files are not written before those of earlier runs are known: segments would come in another order. */
  #isLoading = false;
  #lost: Loss | undefined;
  #isLosing = false;
  #stopWriting: (() => void) | undefined;
  /** While earlier segments are loaded, or a restore is taken in. */
  #settling: Promise<void> | undefined;
  #reads = 0;
  /** Requests that read segments. */
  #reading = 0;
  /** The buffer of a complete segment, for the next one: memory that was written lately is written again in half the time. */
  #spare: Buffer | undefined;

  constructor(options: HistoryOptions) {
    const { state, clock, bytesMax, folder, log, turn = nextTurn } = options;
    this.#options = options;
    this.#segmentBytes = Math.min(segmentBytesMax, Math.ceil(bytesMax / segmentsMin));
    this.#past = new PastStates({ state, clock, segments: () => this.segments(), lost: () => this.#lost, settled: () => this.#settling, turn });
    const free = (buffer: Buffer) => {
      if (this.#reading === 0 && buffer.length === this.#segmentBytes) this.#spare = buffer;
    };
    this.#files = folder === undefined ? undefined : new HistoryFiles({ folder, log, free, unwritten: () => this.#unwritten().at(-1), open: options.open });
    // Values that were deleted must not stay on the disk when the operator wants no history.
    if (bytesMax === 0) this.#files?.forget();
  }

  /** The state is loaded: the history goes on from here, once the earlier one was found. */
  start(): void {
    const { state, clock, bytesMax } = this.#options;
    if (bytesMax === 0) return;
    const base = { revision: state.revision, atMs: clock.now() };
    this.#segments = [new Segment(base, this.#segmentBytes)];
    if (this.#files === undefined) return;
    this.#isLoading = true;
    this.#settle(this.#load(this.#files, base));
  }

  get bounds(): HistoryBounds {
    const { state, clock, bytesMax } = this.#options;
    const now = { revision: state.revision, atMs: clock.now() };
    return { since: this.#segments[0]?.base ?? now, now, bytes: this.#bytes, bytesMax, ...(this.#lost === undefined ? {} : { lost: this.#lost }) };
  }

  /** Bytes that wait for the disk. */
  get waitingBytes(): number {
    return this.#files === undefined ? 0 : this.#unwritten().reduce((sum, { bytes, written }) => sum + bytes - written, 0);
  }

  /** As `bounds`, once the history of earlier runs was found. */
  async known(): Promise<HistoryBounds> {
    await this.#settled();
    return this.bounds;
  }

  /**
   * The parts of the history, the oldest first.
   * @throws RegistryError `failed_precondition` when there is none
   */
  segments(): readonly Segment[] {
    if (this.#segments.length === 0) throw new RegistryError('failed_precondition', 'this server keeps no history, so it cannot answer as of a past time; start it with a limit above 0 (--history, history.bytesMax)');
    return this.#segments;
  }

  /**
   * The registry as of a moment. The caller must call `release`.
   * @throws RegistryError `failed_precondition` for a time before the history begins, or without a history; `resource_exhausted` when too
   *   many past times are read at once
   */
  at(moment: Moment): Promise<Past> {
    return this.#undamaged(() => this.#past.at(moment));
  }

  /**
   * The health of a service, a cell each; null for cells before the history begins, and in the future.
   * @throws RegistryError `failed_precondition` without a history; `resource_exhausted` when too many are made at once
   */
  strip(question: StripQuestion): Promise<readonly (HealthCell | null)[]> {
    return this.#read((source) => stripOf(source, question));
  }

  /** The status changes of an instance's checks. @param limit most of them @throws RegistryError as `strip` */
  checkChanges(of: Pick<InstanceRow, 'namespace' | 'service' | 'node' | 'id'>, limit: number): Promise<CheckChanges> {
    return this.#read((source) => checkChangesOf(source, of, limit));
  }

  observe(changes: readonly RowChange[], revision: number): void {
    if (this.#segments.length === 0) return;
    const encoder = this.#encoder;
    const atMs = this.#now();
    encoder.begin(revision, atMs);
    for (const change of changes) encoder.add(change);
    this.#add({ revision, atMs });
  }

  *replaced(changes: readonly RowChange[]): Generator<void, void, undefined> {
    if (this.#segments.length === 0) return;
    const point = { revision: this.#options.state.revision, atMs: this.#now() };
    let settle = () => {};
    this.#settle(new Promise((done) => (settle = done)));
    try {
      this.#encoder.begin(point.revision, point.atMs);
      for (const change of changes) {
        this.#encoder.add(change);
        if (this.#encoder.bytes > this.#options.bytesMax / 2) {
          this.#beginAt(point);
          return;
        }
        yield;
      }
      this.#add(point);
    } finally {
      settle();
    }
  }

  /** Writes what is not written yet. */
  async close(): Promise<void> {
    this.#past.close();
    await this.#settling;
    this.#stopWriting?.();
    this.#write();
    await this.#files?.close();
  }

  /** Never before the time of the transaction before it, so that a time names one place of the log. */
  #now(): number {
    return Math.max(this.#options.clock.now(), this.#segments.at(-1)?.last.atMs ?? 0);
  }

  /** Takes in what the encoder has. */
  #add(point: Point): void {
    const transaction = this.#encoder.end();
    if (transaction.length > this.#options.bytesMax / 2) {
      this.#beginAt(point);
      return;
    }
    let newest = this.#segments.at(-1) as Segment;
    if (!newest.hasRoom(transaction.length)) newest = this.#next(newest.last, transaction.length);
    const before = newest.bytes;
    newest.add(transaction, point);
    this.#bytes += newest.bytes - before;
    if (this.#files !== undefined) this.#writeSoon();
    this.#trim();
  }

  #next(base: Point, bytes: number): Segment {
    const complete = this.#segments.at(-1) as Segment;
    complete.isComplete = true;
    this.#write();
    const length = Math.max(this.#segmentBytes, bytes + 64);
    const next = new Segment(base, this.#spare?.length === length ? this.#spare : length);
    this.#spare = undefined;
    this.#segments.push(next);
    return next;
  }

  #trim(): void {
    while (this.#bytes > this.#options.bytesMax && this.#segments.length > 1) this.#dropOldest();
    if (this.#files !== undefined) this.#trimWaiting();
  }

  /** The history must lead up to today without a gap, so segments that wait for too long are dropped together with all older ones. */
  #trimWaiting(): void {
    const { clock, log, waitingBytesMax = usualWaitingBytesMax } = this.#options;
    // In most cases the disk has everything but the newest segment.
    if (this.#segments.at(-2)?.isInFile !== false) {
      this.#isLosing = false;
      return;
    }
    const before = this.#bytes;
    while (this.#segments.length > 1 && this.waitingBytes > waitingBytesMax) this.#dropOldest();
    const lost = before - this.#bytes;
    if (lost === 0) return;
    this.#lost = { atMs: clock.now(), bytes: (this.#lost?.bytes ?? 0) + lost };
    if (this.#isLosing) return;
    this.#isLosing = true;
    log.warn({ waitingBytesMax }, 'the disk does not take what the history writes, so its oldest part is dropped; answers as of earlier times are refused');
  }

  #dropOldest(): void {
    const oldest = this.#segments.shift() as Segment;
    this.#bytes -= oldest.bytes;
    this.#files?.remove(oldest);
  }

  /** The segments whose files lack something, the newest first. Older ones are written before newer ones. */
  #unwritten(): Segment[] {
    const found: Segment[] = [];
    for (let at = this.#segments.length - 1; at >= 0; at--) {
      const segment = this.#segments[at] as Segment;
      if (segment.isInFile) break;
      if (segment.isUnwritten) found.push(segment);
    }
    return found;
  }

  /** Forgets all of it. */
  #beginAt(point: Point): void {
    const forgotten = this.#segments;
    this.#next(point, 0);
    for (const segment of forgotten.slice(0, -1)) this.#files?.remove(segment);
    this.#segments = this.#segments.slice(-1);
    this.#bytes = 0;
  }

  #writeSoon(): void {
    this.#stopWriting ??= this.#options.clock.timer(writeMs, () => {
      this.#stopWriting = undefined;
      this.#write();
    });
  }

  #write(): void {
    if (!this.#isLoading) this.#files?.write();
  }

  /** Puts the segments of earlier runs before those of this one. */
  async #load(files: HistoryFiles, base: Point): Promise<void> {
    const earlier = await earlierSegments(files, base, this.#segmentBytes, this.#options);
    if (this.#segments[0]?.base === base) {
      this.#segments.unshift(...earlier);
      this.#bytes += earlier.reduce((sum, { bytes }) => sum + bytes, 0);
    } else {
      // What followed them was dropped meanwhile.
      for (const segment of earlier) files.remove(segment);
    }
    this.#isLoading = false;
    this.#trim();
    this.#write();
  }

  #settle(work: Promise<void>): void {
    const settling = Promise.all([this.#settling, work]).then(() => {
      if (this.#settling === settling) this.#settling = undefined;
    });
    this.#settling = settling;
  }

  async #settled(): Promise<void> {
    while (this.#settling !== undefined) await this.#settling;
  }

  async #read<T>(read: (source: StripSource) => Promise<T>): Promise<T> {
    await this.#settled();
    if (this.#reads >= readsMax) throw new RegistryError('resource_exhausted', `${readsMax} requests read the history, which is the limit; try again in a second`);
    const { state, clock, turn = nextTurn } = this.#options;
    const source = { segments: [...this.segments()], frozen: state.freeze(), nowMs: clock.now(), turn };
    this.#reads++;
    try {
      return await this.#undamaged(() => read(source));
    } finally {
      this.#reads--;
      source.frozen.close();
    }
  }

  /** Damage to the history stops nothing: it is forgotten, and begins anew. */
  async #undamaged<T>(read: () => Promise<T>): Promise<T> {
    this.#reading++;
    try {
      return await read();
    } catch (error) {
      if (!isRegistryError(error, 'data_loss')) throw error;
      this.#options.log.warn({ err: error }, 'the history is damaged, so it begins anew');
      this.#beginAt({ revision: this.#options.state.revision, atMs: this.#now() });
      throw new RegistryError('failed_precondition', `the history was damaged, and begins anew: ${error.message}`, { cause: error });
    } finally {
      this.#reading--;
    }
  }
}
