/**
 * The audit log: actions and refusals with their callers, as JSON lines. Each line contains the hash of the
 * line before. So a line that was changed, removed or moved breaks the chain. To detect a removed end, compare
 * with the newest hash, kept in another place.
 *
 *   {"seq":1,"time":"…","kind":"write",…,"previous":"0000…","hash":"3f1c…"}
 *   {"seq":2,"time":"…","kind":"denied",…,"previous":"3f1c…","hash":"9a02…"}
 *
 * The lines of one turn of the event loop are written together; no request waits for them. If the sink is too
 * slow, lines are dropped, and the next line states how many. The sink decides when a line is durable:
 * `openAuditFile` syncs after each batch. This file does not rotate logs.
 */

import { createHash } from 'node:crypto';
import type { AuditKind } from '@rollcall/protocol';

/** The fields of a line; `time`, `seq` and the hashes are added. No secrets and no values of keys. */
export interface AuditEvent {
  readonly kind: AuditKind;
  /** The token's public id; empty if the token is unknown. */
  readonly accessorId: string;
  /** Namespace of the request; empty for requests about no namespace, and for those refused before their namespace was read. */
  readonly namespace: string;
  /** Address of the client. */
  readonly address: string;
  /** Name of the front end: `consul`, `stream`, `dns`. */
  readonly via: string;
  /** The request or the permission: `PUT /v1/kv/app/x`, `service:write "web"`. */
  readonly action: string;
}

/** An event with its number and time, as the log has it. */
export interface AuditLine extends AuditEvent {
  /** From 1, without gaps. */
  readonly seq: number;
  /** ISO 8601, with milliseconds. */
  readonly time: string;
  /** Events that were lost before this one. */
  readonly dropped?: number;
}

/** What a line says, before it is text. */
export interface AuditEntry {
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** Its fields are bounded. */
  readonly event: AuditEvent;
  /** Events that were lost before this one. */
  readonly dropped: number;
}

/** Takes what must be in the audit log. */
export interface AuditTrail {
  record(event: AuditEvent): void;
  /** Resolves when every recorded line was written or lost. */
  flush(): Promise<void>;
}

/** An event and when it was recorded, in milliseconds since the Unix epoch. */
export interface AuditRecord {
  readonly event: AuditEvent;
  readonly at: number;
}

export interface AuditSink {
  /** Appends the text; resolves when the text is as durable as this sink makes it. */
  append(text: string): Promise<void>;
}

export interface AuditOptions {
  readonly sink: AuditSink;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** End of the existing log, from `verifyAudit`; the chain continues there. */
  readonly last?: ChainEnd;
  /** Called when the sink begins to fail, not for each batch: lines are lost and counted as dropped until it works again. */
  readonly onError: (error: unknown) => void;
  /** Called when the sink works again. @param dropped the events that were lost, which the first line states */
  readonly onRecovered?: (dropped: number) => void;
  /** Called with what the sink has taken. */
  readonly onWritten?: (entries: readonly AuditEntry[]) => void;
  /** Most lines that may wait for the sink. */
  readonly waitingMax?: number;
}

export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

/** The end of an empty log. */
export const chainStart: ChainEnd = { seq: 0, hash: '0'.repeat(64) };

/** Most characters of a field; requests may have any length. */
const fieldMax = 1_024;

export class Audit implements AuditTrail {
  readonly #sink: AuditSink;
  readonly #now: () => number;
  readonly #onError: (error: unknown) => void;
  readonly #onRecovered: (dropped: number) => void;
  readonly #onWritten: (entries: readonly AuditEntry[]) => void;
  readonly #waitingMax: number;
  #end: ChainEnd;
  #waiting: AuditRecord[] = [];
  #dropped = 0;
  #isFailing = false;
  #writing: Promise<void> | undefined;

  constructor({ sink, now, last = chainStart, onError, onRecovered = () => {}, onWritten = () => {}, waitingMax = 10_000 }: AuditOptions) {
    this.#sink = sink;
    this.#now = now;
    this.#end = last;
    this.#onError = onError;
    this.#onRecovered = onRecovered;
    this.#onWritten = onWritten;
    this.#waitingMax = waitingMax;
  }

  /** The last written line. Keep it in another place to detect a removed end. */
  get end(): ChainEnd {
    return this.#end;
  }

  /** @param at when it happened, if another process recorded it: milliseconds since the Unix epoch */
  record(event: AuditEvent, at = this.#now()): void {
    if (this.#waiting.length >= this.#waitingMax) {
      this.#dropped++;
      return;
    }
    this.#waiting.push({ event, at });
    this.#writing ??= new Promise<void>((turn) => setImmediate(turn)).then(() => this.#write());
  }

  /** So many events of another process were lost before they came here; the next line says so. */
  countDropped(events: number): void {
    this.#dropped += events;
  }

  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      const dropped = this.#dropped;
      this.#waiting = [];
      this.#dropped = 0;
      let end = this.#end;
      let text = '';
      const entries: AuditEntry[] = [];
      for (const { event, at } of batch) {
        const entry = { seq: end.seq + 1, at, event: boundedEvent(event), dropped: text === '' ? dropped : 0 };
        const hashed = hashedText(entry, end.hash);
        end = { seq: entry.seq, hash: hashed.hash };
        text += hashed.text;
        entries.push(entry);
      }
      try {
        await this.#sink.append(text);
        this.#end = end;
        if (this.#isFailing) this.#onRecovered(dropped);
        this.#isFailing = false;
        this.#onWritten(entries);
      } catch (error) {
        // The chain continues from the last written line.
        this.#dropped += dropped + batch.length;
        if (!this.#isFailing) this.#onError(error);
        this.#isFailing = true;
      }
    }
    this.#writing = undefined;
  }
}

export function lineOf({ seq, at, event, dropped }: AuditEntry): AuditLine {
  const { kind, accessorId, namespace, address, via, action } = event;
  return { seq, time: new Date(at).toISOString(), kind, accessorId, namespace, address, via, action, ...(dropped > 0 && { dropped }) };
}

/** The line of the file, with its end. @param previous hash of the line before */
function hashedText(entry: AuditEntry, previous: string): { text: string; hash: string } {
  const body = { ...lineOf(entry), previous };
  const hash = hashOf(JSON.stringify(body));
  return { text: `${JSON.stringify({ ...body, hash })}\n`, hash };
}

/** The event with its fields as long as they may be; the same object, unless one is longer. */
export function boundedEvent(event: AuditEvent): AuditEvent {
  const { accessorId, namespace, address, action } = event;
  if (accessorId.length <= fieldMax && namespace.length <= fieldMax && address.length <= fieldMax && action.length <= fieldMax) return event;
  return { ...event, accessorId: bounded(accessorId), namespace: bounded(namespace), address: bounded(address), action: bounded(action) };
}

function bounded(value: string): string {
  return value.length > fieldMax ? `${value.slice(0, fieldMax)}…` : value;
}

function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

export type AuditVerdict =
  | { readonly ok: true; readonly end: ChainEnd }
  /** `line`, from 1, is the first line that breaks the chain; `end` is the line before it. */
  | { readonly ok: false; readonly line: number; readonly problem: string; readonly end: ChainEnd };

/**
 * Checks a log line by line, in constant memory.
 * @param from the end of the part before, if the beginning of the log was moved to another file
 */
export async function verifyAudit(lines: AsyncIterable<string> | Iterable<string>, from = chainStart): Promise<AuditVerdict> {
  let end = from;
  let line = 0;
  for await (const text of lines) {
    line++;
    const problem = problemOf(text, end);
    if (typeof problem === 'string') return { ok: false, line, problem, end };
    end = problem;
  }
  return { ok: true, end };
}

function problemOf(text: string, before: ChainEnd): string | ChainEnd {
  const cut = /^(\{.*),"hash":"([0-9a-f]{64})"\}$/.exec(text);
  if (cut === null) return 'not a line of an audit log';
  const [, body = '', hash = ''] = cut;
  if (hashOf(`${body}}`) !== hash) return 'the line was changed';
  const { seq, previous } = JSON.parse(text) as { seq: unknown; previous: unknown };
  if (previous !== before.hash || seq !== before.seq + 1) return 'the line does not follow the one before';
  return { seq: before.seq + 1, hash };
}
