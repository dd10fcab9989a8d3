/**
 * States of the past, made from the state of today and the history:
 *
 *   freeze the state of today ─► each change after the moment, the oldest first: its row, if its key is new ─► go back
 *
 * They are made in slices, one after the other, and kept for a while: a page asks several things as of one time. Their number and their
 * bytes are limited. It knows no front end and no rights.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { interner } from '../registry/codec.ts';
import type { Frozen } from '../registry/frozen.ts';
import type { Row } from '../registry/kinds.ts';
import type { State } from '../registry/state.ts';
import { Cursor } from './format.ts';
import type { Loss } from './loss.ts';
import type { Moment } from './moment.ts';
import type { Point, Segment } from './segment.ts';
import { Slices, units, type Turn } from './slices.ts';

export interface PastStatesOptions {
  readonly state: State;
  readonly clock: Clock;
  /** The oldest first. @throws RegistryError `failed_precondition` when there is no history */
  readonly segments: () => readonly Segment[];
  /** What the history has lost of its oldest part before it was too old. */
  readonly lost: () => Loss | undefined;
  /** Undefined, or resolves when the history is again as new as the state. */
  readonly settled: () => Promise<void> | undefined;
  readonly turn: Turn;
}

export interface Past {
  /** The asked time; of a revision, the time at which it was applied. */
  readonly atMs: number;
  readonly revision: number;
  readonly frozen: Frozen<Row>;
  /** Must be called once; the frozen state may not be read afterwards. */
  readonly release: () => void;
}

interface Kept {
  readonly revision: number;
  readonly frozen: Frozen<Row>;
  /** Of its rows, as the history encodes them. */
  readonly bytes: number;
  readers: number;
  /** Stops the timer that drops it. */
  stop: () => void;
}

const keptMax = 4;
/** All of them together: decoded they take about four times as much memory. */
const bytesMax = 67_108_864;
const keptMs = 30_000;
const waitingMax = 64;

export class PastStates {
  readonly #options: PastStatesOptions;
  /** The least recently used first. */
  #kept: Kept[] = [];
  /** One is made after the other. */
  #making: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(options: PastStatesOptions) {
    this.#options = options;
  }

  /** @throws RegistryError as `History.at` */
  async at(moment: Moment): Promise<Past> {
    if (this.#waiting >= waitingMax) throw new RegistryError('resource_exhausted', `${waitingMax} requests wait for states of the past, which is the limit; try again in a second`);
    this.#waiting++;
    const made = this.#making.then(() => this.#make(moment));
    this.#making = made.catch(() => {});
    try {
      return await made;
    } finally {
      this.#waiting--;
    }
  }

  close(): void {
    for (const { stop, frozen } of this.#kept.splice(0)) {
      stop();
      frozen.close();
    }
  }

  async #make(moment: Moment): Promise<Past> {
    for (let settled = this.#options.settled(); settled !== undefined; settled = this.#options.settled()) await settled;
    const point = await this.#pointOf(moment);
    const kept = this.#kept.find(({ revision }) => revision === point.revision) ?? (await this.#build(point));
    this.#use(kept);
    let isRead = true;
    return {
      ...{ revision: kept.revision, frozen: kept.frozen, atMs: 'atMs' in moment ? moment.atMs : point.atMs },
      release: () => {
        if (!isRead) return;
        isRead = false;
        this.#leave(kept);
      },
    };
  }

  /** The last transaction up to the moment. */
  async #pointOf(moment: Moment): Promise<Point> {
    const { segments, state, lost } = this.#options;
    const [first] = segments();
    if (first === undefined || isAfter(first.base, moment)) throw tooEarly(moment, first?.base, lost());
    if ('revision' in moment && moment.revision > state.revision) {
      throw new RegistryError('failed_precondition', `revision ${moment.revision} is not written yet; the newest is ${state.revision}`);
    }
    // The segment with the moment, or the last one before it.
    const segment = segments().findLast(({ base }) => !isAfter(base, moment)) as Segment;
    if (!isAfter(segment.last, moment)) return segment.last;
    const { buffer, end } = await segment.read();
    const cursor = new Cursor(buffer, end);
    const slices = new Slices(this.#options.turn);
    let found = segment.base;
    while (cursor.nextTransaction()) {
      if (isAfter(cursor, moment)) break;
      found = { revision: cursor.revision, atMs: cursor.atMs };
      if (slices.spend(units.entry)) await slices.turn();
    }
    return found;
  }

  async #build(point: Point): Promise<Kept> {
    const { state, segments, turn } = this.#options;
    this.#makeRoom(0);
    const slices = new Slices(turn);
    const intern = interner();
    const frozen = state.freeze();
    const today = frozen.revision;
    let bytes = 0;
    try {
      for (const segment of segments().filter(({ last }) => last.revision > point.revision)) {
        const read = segment.read();
        const { buffer, end } = read instanceof Promise ? await read : read;
        const cursor = new Cursor(buffer, end);
        while (cursor.nextTransaction()) {
          // The state itself tells what came after it was frozen.
          if (cursor.revision > today) break;
          if (cursor.revision <= point.revision) continue;
          while (cursor.nextEntry()) {
            const key = cursor.key();
            let used = units.entry + units.key;
            if (!frozen.knowsEarlier(key)) {
              const { valueBytes } = cursor;
              frozen.noteEarlier(key, cursor.before(key, intern));
              bytes += valueBytes + key.length;
              used += units.row + valueBytes * units.byte;
            }
            if (slices.spend(used)) {
              await slices.turn();
              if (bytes > bytesMax) throw tooLarge();
            }
          }
        }
      }
      this.#makeRoom(bytes);
    } catch (error) {
      frozen.close();
      throw error;
    }
    frozen.goBack(point.revision);
    const kept = { revision: point.revision, frozen, bytes, readers: 0, stop: () => {} };
    this.#kept.push(kept);
    return kept;
  }

  /** Drops states that are not read, the least recently used first. @throws RegistryError `resource_exhausted` */
  #makeRoom(bytes: number): void {
    const isFull = () => this.#kept.length >= keptMax || this.#kept.reduce((sum, each) => sum + each.bytes, bytes) > bytesMax;
    while (isFull()) {
      const idle = this.#kept.find(({ readers }) => readers === 0);
      if (idle === undefined) throw tooLarge();
      this.#drop(idle);
    }
  }

  #use(kept: Kept): void {
    kept.stop();
    kept.readers++;
    this.#kept = [...this.#kept.filter((each) => each !== kept), kept];
  }

  #leave(kept: Kept): void {
    if (--kept.readers > 0) return;
    kept.stop = this.#options.clock.timer(keptMs, () => this.#drop(kept));
  }

  #drop(kept: Kept): void {
    kept.stop();
    kept.frozen.close();
    this.#kept = this.#kept.filter((each) => each !== kept);
  }
}

function isAfter({ revision, atMs }: Point, moment: Moment): boolean {
  return 'revision' in moment ? revision > moment.revision : atMs > moment.atMs;
}

function tooEarly(moment: Moment, first: Point | undefined, lost: Loss | undefined): RegistryError {
  const asked = 'revision' in moment ? `revision ${moment.revision}` : timeText(moment.atMs);
  const begin = first === undefined ? 'it is empty' : `it begins at ${timeText(first.atMs)} (${first.atMs}), revision ${first.revision}`;
  const why = lost === undefined ? '' : `, since the disk took no writes of it until ${timeText(lost.atMs)} and ${lost.bytes} bytes were lost`;
  return new RegistryError('failed_precondition', `the history does not reach back to ${asked}: ${begin}${why}; ask for a later time`);
}

/** Milliseconds that are no date of JavaScript stay a number. */
function timeText(atMs: number): string {
  const date = new Date(atMs);
  return Number.isNaN(date.getTime()) ? String(atMs) : date.toISOString();
}

function tooLarge(): RegistryError {
  return new RegistryError('resource_exhausted', `too many states of the past are read at once: ${keptMax}, or ${bytesMax} bytes of rows, is the limit; try again in some seconds, or ask for a later time`);
}
