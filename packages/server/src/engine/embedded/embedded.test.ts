/** The embedded engine against the port's shared cases, with logs of the default length and with tiny ones. */

import { mkdtemp, readdir, rm } from 'node:fs/promises';
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
    const found = new Map<string, number>();
    for await (const event of engine.changes({ signal: new AbortController().signal })) {
      if (event.kind !== 'records') break;
      for (const record of event.records) found.set(record.key, record.value[0] as number);
    }
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
