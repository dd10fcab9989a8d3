/** Calls of an engine and readers of its feed, as its cases use them. */

import { isRegistryError } from '@rollcall/protocol';
import { expect } from 'vitest';
import type { CommitResult, Engine, EngineEvent, EngineRecord, Transaction } from './engine.ts';

export interface Change {
  readonly expect?: Transaction['expect'];
  readonly put?: Readonly<Record<string, string>>;
  readonly delete?: readonly string[];
  readonly revisionAtLeast?: number;
  readonly base?: number;
}

export function tryCommit(engine: Engine, change: Change): Promise<CommitResult> {
  return engine.commit({
    expect: change.expect ?? [],
    put: Object.entries(change.put ?? {}).map(([key, value]) => ({ key, value: bytes(value) })),
    delete: change.delete ?? [],
    ...(change.revisionAtLeast === undefined ? {} : { revisionAtLeast: change.revisionAtLeast }),
    ...(change.base === undefined ? {} : { base: change.base }),
  });
}

/** Commits, expects that to succeed, and gives the revision. */
export async function commit(engine: Engine, change: Change): Promise<number> {
  const result = await tryCommit(engine, change);
  expect(result.ok).toBe(true);
  return result.revision;
}

export async function commitBytes(engine: Engine, key: string, value: Uint8Array): Promise<number> {
  return (await engine.commit({ expect: [], put: [{ key, value }], delete: [] })).revision;
}

/** Writes `key-0` to `key-<count - 1>`, at most a thousand in a transaction. */
export async function fill(engine: Engine, count: number, value = 'filled'): Promise<void> {
  const most = Math.min(1_000, engine.limits.operations);
  for (let from = 0; from < count; from += most) {
    const keys = Array.from({ length: Math.min(most, count - from) }, (_, index) => `key-${from + index}`);
    await engine.commit({ expect: [], put: keys.map((key) => ({ key, value: bytes(value) })), delete: [] });
  }
}

export async function refused(call: Promise<unknown>, code: 'invalid_argument' | 'unavailable'): Promise<void> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(isRegistryError(error, code), `${code}, not ${String(error)}`).toBe(true);
}

/** A reader of `changes` that tests drive event by event. */
export function read(engine: Engine, after?: number) {
  const abort = new AbortController();
  const events = engine.changes({ signal: abort.signal, ...(after === undefined ? {} : { after }) })[Symbol.asyncIterator]();
  const reader = {
    async next(): Promise<EngineEvent> {
      const { value, done } = await events.next();
      if (done === true) throw new Error('changes ended');
      return value;
    },
    async nextRecords(): Promise<readonly EngineRecord[]> {
      const event = await reader.next();
      if (event.kind !== 'records') throw new Error(`expected records, got ${event.kind}`);
      return event.records;
    },
    async until(kind: EngineEvent['kind']): Promise<void> {
      while ((await reader.next()).kind !== kind);
    },
    async transactions(count: number) {
      const seen: Extract<EngineEvent, { kind: 'transaction' }>[] = [];
      while (seen.length < count) {
        const event = await reader.next();
        if (event.kind === 'transaction') seen.push(event);
      }
      return seen;
    },
    /** Reads on until it ends by itself. */
    async ended(): Promise<void> {
      while ((await events.next()).done !== true);
    },
    async end(): Promise<void> {
      abort.abort();
      await reader.ended();
    },
  };
  return reader;
}

export async function initial(engine: Engine) {
  const reader = read(engine);
  const records: { key: string; value: string; revision: number }[] = [];
  const resets: boolean[] = [];
  for (;;) {
    const event = await reader.next();
    if (event.kind === 'caught-up') {
      await reader.end();
      return { records, resets, revision: event.revision };
    }
    if (event.kind !== 'records') throw new Error(`expected records, got ${event.kind}`);
    resets.push(event.reset);
    for (const { key, value, revision } of event.records) records.push({ key, value: text(value), revision });
  }
}

export async function all(engine: Engine): Promise<EngineRecord[]> {
  const reader = read(engine);
  const records: EngineRecord[] = [];
  for (;;) {
    const event = await reader.next();
    if (event.kind !== 'records') break;
    records.push(...event.records);
  }
  await reader.end();
  return records;
}

export async function content(engine: Engine): Promise<Record<string, [value: string, revision: number]>> {
  const { records } = await initial(engine);
  return Object.fromEntries(records.map(({ key, value, revision }) => [key, [value, revision]]));
}

export function sorted(state: Awaited<ReturnType<typeof initial>>) {
  return { revision: state.revision, records: state.records.toSorted((a, b) => (a.key < b.key ? -1 : 1)) };
}

export function bytes(value: string): Buffer {
  return Buffer.from(value, 'utf8');
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString('utf8');
}
