/** All clients of a node come back at once, to the two others. */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pause } from '../../processes.mjs';
import { call } from '../../rollcall.mjs';
import { onEtcd } from '../harness.mjs';

const program = fileURLToPath(new URL('../load/streams.mjs', import.meta.url));
const service = 'web';
const instances = 20;

export const row = {
  what: '10,000 clients reconnect at once',
  target: 'all resynchronised ≤ 30 s, ≤ 1 % full reloads',
  async run({ quick }) {
    const count = quick ? 2_000 : 10_000;
    return onEtcd({}, async ({ nodes: [first, ...others] }) => {
      for (let number = 0; number < instances; number++) {
        await call(first.url, '/v1/agent/service/register', 'PUT', { ID: `${service}-${number}`, Name: service, Port: 1 });
      }
      const streams = fork(program, [JSON.stringify({ first: first.url, others: others.map(({ url }) => url), service, count })], { execArgv: ['--max-old-space-size=2048'] });
      const told = new Map();
      streams.on('message', (message) => told.set(message.kind, message));
      await until(() => told.has('watching'), 120_000, `${count} streams did not open`);
      await pause(1_000);
      const at = Date.now();
      await first.kill();
      await until(() => told.has('returned'), 120_000, `not all of ${count} streams came back`);
      const { whole, retries, last } = told.get('returned');
      streams.kill('SIGKILL');
      const seconds = (last - at) / 1_000;
      const share = whole / count;
      return {
        met: seconds <= 30 && share <= 0.01,
        measured: `${count.toLocaleString('en')} in ${seconds.toFixed(1)} s, ${(share * 100).toFixed(2)} % full reloads`,
        detail: `bare streams that watch a service of ${instances} instances, on one node that is killed; each comes back after a random time up to 1 s and names the revision that it knows; ${retries} attempts were repeated`,
      };
    });
  },
};

async function until(holds, withinMs, problem) {
  for (const deadline = Date.now() + withinMs; !holds(); await pause(50)) if (Date.now() > deadline) throw new Error(`${problem} in ${withinMs / 1_000} s`);
}
