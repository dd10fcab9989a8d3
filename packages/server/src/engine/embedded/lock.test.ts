/** One process per data directory: who is refused, and that nobody is refused for a dead process. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isRegistryError } from '@rollcall/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { lockDirectory, type DirectoryLock } from './lock.ts';
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

/** The names that `lockDirectory` uses, read off the kernel, so that the test does not repeat its code. */
async function socketPath(dir: string, platform: NodeJS.Platform): Promise<string> {
  const { stat } = await import('node:fs/promises');
  const { dev, ino } = await stat(dir, { bigint: true });
  return platform === 'linux' ? `\0rollcall-${dev}-${ino}` : `/tmp/rollcall-${dev}-${ino}.sock`;
}

// The socket file of systems without abstract sockets works on Linux, too, and is tested here.
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

  it('lets exactly one of many have it', async () => {
    const dir = await scratch();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => take(dir, platform)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('sees a directory through every path that leads to it', async () => {
    const dir = await scratch();
    await take(`${dir}/.`, platform);
    await refusal(lockDirectory(dir, platform));
  });

  it('does not confuse two directories', async () => {
    await take(await scratch(), platform);
    await take(await scratch(), platform);
  });
});
