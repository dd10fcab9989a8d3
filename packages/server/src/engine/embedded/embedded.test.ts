/** The embedded engine against the port's shared cases, with logs of the default length and with tiny ones. */

import { cp, mkdtemp, open as openFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { engineCases, type EngineUnderTest } from '../engine.case.ts';
import { largeTransactionCases } from '../large-transactions.case.ts';
import { sharedEngineCases } from '../shared.case.ts';
import { markerName } from './directory.ts';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';

async function open(options: { logBytes?: number }): Promise<EngineUnderTest> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-engine-'));
  let engine: Engine = await embedded({ dir, ...options });
  return {
    engine,
    async reopen() {
      await engine.close();
      engine = await embedded({ dir, ...options });
      return engine;
    },
    discard: () => rm(dir, { recursive: true, force: true }),
  };
}

engineCases('embedded', () => open({}));

// A new file every few transactions, and a compaction every few files.
engineCases('embedded, with tiny logs', () => open({ logBytes: 8_192 }));

largeTransactionCases('embedded', () => open({}));

sharedEngineCases('embedded', () => open({}));

largeTransactionCases('embedded, with tiny logs', () => open({ logBytes: 8_192 }));

/** All records, with the first byte of their values. */
async function recordsOf(engine: Engine): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for await (const event of engine.changes({ signal: new AbortController().signal })) {
    if (event.kind !== 'records') break;
    for (const record of event.records) found.set(record.key, record.value[0] as number);
  }
  return found;
}

describe('the first read after a start, which takes the keys that the start has decoded', () => {
  const scratch = scratchDirectories();
  const put = (...keys: string[]) => keys.map((key) => ({ key, value: Buffer.alloc(200, key.charCodeAt(key.length - 1)) }));
  const expected = (...keys: string[]) => new Map(put(...keys).map(({ key, value }) => [key, value[0]]));

  async function filled(dir: string): Promise<void> {
    const engine = await embedded({ dir, logBytes: 8_192 });
    await engine.commit({ expect: [], put: put('a1', 'b2', 'c3'), delete: [] });
    await engine.commit({ expect: [], put: put('b2', 'd4'), delete: ['a1'] });
    await engine.close();
  }

  it('finds what was written before and after the start, also when an earlier reader has stopped in the middle', async () => {
    const dir = await scratch();
    await filled(dir);
    const engine = await embedded({ dir, logBytes: 8_192 });
    const stopped = engine.changes({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    await stopped.next();
    await stopped.return?.();
    await engine.commit({ expect: [], put: put('e5', 'c3'), delete: ['b2'] });
    for (let read = 0; read < 2; read++) expect(await recordsOf(engine)).toEqual(expected('c3', 'd4', 'e5'));
    await engine.close();
  });

  it('finds them after a compaction that came before it', async () => {
    const dir = await scratch();
    await filled(dir);
    const engine = await embedded({ dir, logBytes: 8_192 });
    while (!(await readdir(dir)).some((name) => name.endsWith('.base'))) await engine.commit({ expect: [], put: put('f6', 'g7'), delete: [] });
    expect(await recordsOf(engine)).toEqual(expected('b2', 'c3', 'd4', 'f6', 'g7'));
    await engine.close();
  });

  it('is not misled by parts of a transaction that a crash has cut off', async () => {
    const [dir, crashed] = [await scratch(), await scratch()];
    const engine = await embedded({ dir });
    await engine.commit({ expect: [], put: put('a1'), delete: [] });
    const large = ['x', 'y', 'z'].map((key) => ({ key, value: Buffer.alloc(900_000, 1) }));
    await engine.commit({ expect: [], put: large, delete: [] });
    await cp(dir, crashed, { recursive: true, filter: (name) => !name.endsWith('.sock') });
    await engine.close();
    // The third frame, which ends the transaction, was not written.
    const file = await openFile(join(crashed, 'rollcall-00000001.log'), 'r+');
    await file.write(Buffer.alloc(1_000_000), 0, 1_000_000, 1_900_000);
    await file.close();
    const again = await embedded({ dir: crashed });
    await again.commit({ expect: [], put: put('b2', 'c3'), delete: [] });
    expect(await recordsOf(again)).toEqual(expected('a1', 'b2', 'c3'));
    await again.close();
  });
});

describe('compaction', () => {
  const scratch = scratchDirectories();
  const logBytes = 65_536;

  async function filesOf(dir: string): Promise<string[]> {
    return (await readdir(dir)).filter((name) => name !== 'rollcall.sock' && name !== markerName).toSorted();
  }

  /** Rewrites the same hundred records, so that nearly all logged records are outdated. */
  async function churn(engine: Engine, rounds: number): Promise<number> {
    let revision = 0;
    for (let round = 0; round < rounds; round++) {
      const put = Array.from({ length: 100 }, (_, index) => ({ key: `k${index}`, value: Buffer.alloc(200, round) }));
      revision = (await engine.commit({ expect: [], put, delete: [] })).revision;
    }
    return revision;
  }

  it('keeps the size of the files in proportion to the records, and loses none', async () => {
    const dir = await scratch();
    let engine = await embedded({ dir, logBytes });
    const revision = await churn(engine, 100);
    await engine.close();
    // 100 rounds are 2.4 MB of log; the current records are 24 KB.
    const files = await filesOf(dir);
    expect(files.length).toBeLessThan(10);
    expect(files.some((name) => name.endsWith('.base'))).toBe(true);

    engine = await embedded({ dir, logBytes });
    expect(await engine.barrier()).toBe(revision);
    const found = await recordsOf(engine);
    expect(found.size).toBe(100);
    expect(new Set(found.values())).toEqual(new Set([99]));
    await engine.close();
  });

  it('keeps its old files readable for a reader that has them open', async () => {
    const engine = await embedded({ dir: await scratch(), logBytes });
    await churn(engine, 30);
    const reading = engine.changes({ signal: new AbortController().signal })[Symbol.asyncIterator]();
    const first = await reading.next();
    await churn(engine, 60);
    const values = new Set<number>();
    for (let event = first; event.value?.kind === 'records'; event = await reading.next()) {
      for (const record of event.value.records) values.add(record.value[0] as number);
    }
    expect(values).toEqual(new Set([29]));
    await reading.return?.();
    await engine.close();
  });

  it('is aborted when the engine closes, and done again later', async () => {
    const dir = await scratch();
    for (let life = 0; life < 6; life++) {
      const engine = await embedded({ dir, logBytes });
      await churn(engine, 12);
      await engine.close();
      expect((await filesOf(dir)).filter((name) => name.endsWith('.new'))).toEqual([]);
    }
    expect((await filesOf(dir)).length).toBeLessThan(10);
  });
});
