/** Records that a reader of the whole store keeps, while the files are read further. */

import { expect, it } from 'vitest';
import type { EngineRecord } from '../engine.ts';
import { embedded } from './embedded.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();

/** More than is read from a file at once. */
const records = 3_000;
const valueOf = (n: number) => Buffer.alloc(1_000, `${n} `);

it('keep their values', async () => {
  const dir = await scratch();
  const before = await embedded({ dir });
  for (let at = 0; at < records; at += 100) {
    const put = Array.from({ length: 100 }, (_, n) => ({ key: `k${at + n}`, value: valueOf(at + n) }));
    await before.commit({ expect: [], put, delete: [] });
  }
  await before.close();
  const engine = await embedded({ dir });
  const kept: EngineRecord[] = [];
  const stop = new AbortController();
  for await (const event of engine.changes({ signal: stop.signal })) {
    if (event.kind === 'records') kept.push(...event.records);
    if (event.kind === 'caught-up') break;
  }
  await engine.close();
  expect(kept).toHaveLength(records);
  expect(kept.filter(({ key, value }) => !valueOf(Number(key.slice(1))).equals(value))).toEqual([]);
});
