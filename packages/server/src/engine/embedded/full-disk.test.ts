/**
 * A full disk: writes are refused cleanly, reads go on, and writes are taken again once there is
 * room. Needs a small file system of its own, and so the right to mount one.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRegistryError } from '@rollcall/protocol';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../engine.ts';
import { embedded } from './embedded.ts';

const mountPoint = await mkdtemp(join(tmpdir(), 'rollcall-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mountPoint]);
const reason = mounted.status === 0 ? '' : ` (left out: cannot mount a small disk: ${String(mounted.stderr ?? mounted.error).trim()})`;

// lmdb-js prints what it also throws.
beforeAll(() => void vi.spyOn(console, 'error').mockImplementation(() => {}));

afterAll(async () => {
  vi.restoreAllMocks();
  if (mounted.status === 0) spawnSync('umount', ['-l', mountPoint]);
  await rm(mountPoint, { recursive: true, force: true });
});

async function count(engine: Engine): Promise<number> {
  const abort = new AbortController();
  let records = 0;
  for await (const event of engine.changes({ signal: abort.signal })) {
    if (event.kind !== 'records') break;
    records += event.records.length;
  }
  return records;
}

/** Commits ten records; tells whether they were refused for want of room. */
async function tryCommit(engine: Engine, number: number): Promise<boolean> {
  const put = Array.from({ length: 10 }, (_, index) => ({ key: `k${number}-${index}`, value: Buffer.alloc(1_000, number) }));
  try {
    await engine.commit({ expect: [], put, delete: [] });
    return true;
  } catch (error) {
    if (isRegistryError(error, 'resource_exhausted')) return false;
    throw error;
  }
}

describe.skipIf(mounted.status !== 0)(`a full disk${reason}`, () => {
  it('refuses writes, keeps every acknowledged one, reads on, and recovers', async () => {
    const dir = join(mountPoint, 'data');
    const warnings: string[] = [];
    let engine = await embedded({ dir, log: { warn: (message) => void warnings.push(message) } });
    const ballast = join(mountPoint, 'ballast');
    await writeFile(ballast, Buffer.alloc(1_048_576));

    let acknowledged = 0;
    while (await tryCommit(engine, acknowledged)) acknowledged++;
    expect(acknowledged).toBeGreaterThan(20);
    for (let attempt = 0; attempt < 5; attempt++) expect(await tryCommit(engine, 999)).toBe(false);
    expect(await count(engine)).toBe(acknowledged * 10);
    const revision = await engine.barrier();
    expect(revision).toBe(acknowledged);
    expect(warnings).toHaveLength(1);

    await rm(ballast);
    expect(await tryCommit(engine, acknowledged)).toBe(true);
    acknowledged++;
    expect(warnings).toHaveLength(2);
    await engine.close();

    engine = await embedded({ dir });
    expect(await count(engine)).toBe(acknowledged * 10);
    expect(await engine.barrier()).toBe(revision + 1);
    await engine.close();
  });

  it('opens a store that is there, and refuses to make a new one', async () => {
    const dir = join(mountPoint, 'full');
    let engine = await embedded({ dir });
    await tryCommit(engine, 1);
    await engine.close();
    // The lock file goes, too: LMDB makes its own, and must not die of that.
    await rm(join(dir, 'rollcall.mdb-lock'));
    const ballast = join(mountPoint, 'ballast');
    await writeFile(ballast, Buffer.alloc(8_388_608)).catch(() => {});

    await expect(embedded({ dir: join(mountPoint, 'new') })).rejects.toMatchObject({ code: 'resource_exhausted' });
    await expect(embedded({ dir })).rejects.toMatchObject({ code: 'resource_exhausted' });
    await rm(ballast);
    engine = await embedded({ dir });
    await writeFile(ballast, Buffer.alloc(8_388_608)).catch(() => {});
    await engine.close();
    engine = await embedded({ dir });
    expect(await count(engine)).toBe(10);
    expect(await tryCommit(engine, 2)).toBe(false);
    await rm(ballast);
    expect(await tryCommit(engine, 2)).toBe(true);
    await engine.close();
  });
});
