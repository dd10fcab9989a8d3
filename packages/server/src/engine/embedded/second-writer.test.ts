/**
 * A second process that the directory's lock did not see (another network namespace): the store is
 * not damaged, and the one that comes second stops.
 */

import { join } from 'node:path';
import { isRegistryError } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import { openDriver } from './driver.ts';
import { embedded } from './embedded.ts';
import { addMark, encodeHead, encodeValue, formatVersion, headKey, markOf, storedKey } from './stored-record.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();

it('stops at its first commit after another process has written, and writes nothing', async () => {
  const dir = await scratch();
  const engine = await embedded({ dir });
  await engine.commit({ expect: [], put: [], delete: [] });

  const other = openDriver(join(dir, 'rollcall.mdb'));
  const key = storedKey('theirs');
  const mark = markOf(key, 2);
  const head = encodeHead({ format: formatVersion, revision: 2, records: 1, sum: addMark(0, mark) });
  const write = { key, value: encodeValue(Buffer.from('1'), mark), revision: 2 };
  expect(await other.write({ key: headKey, value: head, revision: 2 }, 1, [write])).toBe(true);
  await other.close();

  const mine = engine.commit({ expect: [], put: [{ key: 'mine', value: Buffer.from('2') }], delete: [] });
  const error: unknown = await mine.catch((reason: unknown) => reason);
  expect(isRegistryError(error, 'unavailable') && error.message).toContain('another process has written');
  await expect(engine.barrier()).rejects.toMatchObject({ code: 'unavailable' });
  await engine.close();

  const again = await embedded({ dir });
  const abort = new AbortController();
  const keys: string[] = [];
  for await (const event of again.changes({ signal: abort.signal })) {
    if (event.kind !== 'records') break;
    keys.push(...event.records.map((record) => record.key));
  }
  expect(keys).toEqual(['theirs']);
  await again.close();
});
