/**
 * Listens on a Unix socket and sets its owner and mode. It replaces the socket file of a server that was killed, and never touches any
 * other file. Workers of `node:cluster` share a socket, which the primary process makes for them: that one calls `prepareSharedSocket` first.
 */

import cluster from 'node:cluster';
import { chmod, chown, lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { CannotListen } from './cannot-listen.ts';

export interface UnixSocket {
  /** Absolute. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** The owner; undefined: the user that runs the server. */
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
}

/** @throws CannotListen */
export async function listenOnSocket(server: Server, { path, mode, uid = -1, gid = -1 }: UnixSocket): Promise<void> {
  try {
    if (!cluster.isWorker) await removeStale(path);
    await bind(server, path);
    if (uid !== -1 || gid !== -1) await chown(path, uid, gid);
    await chmod(path, mode);
  } catch (cause) {
    server.close();
    throw unusable(path, cause);
  }
}

/**
 * Makes ready for workers that will share a socket: removes the file of a server that was killed. From now on this process creates no
 * file that others may use, so that the socket is private until it has its mode.
 * @throws CannotListen when another program listens there, or another file is there
 */
export async function prepareSharedSocket(path: string): Promise<void> {
  process.umask(0o077);
  await removeStale(path).catch((cause: unknown) => {
    throw unusable(path, cause);
  });
}

function unusable(path: string, cause: unknown): CannotListen {
  if (cause instanceof CannotListen) return cause;
  return new CannotListen(`cannot listen on ${path}: ${(cause as Error).message}`, { cause });
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The file is created in this turn, and must not be open to others before it has its mode. Threads share the
    // process's mask and may not change it.
    const mask = isMainThread && !cluster.isWorker ? process.umask(0o177) : undefined;
    server.listen({ path, backlog: 4_096 }, resolve);
    if (mask !== undefined) process.umask(mask);
  });
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (!found.isSocket()) throw new CannotListen(`cannot listen on ${path}: it is there and no socket`);
  if (await answers(path)) {
    throw new CannotListen(`cannot listen on ${path}: another program listens there; stop it or choose another path`);
  }
  await unlink(path);
}

/** Whether a process listens on a socket; only a refusal proves that none does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
