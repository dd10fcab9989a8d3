/** Clients are restarted while every node is down: they continue with their disk cache. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '@rollcall/client';
import { pause } from '../../processes.mjs';
import { onEtcd } from '../harness.mjs';

const program = fileURLToPath(new URL('../load/caller.mjs', import.meta.url));
const service = 'orders';

export const row = {
  what: 'all nodes down for 5 min, clients restarted meanwhile',
  target: '100 % of calls answered from the disk cache',
  async run({ quick }) {
    const downMs = quick ? 20_000 : 300_000;
    const callers = 4;
    return onEtcd({}, async ({ nodes }, folder) => {
      const backends = await Promise.all(Array.from({ length: 3 }, startBackend));
      const servers = nodes.map(({ url }) => url);
      const rollcall = await connect({ servers, node: 'bench', onEvent: () => {} });
      for (const { port } of backends) await rollcall.register({ service, address: '127.0.0.1', port });
      const start = (number) => fork(program, [JSON.stringify({ servers, service, cacheDir: join(folder, `cache-${number}`) })]);
      let clients = Array.from({ length: callers }, (_, number) => start(number));
      await pause(4_000);
      const before = await counted(clients);
      await Promise.all(nodes.map((node) => node.kill()));
      const began = performance.now();
      const totals = { good: 0, bad: 0 };
      let restarts = 0;
      for (let round = 0; round < 4; round++) {
        await pause(downMs / 4);
        add(totals, await counted(clients));
        for (const client of clients) {
          client.kill('SIGKILL');
          await once(client, 'exit');
          restarts++;
        }
        clients = Array.from({ length: callers }, (_, number) => start(number));
      }
      await pause(3_000);
      add(totals, await counted(clients));
      const seconds = ((performance.now() - began) / 1_000).toFixed(0);
      for (const client of clients) client.kill('SIGKILL');
      for (const { server } of backends) server.close();
      await Promise.race([rollcall.close(), pause(6_000)]);
      const all = totals.good + totals.bad;
      return {
        met: totals.bad === 0 && totals.good > 0,
        measured: `${((totals.good / all) * 100).toFixed(3)} % of ${all} calls in ${seconds} s`,
        detail: `${callers} clients, each killed and started again ${restarts / callers} times while no node ran; ${before.bad} of ${before.good + before.bad} calls failed before${totals.error === undefined ? '' : `; a failure was: ${totals.error}`}`,
      };
    });
  },
};

async function startBackend() {
  const server = createServer((_, response) => response.end('ok'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port };
}

async function counted(clients) {
  const totals = { good: 0, bad: 0 };
  for (const client of clients) {
    client.send('count');
    add(totals, (await once(client, 'message'))[0]);
  }
  return totals;
}

function add(totals, { good, bad, error }) {
  totals.good += good;
  totals.bad += bad;
  if (error !== undefined) totals.error = error;
}
