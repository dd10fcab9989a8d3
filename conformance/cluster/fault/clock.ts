/**
 * Wall clocks that jump, by libfaketime (Debian), which changes the time that a process reads. The monotonic clock stays right,
 * as when a real clock is set. etcd asks the kernel directly, so its clocks cannot jump in this way.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FaultKind } from '../deployment.ts';

const library = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`).find((path) => existsSync(path));

/** Why clocks cannot jump on this machine; undefined when they can. */
export const clockProblem = library === undefined ? 'libfaketime is not installed (Debian: apt-get install faketime)' : undefined;

export interface FakeClock {
  readonly name: string;
  /** Environment of the process whose clock it is. */
  readonly env: Readonly<Record<string, string>>;
  /** @param seconds ahead of the true time; negative: behind */
  set(seconds: number): void;
}

/** @param folder of the file from which the process reads its offset */
export function fakeClock(folder: string, name: string): FakeClock {
  const file = join(folder, `${name}.clock`);
  const set = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}s`);
  set(0);
  if (library === undefined) return { name, env: {}, set };
  const env = { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' };
  return { name, env, set };
}

const hour = 3_600;

/** @param clocks of which each fault moves one; none where libfaketime is missing */
export function clockFaults(clocks: readonly FakeClock[]): FaultKind[] {
  if (clockProblem !== undefined || clocks.length === 0) return [];
  return [
    {
      name: 'clock jumped',
      lastsMs: [1_000, 6_000],
      async begin(random) {
        const clock = random.pick(clocks);
        const seconds = random.pick([-24 * hour, -hour, hour, 24 * hour]) ?? hour;
        clock?.set(seconds);
        return { what: `clock of ${clock?.name ?? 'none'} jumped by ${seconds / hour} h`, end: async () => clock?.set(0) };
      },
    },
  ];
}
