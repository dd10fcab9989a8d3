/** Single requests remove many records: how long do other requests wait meanwhile? */

import { putMany } from '../load/put-many.mjs';
import { millisecondsBetween, nanoseconds, pause } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { percentile } from '../statistics.mjs';

const limitMs = 50;

export const row = {
  what: 'one request removes 100,000 keys, another a node with 100,000 instances',
  target: `\`/healthz\` ≤ ${limitMs} ms meanwhile`,
  ifMissed:
    'a question waits for one or two steps of the work, of some 2 ms of processor time each; the rest is V8 marking its heap, and the wait for the one ' +
    'core, which the server shares with V8’s threads and the thread of its log',
  async run({ quick }) {
    const count = quick ? 10_000 : 100_000;
    const server = await startRollcall();
    try {
      await putMany(server.url, count, (n) => ({ path: `/v1/kv/app/${n}`, body: `value ${n}` }));
      await putMany(server.url, count, registration);
      const idle = await besides(server.url, () => pause(2_000));
      const keys = await besides(server.url, () => call(server.url, '/v1/kv/app/?recurse', 'DELETE'));
      const one = await besides(server.url, () => call(server.url, '/v1/catalog/register', 'PUT', registration(count).body));
      const node = await besides(server.url, () => call(server.url, '/v1/catalog/deregister', 'PUT', { Node: 'crowded' }));
      await assertGone(server.url);
      const worst = Math.max(...[keys, one, node].map(({ latencies }) => percentile(latencies, 1)));
      return {
        measured: `${worst.toFixed(0)} ms`,
        floor: `${percentile(idle.latencies, 1).toFixed(0)} ms when idle`,
        result: `${worst.toFixed(0)} ms`,
        met: worst <= limitMs,
        detail:
          `all ${count} instances are in one service, each with a tag of its own; the longest of one request after the other: ` +
          `${said(keys)} while the keys went, ${said(one)} while one more instance was registered, ${said(node)} while the node went`,
      };
    } finally {
      await server.remove();
    }
  },
};

function registration(n) {
  return {
    path: '/v1/catalog/register',
    body: {
      Node: 'crowded',
      Address: '10.1.0.1',
      Service: { ID: `web-${n}`, Service: 'web', Port: 8080, Tags: ['v1', `own-${n}`] },
      Check: { CheckID: `service:web-${n}`, Name: 'alive', Status: 'passing', ServiceID: `web-${n}` },
    },
  };
}

/** Requests `/healthz` repeatedly while `work` runs. */
async function besides(url, work) {
  const latencies = [];
  const end = new AbortController();
  const asking = (async () => {
    while (!end.signal.aborted) {
      const asked = nanoseconds();
      await call(url, '/healthz');
      latencies.push(millisecondsBetween(asked, nanoseconds()));
    }
  })();
  const started = nanoseconds();
  await work();
  const tookMs = millisecondsBetween(started, nanoseconds());
  end.abort();
  await asking;
  return { latencies, tookMs };
}

function said({ latencies, tookMs }) {
  return `${percentile(latencies, 1).toFixed(0)} ms (p99 ${percentile(latencies, 0.99).toFixed(0)} ms) in ${(tookMs / 1_000).toFixed(1)} s`;
}

async function assertGone(url) {
  const { text } = await call(url, '/v1/catalog/services');
  const left = Object.keys(JSON.parse(text)).filter((name) => name === 'web');
  const keys = await fetch(`${url}/v1/kv/app/?keys`);
  if (left.length > 0 || keys.status !== 404) throw new Error('something was left');
}
