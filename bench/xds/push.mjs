/**
 * What changes cost a server with xDS: all clusters of 10,000 services, the endpoints of each of them by name, one service with 10,000
 * instances, 1,000 streams that follow one service of 100 instances, and 1,000 streams that have each another subset of 1,000 instances.
 * Readers are processes of their own.
 *
 *   node bench/xds/push.mjs
 *
 * Turns of the event loop are counted in processor time of the main thread (`turn-meter.mjs`); the limit is 50 ms.
 */

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createServer } from '@rollcall/server';
import { longestTurn } from '../turn-meter.mjs';

const reader = fileURLToPath(new URL('reader.mjs', import.meta.url));
const limits = { watchesPerStreamMax: 20_000 };
const server = await createServer({ grpc: {}, frontends: ['stream', 'xds'], limits });
const { registry } = server;

const instance = (service, at, port) => ({ id: `${service}-${at}`, service, address: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`, port, persistent: true, meta: { version: '1' }, zone: `z${at % 3}`, region: 'eu' });

async function register(instances) {
  for (let at = 0; at < instances.length; at += 500) {
    await registry.submit({ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances: instances.slice(at, at + 500) });
  }
}

function start(streams, type, name, count) {
  const child = fork(reader, [server.ports.grpc, streams, type, name, ...(count === undefined ? [] : [count])]);
  const waiting = [];
  const news = [];
  child.on('message', (message) => {
    if (message.error !== undefined) throw new Error(message.error);
    const next = waiting.shift();
    if (next === undefined) news.push(message);
    else next(message);
  });
  return { next: () => (news.length > 0 ? Promise.resolve(news.shift()) : new Promise((resolve) => waiting.push(resolve))), forget: () => void (news.length = 0), stop: () => child.kill() };
}

async function measure(what, { streams, type, name, count, change, rounds }) {
  let first;
  const reading = start(streams, type, name, count);
  const begin = await longestTurn(async () => (first = await reading.next()));
  const delays = [];
  let turnMs = 0;
  for (let round = 0; round < rounds; round++) {
    // Longer than the pause between two readings. A stream with many names gets its first resources in several responses.
    await new Promise((next) => setTimeout(next, 100));
    reading.forget();
    const meter = await longestTurn(async () => {
      await change(round);
      const committed = Date.now();
      delays.push((await reading.next()).at - committed);
    });
    turnMs = Math.max(turnMs, meter.turnMs);
  }
  reading.stop();
  delays.sort((a, b) => a - b);
  const median = delays[delays.length >> 1];
  console.log(`${what}: ${first.bytes} bytes; the last stream has a change after ${median} ms (median of ${rounds}, at most ${delays.at(-1)}); longest turn ${turnMs.toFixed(1)} ms, ${begin.turnMs.toFixed(1)} ms at the begin`);
}

const one = (service, at) => registry.submit({ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances: [instance(service, at, 9_000 + at)] });

await register(Array.from({ length: 10_000 }, (_, at) => instance(`service-${at}`, at, 80)));
await measure('all clusters of 10,000 services, 1 stream', { streams: 1, type: 'cluster', name: '', rounds: 5, change: (round) => one(`new-${round}`, 60_000 + round) });
await measure('all clusters of 10,000 services, 50 streams', { streams: 50, type: 'cluster', name: '', rounds: 5, change: (round) => one(`newer-${round}`, 60_100 + round) });
await measure('endpoints of 10,000 services by name, 1 stream', { streams: 1, type: 'endpoints', name: 'service', count: 10_000, rounds: 5, change: (round) => one(`service-${round}`, 60_200 + round) });
await register(Array.from({ length: 10_000 }, (_, at) => instance('large', at, 80)));
await measure('10,000 endpoints of one service, 1 stream', { streams: 1, type: 'endpoints', name: 'large', rounds: 5, change: (round) => one('large', 50_000 + round) });
await register(Array.from({ length: 100 }, (_, at) => instance('orders', at, 80)));
await measure('100 endpoints, 1,000 streams', { streams: 1_000, type: 'endpoints', name: 'orders', rounds: 10, change: (round) => one('orders', 50_100 + round) });
await register(Array.from({ length: 1_000 }, (_, at) => instance('wide', at, 80)));
const subset = (size) => registry.submit({ kind: 'route-set', namespace: 'default', service: 'wide', route: { subset: { size } } });
await subset(20);
// Every stream gets another list, which is the most that a change can cost.
await measure('20 of 1,000 endpoints, others for each of 1,000 streams', { streams: 1_000, type: 'endpoints', name: 'wide', rounds: 10, change: (round) => subset(21 + (round % 2)) });
await server.close();
process.exit();
