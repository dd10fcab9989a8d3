/**
 * One process per data directory.
 *
 * The lock is a local socket. The kernel unbinds it when the process ends, also by a kill, so there is
 * no process id to mistake for another's. A process that finds it taken asks the holder for its id, for the
 * message.
 *
 *   Linux     an abstract socket (unix(7)) named after the directory's device and inode: binding it
 *             is atomic. It is seen within one network namespace only, so a socket file is added
 *   others    a socket file in the directory, seen by all processes that share it, containers too; one that a
 *             dead process left is moved away first
 *   Windows   a named pipe, named like the abstract socket
 *
 * The lock does not see processes on other machines that share the directory over a network.
 */

import { closeSync, openSync } from 'node:fs';
import { rename, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { RegistryError } from '@rollcall/protocol';

export interface DirectoryLock {
  /** Idempotent. */
  release(): Promise<void>;
}

export const socketName = 'rollcall.sock';

/** Two processes that start at once may each move a dead process's socket away; more rounds do not happen normally. */
const attemptsMax = 5;

/** Time for the holder to answer with its process id. */
const answerMs = 1_000;

/** Longest path of a socket file that every system takes (sun_path of macOS is 104 bytes). */
const socketPathMax = 100;

/**
 * @param dir an existing directory
 * @throws RegistryError `failed_precondition` when another process, or this one, holds it
 */
export async function lockDirectory(dir: string, platform: NodeJS.Platform = process.platform): Promise<DirectoryLock> {
  const { dev, ino } = await stat(dir, { bigint: true });
  const name = `rollcall-${dev}-${ino}`;
  if (platform === 'win32') return lockName(`\\\\.\\pipe\\${name}`);
  if (platform !== 'linux') return lockFile(dir);
  const abstract = await lockName(`\0${name}`);
  try {
    const file = await lockFile(dir);
    return held(() => file.release().then(() => abstract.release()));
  } catch (error) {
    await abstract.release();
    throw error;
  }
}

/** Takes a name that the kernel frees. */
async function lockName(path: string): Promise<DirectoryLock> {
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const server = await bind(path);
    if (server !== undefined) return held(() => close(server));
    const holder = await askHolder(path);
    if (holder !== 'gone') throw inUse(holder);
  }
  throw beingLocked();
}

/** Takes a name that a dead process leaves behind. */
async function lockFile(dir: string): Promise<DirectoryLock> {
  const { path, done } = reach(dir);
  try {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const server = await bind(path);
      // Closing the server removes the file, so its path must stay valid until then.
      if (server !== undefined) return held(() => close(server).finally(done));
      const holder = await askHolder(path);
      if (holder !== 'gone') throw inUse(holder);
      await moveAway(path);
    }
    throw beingLocked();
  } catch (error) {
    done();
    throw error;
  }
}

/** The path of the socket file, by way of a descriptor where it is too long for a socket's address. */
function reach(dir: string): { path: string; done: () => void } {
  const path = join(dir, socketName);
  if (Buffer.byteLength(path) <= socketPathMax) return { path, done: () => {} };
  if (process.platform !== 'linux') {
    const message = `its path has ${Buffer.byteLength(dir)} bytes, with the lock's socket at most ${socketPathMax} are possible`;
    throw new RegistryError('failed_precondition', message);
  }
  const fd = openSync(dir, 'r');
  return { path: `/proc/self/fd/${fd}/${socketName}`, done: () => closeSync(fd) };
}

/** Undefined when the name is taken. */
function bind(path: string): Promise<Server | undefined> {
  return new Promise((bound, failed) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(String(process.pid), () => socket.destroy());
    });
    server.maxConnections = 16;
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') bound(undefined);
      else failed(error);
    });
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      bound(server);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((closed) => server.close(() => closed()));
}

function askHolder(path: string): Promise<number | 'silent' | 'gone'> {
  return new Promise((answered) => {
    const socket = connect({ path });
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(answerMs, () => {
      answered('silent');
      socket.destroy();
    });
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => answered(/^\d+$/.test(text) ? Number(text) : 'silent'));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      answered(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? 'gone' : 'silent');
    });
  });
}

/** Moves a dead process's socket file away, unless a live process has just replaced it. */
async function moveAway(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
    if ((await askHolder(aside)) === 'gone') await unlink(aside);
    else await rename(aside, path);
  } catch (error) {
    // Another process moved it away.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function held(letGo: () => Promise<void>): DirectoryLock {
  let released: Promise<void> | undefined;
  return { release: () => (released ??= letGo()) };
}

function inUse(holder: number | 'silent'): RegistryError {
  const who = holder === 'silent' ? 'another process' : `process ${holder}`;
  return new RegistryError('failed_precondition', `it is in use by ${who}; stop that first, or give another directory`);
}

function beingLocked(): RegistryError {
  return new RegistryError('failed_precondition', 'another process is about to use it; try again');
}
