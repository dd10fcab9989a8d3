/**
 * A process with many clients of `@rollcall/client`. Each has a connection of its own, is an instance of the service `fleet`, and follows
 * the configuration `fleet/alarm.properties`; it notes when it has applied a content.
 */

import { connect } from '@rollcall/client';
import { nanoseconds, millisecondsBetween } from '../processes.mjs';
import { serveQuestions } from '../load/raw-sockets.mjs';

/** Connections in progress at a time. */
const openingMax = 50;

const clients = [];
/** What all clients have to apply, and what has to be done when they have. */
let wanted = { number: '', since: 0n, times: [], done: () => {} };

serveQuestions({
  /** Connects `count` clients, which register and read the configuration. */
  async connect({ url, count }) {
    let next = 0;
    const worker = async () => {
      for (let n = next++; n < count; n = next++) clients[n] = await clientOf(url, n);
    };
    await Promise.all(Array.from({ length: openingMax }, worker));
  },
  /** @returns milliseconds from `since`, in nanoseconds, until each client had applied the content with that number */
  applied: ({ number, since }) => applied(number, BigInt(since)),
  /** `sick` of the clients report a critical check at the same moment. @returns milliseconds from then until each client had applied the content with that number */
  async alarm({ number, sick }) {
    const reached = applied(number, nanoseconds());
    await Promise.all(clients.slice(0, sick).map(({ registration }) => registration.beat('alive', 'critical')));
    return reached;
  },
  async heal({ sick }) {
    await Promise.all(clients.slice(0, sick).map(({ registration }) => registration.beat('alive', 'passing')));
  },
});

async function clientOf(url, n) {
  const rollcall = await connect({ servers: [url], name: `client-${n}`, timeoutMs: 60_000 });
  const registration = await rollcall.register({ service: 'fleet', id: `fleet-${n}`, address: '127.0.0.1', port: 1 + n, checks: [{ name: 'alive', ttlMs: 3_600_000 }] });
  await registration.beat('alive', 'passing');
  const config = rollcall.config('fleet/alarm.properties');
  await config.whenReady();
  void follow(config);
  return { rollcall, registration, config };
}

async function follow(config) {
  for await (const { value } of config.watch()) {
    if (value.number !== wanted.number) continue;
    wanted.times.push(millisecondsBetween(wanted.since, nanoseconds()));
    if (wanted.times.length === clients.length) wanted.done();
  }
}

async function applied(number, since) {
  await new Promise((done) => {
    wanted = { number, since, times: [], done };
    // Some may have it already.
    for (const { config } of clients) if (config.get('number') === number) wanted.times.push(millisecondsBetween(since, nanoseconds()));
    if (wanted.times.length === clients.length) done();
  });
  return { times: wanted.times };
}
