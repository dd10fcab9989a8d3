/**
 * Candidates of an election for `run.mjs`. `many`: some clients of one process that hand the leadership on; answers each line of standard input. `one`: one
 * client, which says when it leads.
 *
 *   node bench/election/candidate.mjs URL many COUNT
 *   node bench/election/candidate.mjs URL one bound|ttl
 */

import { createInterface } from 'node:readline';
import { connect } from '@rollcall/client';

const [url, mode, given] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
/** The monotonic clock of the machine, which all of its processes share, in milliseconds. */
const clock = () => Number(process.hrtime.bigint()) / 1e6;

if (mode === 'one') {
  const client = await connect({ servers: [url] });
  const lead = await client.election('bench', { bound: given === 'bound', ttl: 2_000, renewEvery: 500 }).campaign();
  say({ leadsAt: clock(), token: String(lead.token) });
} else {
  const clients = await Promise.all(Array.from({ length: Number(given) }, () => connect({ servers: [url] })));
  const lead = [];
  let acted = () => {};
  // Each client campaigns again as soon as it has resigned: the queue has always all others.
  const campaign = async (client) => {
    for (;;) {
      const held = await client.election('bench').campaign();
      lead.push(held);
      acted(performance.now());
      await new Promise((resolve) => held.signal.addEventListener('abort', resolve, { once: true }));
    }
  };
  for (const client of clients) void campaign(client);
  while (lead.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await clients[0].kv.put('bench', 'x');
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const { task, count } = JSON.parse(line);
    const times = [];
    for (let round = 0; round < count; round++) {
      const from = performance.now();
      if (task === 'resign') {
        const next = new Promise((resolve) => (acted = resolve));
        void lead.at(-1).resign();
        times.push((await next) - from);
      } else {
        // What a hand-over cannot be faster than: one durable write, and the round trip of a confirmation.
        await clients[0].kv.put('bench', String(round));
        await clients[1].kv.get('bench');
        times.push(performance.now() - from);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    say({ times });
  }
}
