/** How soon a node serves after it has joined a store with many instances. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median, withSpread } from '../../statistics.mjs';
import { pause } from '../../processes.mjs';
import { onEtcd } from '../harness.mjs';

const fillProgram = fileURLToPath(new URL('../load/fill-etcd.mjs', import.meta.url));
const limitMs = 5_000;

export const row = {
  what: '100,000 instances, a fresh node joins',
  target: `ready ≤ ${limitMs / 1_000} s`,
  async run({ quick }) {
    const instances = quick ? 20_000 : 100_000;
    return onEtcd({ nodes: 1 }, async ({ nodes: [node], etcd }) => {
      await node.stop();
      await promisify(execFile)(process.execPath, [fillProgram, etcd.urls[0], String(instances)]);
      const times = [];
      for (let round = 0; round < 3; round++) {
        const began = performance.now();
        await node.start();
        while (!(await fetch(`${node.url}/readyz`)).ok) await pause(5);
        times.push((performance.now() - began) / 1_000);
        await node.stop();
      }
      return {
        met: median(times) * 1_000 <= limitMs,
        measured: `${withSpread(times, 2)} s with ${instances.toLocaleString('en')} instances`,
        detail: `an instance and a check each, from the start of the process to its being ready, three times, one of three members on the same two cores`,
      };
    });
  },
};
