/**
 * One process per data directory.
 *
 * The lock is a local socket whose name is made of the directory's device and inode. Binding a name
 * is atomic, and the kernel unbinds it when the process ends, however it ends: there is no stale
 * lock to clean up and no process id to mistake for another's. Whoever finds the name taken asks the
 * holder for its process id, for the message.
 *
 *   Linux     an abstract socket (unix(7)): seen by every process in the same network namespace
 *   Windows   a named pipe
 *   others    a socket file in /tmp; what a dead process left there is moved away first
 *
 * It does not see a process on another machine or in another network namespace that shares the
 * directory. Such a process is found at its first commit instead (see `driver.ts`).
 */

import { rename, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { RegistryError } from '@rollcall/protocol';

export interface DirectoryLock {
  release(): Promise<void>;
}

/** Two who start at once may each move a dead process's socket away; more rounds than that are odd. */
const attemptsMax = 5;

/** How long the holder has to say who it is. */
const answerMs = 1_000;

/**
 * @param dir an existing directory
 * @throws RegistryError `failed_precondition` when another process, or this one, holds it
 */
export async function lockDirectory(dir: string, platform: NodeJS.Platform = process.platform): Promise<DirectoryLock> {
  const { dev, ino } = await stat(dir, { bigint: true });
  const name = `rollcall-${dev}-${ino}`;
  const path =
    platform === 'linux' ? `\0${name}` : platform === 'win32' ? `\\\\.\\pipe\\${name}` : `/tmp/${name}.sock`;
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const server = await bind(path);
    if (server !== undefined) {
      return { release: () => new Promise((released) => server.close(() => released())) };
    }
    const holder = await askHolder(path);
    if (holder !== 'gone') {
      const who = holder === 'silent' ? 'another process' : `process ${holder}`;
      throw new RegistryError(
        'failed_precondition',
        `the directory is in use by ${who}; stop it first, or give another directory`,
      );
    }
    if (path.startsWith('/')) await moveAway(path);
  }
  throw new RegistryError('failed_precondition', `the directory could not be locked; try again`);
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

/** Takes a dead process's socket file out of the way, unless somebody alive has just replaced it. */
async function moveAway(path: string): Promise<void> {
  const aside = `${path}.${process.pid}`;
  try {
    await rename(path, aside);
    if ((await askHolder(aside)) === 'gone') await unlink(aside);
    else await rename(aside, path);
  } catch (error) {
    // Somebody else moved it away.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
