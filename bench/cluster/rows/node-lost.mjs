/** A node dies or freezes: its clients find another one, and no view of the others loses an instance. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pause } from '../../processes.mjs';
import { percentile } from '../../statistics.mjs';
import { onEtcd } from '../harness.mjs';

const program = fileURLToPath(new URL('../load/clients.mjs', import.meta.url));
const service = 'web';
const limitMs = 2_000;

export const row = {
  what: 'a Rollcall node killed, or frozen for 30 s',
  target: `0 healthy instances lost, clients re-homed ≤ ${limitMs / 1_000} s`,
  async run({ quick }) {
    const count = quick ? 60 : 300;
    return onEtcd({}, async ({ nodes }) => {
      const events = [];
      const servers = nodes.map(({ url }) => url);
      const clients = fork(program, [JSON.stringify({ servers, service, count, graceMs: 10_000 })]);
      const ready = new Promise((resolve) => {
        clients.on('message', (event) => (event.kind === 'ready' ? resolve() : events.push(event)));
      });
      await ready;
      await pause(2_000);
      const killed = await losing(nodes, 0, events, count, (node) => node.kill(), (node) => node.start(), 5_000);
      await pause(12_000);
      const frozen = await losing(nodes, 1, events, count, (node) => node.freeze(), (node) => node.thaw(), quick ? 12_000 : 30_000);
      clients.kill('SIGKILL');
      await once(clients, 'exit');
      const worst = Math.max(killed.worstMs, frozen.worstMs);
      const lost = killed.lost + frozen.lost;
      return {
        met: lost === 0 && worst <= limitMs && killed.homed && frozen.homed,
        measured: `${lost} lost; re-homed after a kill p99 ${killed.p99Ms} ms, worst ${killed.worstMs} ms; after a freeze p99 ${frozen.p99Ms} ms, worst ${frozen.worstMs} ms`,
        detail: `${count} clients with an instance each over three nodes; ${killed.clients} lost their node when it was killed, ${frozen.clients} when it froze${quick ? ' (12 s)' : ''}. The time is from the fault to the client's connection to another node; the views of the other nodes were asked every 50 ms`,
      };
    });
  },
};

async function losing(nodes, index, events, count, begin, end, forMs) {
  const victim = nodes[index];
  const homes = new Map();
  for (const { number, kind, server } of events) if (kind === 'connected') homes.set(number, server);
  const affected = new Set([...homes].filter(([, server]) => server === victim.url).map(([number]) => number));
  let lost = 0;
  const watching = new AbortController();
  const watch = async ({ url }) => {
    while (!watching.signal.aborted) {
      const answer = await fetch(`${url}/v1/health/service/${service}?passing`);
      lost = Math.max(lost, count - (await answer.json()).length);
      await pause(50);
    }
  };
  const watchers = nodes.filter((node) => node !== victim).map(watch);
  const before = events.length;
  const at = Date.now();
  await begin(victim);
  await pause(forMs);
  const times = new Map();
  for (const event of events.slice(before)) {
    if (event.kind === 'connected' && affected.has(event.number) && event.server !== victim.url && !times.has(event.number)) times.set(event.number, event.at - at);
  }
  await end(victim);
  await pause(3_000);
  watching.abort();
  await Promise.all(watchers);
  const all = [...times.values()];
  return { clients: affected.size, homed: all.length === affected.size, lost, worstMs: Math.max(0, ...all), p99Ms: percentile(all, 0.99) ?? 0 };
}
