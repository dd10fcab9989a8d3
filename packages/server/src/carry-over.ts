/**
 * Converts a store that an older Rollcall wrote to today's formats before it is read. All records are converted and
 * written in one transaction, so that a crash leaves the old store or the new one. `registry/migration/` converts single
 * records.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Engine, EngineRecord, Transaction } from './engine/engine.ts';
import { inTurns } from './in-turns.ts';
import { fromFormat1, isFormat1, withDrains } from './registry/migration/format-1.ts';

/** Another process may convert the store at the same time; then no work is left. */
const attemptsMax = 3;

/**
 * @returns number of converted records; 0 when the store has today's formats
 * @throws RegistryError `data_loss` when a record cannot be read, `resource_exhausted` when the store is full; in both
 *   cases nothing was written
 */
export async function carryOver(engine: Engine): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const records = await oldRecords(engine);
    if (records.length === 0) return 0;
    const { ok } = await engine.commit(await inTurns(conversion(records)));
    if (ok) return records.length;
    if (attempt >= attemptsMax) throw new RegistryError('unavailable', 'the store changed while it was carried over to a new format; start again');
  }
}

/** All records of the store if it has format 1; the first record shows which format it is. */
async function oldRecords(engine: Engine): Promise<readonly EngineRecord[]> {
  const records: EngineRecord[] = [];
  const stop = new AbortController();
  for await (const event of engine.changes({ signal: stop.signal })) {
    if (event.kind !== 'records') break;
    const [first] = event.records;
    if (records.length === 0 && (first === undefined || !isFormat1(first))) break;
    for (const record of event.records) records.push(record);
  }
  stop.abort();
  return records;
}

/** A step is one record. */
function* conversion(records: readonly EngineRecord[]): Generator<void, Transaction, undefined> {
  const put: { key: string; value: Uint8Array }[] = [];
  const kept = new Set<string>();
  const drained = new Set<string>();
  for (const record of records) {
    const { key, value, drains } = fromFormat1(record, record.revision);
    put.push({ key, value });
    kept.add(key);
    if (drains !== undefined) drained.add(drains);
    yield;
  }
  if (drained.size > 0) yield* withDrains(put, drained);
  const expect = records.slice(0, 1).map(({ key, revision }) => ({ key, revision }));
  return { expect, put, delete: records.map(({ key }) => key).filter((key) => !kept.has(key)) };
}
