/**
 * Measures how long reads of front ends hold the event loop: indexes and views that follow the state, at 100,000
 * instances, in 1,000 services and in one. Processor time of the main thread for one call each, without earlier
 * answers in memory, and again after one registration.
 *
 *   npm run build && node bench/micro/reading-turns.mjs
 */

import { readFileSync } from 'node:fs';
import { Directory } from '../../packages/server/dist/frontend/dns/directory.js';
import { countsOf } from '../../packages/server/dist/frontend/admin/availability.js';
import { Feeds } from '../../packages/server/dist/frontend/stream/watches.js';
import { FanOut } from '../../packages/server/dist/net/fan-out.js';
import { decideBatch } from '../../packages/server/dist/registry/batch.js';
import { State } from '../../packages/server/dist/registry/state.js';
import { Views } from '../../packages/server/dist/registry/views.js';
import { longestTurn } from '../turn-meter.mjs';

const count = 100_000;
const busyMs = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ', 1)[0]) / 1e6;

const register = (n, service) => ({
  kind: 'register',
  namespace: 'default',
  node: { name: `node-${n % 1_000}`, address: `10.0.${(n % 1_000) >> 8}.${n % 256}` },
  nodeMode: 'ensure',
  instances: [{ id: `i-${n}`, service, address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, port: 80, tags: ['v1', `zone-${n % 3}`] }],
  checks: [{ id: `c-${n}`, name: 'alive', status: n % 50 === 0 ? 'critical' : 'passing', instance: `i-${n}` }],
});

const observers = new Map();

function commit(state, commands) {
  for (let left = commands; left.length > 0; ) {
    const { writes, decided } = decideBatch(state, left, 0);
    if (writes !== undefined) {
      const { changes } = state.apply({ revision: state.revision + 1, put: writes.put, delete: writes.delete });
      observers.get(state)?.observe(changes, state.revision);
    }
    left = left.slice(decided);
  }
}

function stateWith(serviceOf) {
  const state = new State();
  for (let at = 0; at < count; at += 1_000) {
    commit(state, Array.from({ length: 1_000 }, (_, n) => register(at + n, serviceOf(at + n))));
  }
  return state;
}

const preparedQuery = (service) => ({
  ...{ name: 'find', session: '', template: { type: '', pattern: '', removeEmptyTags: false }, ttl: '' },
  service: {
    ...{ name: service, failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false, ignoredChecks: [] },
    ...{ near: '', tags: [], nodeMeta: {}, meta: {}, connect: false },
  },
});

const clock = { now: () => Date.now(), monotonic: () => performance.now(), timer: () => () => {} };
const zone = { domain: 'consul', datacenter: 'dc1', onlyPassing: false, nodeTtl: 0 };

for (const [where, state, service] of [
  ['1,000 services', stateWith((n) => `service-${n % 1_000}`), 'service-1'],
  ['one service', stateWith(() => 'web'), 'web'],
]) {
  commit(state, [{ kind: 'query-put', namespace: 'default', id: 'find', query: preparedQuery(service), update: false }]);
  const registry = { state, views: new Views(state), observe: (observer) => observers.set(state, observer) };
  const directory = new Directory(registry, clock, zone);
  // As a server does before its first answer, and before the first about an address.
  for (const [what, prepare] of [['DNS: the first index of names', () => directory.prepare()], ['DNS: the first index of addresses', () => directory.prepareAddresses()]]) {
    const { turnMs } = await longestTurn(prepare);
    console.log(`${where.padEnd(16)} ${what.padEnd(34)} longest turn ${turnMs.toFixed(1)} ms`);
  }
  const counted = await longestTurn(countsOf(state));
  console.log(`${where.padEnd(16)} ${'metrics: availability'.padEnd(34)} longest turn ${counted.turnMs.toFixed(1)} ms`);
  const calls = [
    ['DNS: an address to a name', () => directory.subjectOf({ kind: 'reverse', digits: '0a000001' })],
    ['DNS: a service', () => directory.subjectOf({ kind: 'service', service, tag: '', datacenter: '', namespace: 'default' }).healthy],
    ['DNS: a service with a tag', () => { const it = directory.subjectOf({ kind: 'service', service, tag: 'v1', datacenter: '', namespace: 'default' }); return it.healthy.targets('v1'); }],
    ['DNS: a prepared query', () => directory.subjectOf({ kind: 'query', query: 'find', datacenter: '', namespace: 'default' }).healthy],
    ['DNS: a node', () => directory.subjectOf({ kind: 'node', node: 'node-1', datacenter: '' })],
  ];
  let next = 1_000_000;
  for (const [what, call] of calls) {
    const times = [0, 1, 2].map((round) => {
      if (round > 0) commit(state, [register(next++, service)]);
      const before = busyMs();
      call();
      return busyMs() - before;
    });
    console.log(`${where.padEnd(16)} ${what.padEnd(28)} first ${times[0].toFixed(1).padStart(7)} ms   after a registration ${Math.min(...times.slice(1)).toFixed(1).padStart(7)} ms`);
  }
  const feeds = new Feeds({ ...registry, observe: () => () => {} }, new FanOut());
  for (const [what, view] of [['stream: watch of a service', { kind: 'service', name: service }], ['stream: watch of all services', { kind: 'services', name: '' }]]) {
    // From the request to the whole snapshot, framed.
    const { turnMs, wallMs } = await longestTurn(() => new Promise((push) => feeds.of(view).add({ congested: false, push }, undefined)));
    console.log(`${where.padEnd(16)} ${what.padEnd(34)} longest turn ${turnMs.toFixed(1)} ms   all ${wallMs.toFixed(0)} ms`);
  }
}
