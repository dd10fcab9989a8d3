/**
 * Measures how long work of a registry holds the event loop: each kind of work whose time could grow with the
 * size of the state, at 100,000 keys and 100,000 instances. Prints a table; the target is 50 ms.
 *
 *   npm run build && node bench/micro/registry-turns.mjs [part of a name …]
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { embedded } from '../../packages/server/dist/engine/embedded/embedded.js';
import { memory } from '../../packages/server/dist/engine/memory/memory.js';
import { writeBackup } from '../../packages/server/dist/backup/backup.js';
import { readBackup, restoreTransaction } from '../../packages/server/dist/backup/restore.js';
import { inTurns } from '../../packages/server/dist/in-turns.js';
import { serviceList } from '../../packages/server/dist/registry/kind/catalog/services.js';
import { momentOf } from '../../packages/server/dist/registry/moment.js';
import { findPrunable } from '../../packages/server/dist/registry/prune.js';
import { Replica } from '../../packages/server/dist/replica.js';
import { createServer } from '../../packages/server/dist/server.js';
import { longestTurn } from '../turn-meter.mjs';

const count = 100_000;
const clock = { now: () => Date.now(), monotonic: () => performance.now() };

async function registry(onDisk) {
  if (onDisk) return wholeServer();
  const engine = memory();
  const onFatal = (error) => { throw error; };
  const replica = new Replica({ engine, clock, onFatal });
  await replica.start();
  return replica;
}

/** With a log on disk, and with rights and leases that follow. */
async function wholeServer() {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-turns-'));
  const server = await createServer({ engine: embedded({ dir }), acl: { initialManagement: 'management' } });
  const { registry: replica } = server;
  replica.close = async () => {
    await server.close();
    await rm(dir, { recursive: true });
  };
  return replica;
}

/** Submits many commands, 5,000 at a time. */
async function all(replica, total, command) {
  for (let at = 0; at < total; at += 5_000) {
    const some = Array.from({ length: Math.min(5_000, total - at) }, (_, n) => replica.submit(command(at + n)));
    await Promise.all(some);
  }
}

const key = (n, more = {}) => ({ kind: 'kv-put', namespace: 'default', key: `app/${n}`, value: Buffer.from(`value ${n}`), flags: 0n, ...more });
const instance = (n, { service = `service-${n % 1_000}`, node = `node-${n % 1_000}`, tags = ['v1'], session } = {}) => ({
  kind: 'register',
  namespace: 'default',
  node: { name: node, address: '10.0.0.1' },
  nodeMode: 'ensure',
  instances: [{ id: `i-${n}`, service, port: 80, tags, ...(session && { session }) }],
  checks: [{ id: `c-${n}`, name: 'alive', status: 'passing', instance: `i-${n}`, type: session ? 'stream' : 'ttl' }],
});
const session = (id, more = {}) => ({
  ...{ kind: 'session-create', namespace: 'default', id, name: '', node: 'holder', liveness: 'ttl', ttlMs: 0, lockDelayMs: 15_000, behavior: 'release', checks: [] },
  ...more,
});
const thousand = {
  ...instance(0),
  instances: Array.from({ length: 1_000 }, (_, n) => instance(n).instances[0]),
  checks: Array.from({ length: 2_000 }, (_, n) => ({ ...instance(n >> 1).checks[0], id: `c-${n}` })),
};
const holder = { kind: 'register', namespace: 'default', node: { name: 'holder', address: '10.0.0.9' }, nodeMode: 'update' };

const keys = (replica) => all(replica, count, (n) => key(n));
const spread = (replica) => all(replica, count, (n) => instance(n));
const inOne = (replica) => all(replica, count, (n) => instance(n, { service: 'web', tags: ['v1', `own-${n}`] }));
const oneNode = (replica) => all(replica, count, (n) => instance(n, { node: 'holder' }));

const withSession = (behavior, hold, many = count) => async (replica) => {
  await replica.submit(holder);
  await replica.submit(session('s', { behavior, liveness: hold === 'instances' ? 'stream' : 'ttl' }));
  if (hold === 'keys') await all(replica, count, (n) => key(n, { condition: { kind: 'acquire', session: 's' } }));
  else await all(replica, many, (n) => instance(n, { node: 'holder', session: 's' }));
};

async function packed(replica) {
  const chunks = [];
  for await (const chunk of writeBackup(await inTurns(momentOf(replica.state)))) chunks.push(chunk);
  return chunks;
}

async function restored(replica) {
  const backup = await readBackup(Readable.from(replica.backup), 1e9);
  await replica.replace((state) => restoreTransaction(backup, state));
}

const cases = [
  ['recursive delete of 100,000 keys', keys, (r) => r.submit({ kind: 'kv-delete-tree', namespace: 'default', prefix: 'app/' })],
  ['register into a service of 100,000', inOne, (r) => r.submit(instance('new', { service: 'web', tags: ['new'] }))],
  ['catalog, 100,000 tags in one service', inOne, async (r) => serviceList(r.state, 'default')],
  ['catalog, 1,000 services', spread, async (r) => serviceList(r.state, 'default')],
  ['check of a node with 100,000 instances', oneNode, (r) => r.submit({ ...holder, nodeMode: 'exists', checks: [{ id: 'disk', name: '', status: 'critical' }] })],
  ...[10_000, 100_000].map((services) => [`check of a node with ${services} services`, (r) => all(r, services, (n) => instance(n, { node: 'holder', service: `s-${n}` })),
    (r) => r.submit({ ...holder, nodeMode: 'exists', checks: [{ id: 'disk', name: '', status: 'critical' }] })]),
  ['deregister a node with 100,000 instances', oneNode, (r) => r.submit({ kind: 'deregister-node', node: 'holder' })],
  ['end of a session with 100,000 locks, release', withSession('release', 'keys'), (r) => r.submit({ kind: 'session-destroy', namespace: 'default', id: 's' })],
  ['end of a session with 100,000 locks, delete', withSession('delete', 'keys'), (r) => r.submit({ kind: 'session-destroy', namespace: 'default', id: 's' })],
  ['a stream with 1,000 instances is cut', withSession('release', 'instances', 1_000), (r) => r.submit({ kind: 'session-connected', namespace: 'default', id: 's', connected: false })],
  ['end of a stream with 100,000 instances', withSession('release', 'instances'), (r) => r.submit({ kind: 'session-destroy', namespace: 'default', id: 's' })],
  ['100,000 checks turn critical', spread, (r) => r.submit({ kind: 'update-checks', updates: Array.from({ length: count }, (_, n) => ({ node: `node-${n % 1_000}`, id: `c-${n}`, status: 'critical' })) })],
  ['1,024 keys of 256 KiB at once', async (r) => { r.values = Array.from({ length: 1_024 }, () => Buffer.alloc(262_144)); }, (r) => Promise.all(r.values.map((value, n) => r.submit(key(n, { value }))))],
  ['1,000 instances in one registration', async () => {}, (r) => r.submit(thousand)],
  ['prune of 100,000 tombstones', async (r) => { await keys(r); await r.submit({ kind: 'kv-delete-tree', namespace: 'default', prefix: '' }); }, async (r) => r.submit({ kind: 'prune', keys: await inTurns(findPrunable(r.state, clock.now())) })],
  ['backup of 100,000 instances and keys', async (r) => { await spread(r); await keys(r); }, packed],
  ['restore of 100,000 instances and keys', async (r) => { await spread(r); await keys(r); r.backup = await packed(r); },
    restored],
  ['restore of as much on disk, with rights and leases', async (r) => { await spread(r); await keys(r); r.backup = await packed(r); }, restored, 'on disk'],
];

const wanted = process.argv.slice(2);
for (const [what, prepare, work, onDisk] of cases) {
  if (wanted.length > 0 && !wanted.some((part) => what.includes(part))) continue;
  const replica = await registry(onDisk);
  await prepare(replica);
  globalThis.gc?.();
  const { turnMs, wallMs } = await longestTurn(() => work(replica));
  console.log(`${what.padEnd(46)} longest turn ${turnMs.toFixed(1).padStart(8)} ms   all ${wallMs.toFixed(0).padStart(6)} ms   ${turnMs <= 50 ? '' : 'MISSED'}`);
  await replica.close();
}
