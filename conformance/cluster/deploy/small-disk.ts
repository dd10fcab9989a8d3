/**
 * One node whose log is on a small file system in memory, which is sometimes filled up. The file system is mounted in a mount
 * namespace of the node alone, so that this machine's mounts stay as they are. It needs root, or a kernel that lets users make namespaces of
 * their own. Without a mount there is no way: a limit on the size of files (RLIMIT_FSIZE) would also forbid the engine to cut its log back to
 * its length after a write that failed.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../deployment.ts';
import { nodeProcess, serving } from '../node-process.ts';

const sizeBytes = 8_388_608;

const namespaces = process.getuid?.() === 0 ? ['-m'] : ['-r', '-m'];

/** Why no file system can be mounted here; undefined when one can. */
export function mountProblem(): string | undefined {
  const { status } = spawnSync('unshare', [...namespaces, 'true']);
  return status === 0 ? undefined : 'no mount namespace of its own can be made (unshare -m needs root, and unshare -r -m is not allowed here)';
}

export async function smallDisk(folder: string): Promise<Deployment> {
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  const wrapper = ['unshare', ...namespaces, 'sh', '-c', `mount -t tmpfs -o size=${sizeBytes} tmpfs "$0" && exec "$@"`, data];
  const node = await nodeProcess({ name: 'n1', wrapper, command: serving('n1', ['--data-dir', join(data, 'store')]), logFile: join(folder, 'n1.log') });
  try {
    await node.start();
  } catch (error) {
    await node.close();
    throw error;
  }
  /** The file system as the node sees it. */
  const file = (): string => `/proc/${node.pid}/root${join(data, 'filling')}`;
  return {
    name: 'small-disk',
    nodes: [node],
    faults: [
      {
        name: 'disk full',
        lastsMs: [500, 3_000],
        async begin() {
          try {
            writeFileSync(file(), Buffer.alloc(sizeBytes));
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          }
          return { what: 'disk of n1 full', end: async () => rmSync(file()) };
        },
      },
    ],
    problems: () => node.problems,
    close: () => node.close(),
  };
}
