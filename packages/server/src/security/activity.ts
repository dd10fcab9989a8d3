/**
 * The activity: the newest lines of the audit log, for operators who look at them. Recent lines are kept in memory; older ones are read from the end of
 * the file, some at a time. Without a file the recent ones are all there are. It checks no permissions, and knows the lines of this process only
 * (`all-activity.ts` asks the other nodes).
 *
 *   record ─► Audit ─► file ─► add ─► recent lines ─► find ─► page
 *                                                       ▲ older: backwards from the end of the file
 */

import type { AuditKind } from '@rollcall/protocol';
import { boundedEvent, lineOf, type AuditEntry, type AuditEvent, type AuditLine, type AuditTrail } from './audit.ts';
import { linesBefore, placeAtTime, placeOf, type FilePlace } from './audit-backwards.ts';
import { RecentEvents } from './recent-events.ts';

/** Which lines are wanted. All parts must hold. */
export interface ActivityFilter {
  /** Empty for all. */
  readonly kinds: readonly AuditKind[];
  /** Public id of a token. */
  readonly person?: string;
  readonly namespace?: string;
  /** In lower case; a part of the action, the address or the name of the front end. */
  readonly text?: string;
  /** First millisecond since the Unix epoch. */
  readonly fromMs?: number;
  /** First millisecond that is too late. */
  readonly untilMs?: number;
}

export interface ActivityQuery {
  readonly filter: ActivityFilter;
  /** Where the page before ended: `cursor` of it. */
  readonly before?: string;
  /** Most lines of the page. */
  readonly limit: number;
}

export interface ActivityPage {
  /** The newest first. */
  readonly lines: readonly ShownLine[];
  /** For `before` of the next page; absent when there is nothing older. */
  readonly cursor?: string;
  /** How far back this page has looked, in milliseconds since the Unix epoch; absent when it has looked at everything. */
  readonly backToMs?: number;
}

/** A line, with the cursor of a page that would end at it. */
export interface ShownLine extends AuditLine {
  readonly cursor: string;
}

export interface ActivityOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The file of the audit log; without it, older lines are gone. */
  readonly file?: string;
  /** Lines that are kept in memory. */
  readonly recentMax?: number;
}

/** Bytes of the file that one page looks at: about 10,000 lines. A filter that matches little goes on at the cursor. */
const scanBytesMax = 2_097_152;

export class Activity implements AuditTrail {
  readonly #options: ActivityOptions;
  /** In the order of their numbers. */
  readonly #recent: RecentEvents;
  #dropped = 0;

  constructor(options: ActivityOptions) {
    this.#options = options;
    this.#recent = new RecentEvents(options.recentMax ?? 2_000);
  }

  /** Whether lines outlive the process. */
  get isLasting(): boolean {
    return this.#options.file !== undefined;
  }

  /** Takes what the audit log has written. */
  add(entries: readonly AuditEntry[]): void {
    for (const entry of entries) this.#recent.add(entry);
  }

  /** Takes an event when there is no audit log. */
  record(event: AuditEvent, at = this.#options.now()): void {
    this.#recent.add({ seq: this.#recent.lastSeq + 1, at, event: boundedEvent(event), dropped: this.#dropped });
    this.#dropped = 0;
  }

  /** So many events of another process were lost before the next one. */
  countDropped(events: number): void {
    this.#dropped += events;
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** @throws RegistryError `invalid_argument` for a cursor of another form; `unavailable` when the file cannot be read */
  async find({ filter, before, limit }: ActivityQuery): Promise<ActivityPage> {
    const place = before === undefined ? undefined : placeOf(before);
    const matches = matcher(filter);
    const lines: ShownLine[] = [];
    const recent = this.#recent;
    const first = recent.size === 0 ? Infinity : recent.at(0).seq;
    if (place === undefined || place.seq > first) {
      for (let at = recent.size - 1; at >= 0; at--) {
        const entry = recent.at(at);
        if (place !== undefined && entry.seq >= place.seq) continue;
        if (isBefore(entry.at, filter)) return { lines };
        if (!matches(entry.event, entry.at)) continue;
        lines.push({ ...lineOf(entry), cursor: String(entry.seq) });
        if (lines.length === limit) return entry.seq > 1 && (at > 0 || this.isLasting) ? { lines, cursor: String(entry.seq), backToMs: entry.at } : { lines };
      }
    }
    if (this.#options.file === undefined || first === 1) return { lines };
    return this.#older(lines, { filter, limit }, await this.#beginOf(place === undefined || place.seq > first ? { seq: first } : place, filter));
  }

  /** A page that begins in the past does not look at all that was written since. */
  async #beginOf(from: FilePlace, { untilMs }: ActivityFilter): Promise<FilePlace> {
    if (untilMs === undefined || from.offset !== undefined) return from;
    const at = await placeAtTime(this.#options.file as string, untilMs);
    return at.seq < from.seq ? at : from;
  }

  async #older(lines: ShownLine[], { filter, limit }: ActivityQuery, from: FilePlace): Promise<ActivityPage> {
    const matches = matcher(filter);
    let last: { readonly place: FilePlace; readonly at: number } | undefined;
    let left = scanBytesMax;
    for await (const { line, place, bytes } of linesBefore(this.#options.file as string, from)) {
      left -= bytes;
      if (line.seq < from.seq) {
        const at = Date.parse(line.time);
        if (isBefore(at, filter)) return { lines };
        last = { place, at };
        if (matches(line, at)) lines.push({ ...line, cursor: cursorOf(place) });
      }
      if ((lines.length >= limit || left <= 0) && last !== undefined) {
        return line.seq <= 1 ? { lines } : { lines, cursor: cursorOf(last.place), backToMs: last.at };
      }
    }
    return { lines };
  }
}

function isBefore(at: number, { fromMs = -Infinity }: ActivityFilter): boolean {
  return at < fromMs;
}

function matcher({ kinds, person, namespace, text, untilMs = Infinity }: ActivityFilter): (event: AuditEvent, at: number) => boolean {
  const wanted = new Set(kinds);
  return (event, at) =>
    (wanted.size === 0 || wanted.has(event.kind)) &&
    (person === undefined || event.accessorId === person) &&
    (namespace === undefined || event.namespace === namespace) &&
    (text === undefined || `${event.action} ${event.address} ${event.via}`.toLowerCase().includes(text)) &&
    at < untilMs;
}

function cursorOf({ seq, offset }: FilePlace): string {
  return offset === undefined ? String(seq) : `${seq}.${offset}`;
}
