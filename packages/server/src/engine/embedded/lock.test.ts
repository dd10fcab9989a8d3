/** One process per data directory: a second one is refused, but only while the first one lives. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRegistryError } from '@rollcall/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { lockDirectory, socketName, type DirectoryLock } from './lock.ts';
import { scratchDirectories } from './scratch.case.ts';

const scratch = scratchDirectories();
const children: ChildProcess[] = [];
const locks: DirectoryLock[] = [];

afterEach(async () => {
  for (const lock of locks.splice(0)) await lock.release();
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});

async function take(dir: string, platform?: NodeJS.Platform): Promise<DirectoryLock> {
  const lock = await lockDirectory(dir, platform);
  locks.push(lock);
  return lock;
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (isRegistryError(error, 'failed_precondition')) return error.message;
    throw error;
  }
  throw new Error('the lock was given');
}

/** Another process that holds the same socket; resolves when it does. */
async function holder(path: string): Promise<ChildProcess> {
  const script = `
    const server = require('node:net').createServer((socket) => socket.end(String(process.pid)));
    server.listen({ path: ${JSON.stringify(path)} }, () => process.stdout.write('held'));`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

async function socketPath(dir: string, platform: NodeJS.Platform): Promise<string> {
  const { dev, ino } = await stat(dir, { bigint: true });
  return platform === 'linux' ? `\0rollcall-${dev}-${ino}` : join(dir, socketName);
}

// The socket file alone, as on systems without abstract sockets, works on Linux, too.
const kinds: [name: string, platform: NodeJS.Platform][] = [
  ['abstract socket', 'linux'],
  ['socket file', 'darwin'],
];

describe.skipIf(process.platform !== 'linux').each(kinds)('directory lock by %s', (_, platform) => {
  it('refuses a second holder in the same process, until it is released', async () => {
    const dir = await scratch();
    const first = await take(dir, platform);
    expect(await refusal(lockDirectory(dir, platform))).toContain(`in use by process ${process.pid}`);
    await first.release();
    await take(dir, platform);
  });

  it('names the process that holds it, and is free as soon as that is killed', async () => {
    const dir = await scratch();
    const child = await holder(await socketPath(dir, platform));
    expect(await refusal(lockDirectory(dir, platform))).toContain(`in use by process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await take(dir, platform);
  });

  it('gives the lock to exactly one of many', async () => {
    const dir = await scratch();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => take(dir, platform)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('recognises a directory under every path that leads to it', async () => {
    const dir = await scratch();
    await take(`${dir}/.`, platform);
    await refusal(lockDirectory(dir, platform));
  });

  it('does not confuse two directories', async () => {
    await take(await scratch(), platform);
    await take(await scratch(), platform);
  });

  it('leaves nothing behind when it is released', async () => {
    const dir = await scratch();
    await (await lockDirectory(dir, platform)).release();
    expect(await readdir(dir)).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('directory lock on Linux', () => {
  it('is seen from another network namespace, by its socket file', async () => {
    // The abstract name is free there, as it would be in another container.
    const dir = await scratch();
    const child = await holder(join(dir, socketName));
    expect(await refusal(lockDirectory(dir, 'linux'))).toContain(`in use by process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = await take(dir, 'linux');
    await lock.release();
    await take(dir, 'linux');
  });

  it('works in a directory whose path is longer than a socket address', async () => {
    const dir = join(await scratch(), 'd'.repeat(100), 'e'.repeat(100));
    await mkdir(dir, { recursive: true });
    const lock = await take(dir, 'linux');
    expect(await readdir(dir)).toEqual([socketName]);
    await refusal(lockDirectory(dir, 'linux'));
    await lock.release();
    expect(await readdir(dir)).toEqual([]);
  });
});
