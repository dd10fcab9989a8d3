/**
 * A full disk: writes are refused without loss, reads go on, and writes are accepted again once there is
 * room. The test mounts a small file system, and needs the right to do so.
 */

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRegistryError } from '@rollcall/protocol';
import { afterAll, describe, expect, it } from 'vitest';
import type { Engine } from '../engine.ts';
import { embedded } from './embedded.ts';

const mountPoint = await mkdtemp(join(tmpdir(), 'rollcall-full-'));
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mountPoint]);
const reason = mounted.status === 0 ? '' : ` (left out: cannot mount a small disk: ${String(mounted.stderr ?? mounted.error).trim()})`;

afterAll(async () => {
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

/** Commits ten records. @returns whether they were refused because the disk is full */
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

  it('still opens an existing store, and refuses to create a new one', async () => {
    const dir = join(mountPoint, 'full');
    let engine = await embedded({ dir });
    await tryCommit(engine, 1);
    await engine.close();
    const ballast = join(mountPoint, 'ballast');
    await writeFile(ballast, Buffer.alloc(8_388_608)).catch(() => {});

    await expect(embedded({ dir: join(mountPoint, 'new') })).rejects.toMatchObject({ code: 'resource_exhausted' });
    engine = await embedded({ dir });
    expect(await count(engine)).toBe(10);
    while (await tryCommit(engine, 2));
    expect(await count(engine)).toBeGreaterThanOrEqual(10);
    await rm(ballast);
    expect(await tryCommit(engine, 3)).toBe(true);
    await engine.close();
  });

  it('is distinguished from a read-only one', async () => {
    const dir = join(mountPoint, 'read-only');
    await (await embedded({ dir })).close();
    const remount = (how: string) => expect(spawnSync('mount', ['-o', `remount,${how}`, mountPoint]).status).toBe(0);
    remount('ro');
    try {
      await expect(embedded({ dir })).rejects.toMatchObject({
        ...{ code: 'failed_precondition', message: `cannot open the store in ${dir}: the file system is read-only; give a directory on another` },
      });
      await expect(embedded({ dir: join(mountPoint, 'other') })).rejects.toThrow('other cannot be created: the file system is read-only');
    } finally {
      remount('rw');
    }
  });

  it('aborts a compaction, which is repeated later', async () => {
    const dir = join(mountPoint, 'compacted');
    const warnings: string[] = [];
    const engine = await embedded({ dir, logBytes: 65_536, log: { warn: (message) => void warnings.push(message) } });
    const ballast = join(mountPoint, 'ballast');
    await writeFile(ballast, Buffer.alloc(8_388_608)).catch(() => {});
    while (await tryCommit(engine, 1));
    await rm(ballast);
    for (let round = 0; round < 40; round++) expect(await tryCommit(engine, round % 3)).toBe(true);
    expect(await count(engine)).toBe(30);
    await engine.close();
    const again = await embedded({ dir });
    expect(await count(again)).toBe(30);
    await again.close();
  });
});
