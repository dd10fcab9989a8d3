/** A process that picks among the instances of `web`, and records when each is picked no more. */

import { connect, roundRobin } from '@rollcall/client';
import { serveQuestions } from './raw-sockets.mjs';

const [server] = process.argv.slice(2);
const rollcall = await connect({ servers: [server] });
const web = rollcall.service('web', { balancer: roundRobin() });
let offered = new Set();
const goneAt = new Map();
const waiting = [];

serveQuestions({
  async offers({ id }) {
    while (!offered.has(id)) await change();
  },
  async gone({ id }) {
    while (!goneAt.has(id)) await change();
    return { at: String(goneAt.get(id)) };
  },
});

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);

for await (const { instances } of web.watch()) {
  const passing = instances.filter(({ status }) => status === 'passing').length;
  // Two rounds of picks: they reach every instance of the list.
  const picked = new Set();
  for (let n = 0; n < 2 * passing; n++) {
    const pick = web.pick();
    pick.done();
    picked.add(pick.instance.id);
  }
  const now = process.hrtime.bigint();
  for (const id of offered) if (!picked.has(id)) goneAt.set(id, now);
  offered = picked;
  for (const resume of waiting.splice(0)) resume();
}

function change() {
  return new Promise((resolve) => waiting.push(resolve));
}
