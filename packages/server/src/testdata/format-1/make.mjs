/**
 * Makes a store, a backup and the answers of the server that wrote them, as they were before namespaces (format 1,
 * commit 58fb96e): `store/`, `backup.gz` and `answers.json`, which `carry-over.test.ts` opens. It holds records of every
 * kind and of every type.
 *
 *   git worktree add /tmp/old 58fb96e && cd /tmp/old && npm ci && npx tsc -b
 *   node make.mjs /tmp/old/packages/server/dist .
 *
 * It runs against that commit only: the registry of today has other commands.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [dist, out = '.'] = process.argv.slice(2);
const { createServer, embedded } = await import(pathToFileURL(resolve(dist, 'index.js')).href);

const management = '00000000-1111-2222-3333-444444444444';
const reader = 'aaaaaaaa-1111-2222-3333-444444444444';
const day = '86400s';

const dir = join(out, 'store');
rmSync(dir, { recursive: true, force: true });
const server = await createServer({
  engine: embedded({ dir, logBytes: 65_536 }),
  acl: { initialManagement: management, defaultPolicy: 'deny' },
  nodeName: 'server-1',
  nodeId: '11111111-2222-3333-4444-555555555555',
});

async function ask(method, path, body, token = management) {
  const response = await fetch(server.url + path, {
    method,
    headers: { 'X-Consul-Token': token },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
const put = (path, body) => ask('PUT', path, body);
const on = (Node, Address, more) => put('/v1/catalog/register', { Node, Address, ...more });

// Nodes, instances and checks of both, with what only Consul's API says of them; one node with an id, one renamed.
await on('n1', '10.0.0.1', { ID: '22222222-2222-3333-4444-555555555555', NodeMeta: { rack: 'r1' }, TaggedAddresses: { wan: '1.2.3.4' } });
await on('n1', '10.0.0.1', {
  Service: { ID: 'web-1', Service: 'web', Port: 80, Tags: ['v1', 'eu'], Meta: { version: '1' }, Weights: { Passing: 5, Warning: 2 } },
  Checks: [
    { CheckID: 'alive', Name: 'alive', Status: 'passing', Notes: 'of the node' },
    { CheckID: 'web-1-ok', Name: 'ok', Status: 'passing', ServiceID: 'web-1', Output: 'fine' },
  ],
});
await on('n1', '10.0.0.1', { Service: { ID: 'web-2', Service: 'web', Port: 81 }, Check: { CheckID: 'web-2-ok', Status: 'critical', ServiceID: 'web-2' } });
await on('n2', '10.0.0.2', { Service: { ID: 'db', Service: 'db', Port: 5432, Tags: ['main'] } });
await put('/v1/agent/service/register', { Name: 'cache', ID: 'cache-1', Port: 6379, Check: { CheckID: 'cache-ttl', TTL: day, Status: 'warning' } });
await server.define({ services: [{ name: 'from-file', port: 1 }], checks: [] });

// Removed rows leave markers and tombstones.
await on('gone', '10.0.0.9', { Service: { ID: 'gone', Service: 'gone' }, Check: { CheckID: 'c', Status: 'passing' } });
await put('/v1/catalog/deregister', { Node: 'gone' });
await on('n2', '10.0.0.2', { Service: { ID: 'moved', Service: 'before' } });
await on('n2', '10.0.0.2', { Service: { ID: 'moved', Service: 'after' } });

// Keys: bytes, flags of 64 bits, locks, tombstones, a lock delay.
await put('/v1/kv/app/plain', 'text');
await put('/v1/kv/app/flags?flags=18446744073709551615', 'a\nb');
await put('/v1/kv/with%00nothing%2Felse', '{}').catch(() => {});
await put('/v1/kv/app/gone', 'x');
await ask('DELETE', '/v1/kv/app/gone');
await put('/v1/kv/tree/1', 'x');
await put('/v1/kv/tree/2', 'x');
await ask('DELETE', '/v1/kv/tree?recurse');
const { ID: locker } = await put('/v1/session/create', { Name: 'locker', Node: 'n1', NodeChecks: ['alive'], ServiceChecks: [{ ID: 'web-1-ok' }], TTL: day });
await put(`/v1/kv/lock/held?acquire=${locker}`, 'mine');
const { ID: short } = await put('/v1/session/create', { Name: 'short', Node: 'n1', NodeChecks: ['alive'], LockDelay: '60s' });
await put(`/v1/kv/lock/delayed?acquire=${short}`, 'mine');
await put(`/v1/session/destroy/${short}`);

// The native client: a session that a stream vouches for, and its instance.
const stream = 'bbbbbbbb-1111-2222-3333-444444444444';
await server.registry.submit({
  ...{ kind: 'session-create', id: stream, name: 'client', node: 'n2', liveness: 'stream', ttlMs: 86_400_000, lockDelayMs: 0 },
  ...{ behavior: 'delete', checks: [], foreign: { stream: { tokenSha256: 'f'.repeat(64) } } },
});
await server.registry.submit({
  kind: 'register',
  node: { name: 'n2', address: '10.0.0.2' },
  nodeMode: 'exists',
  instances: [{ id: 'native', service: 'native', port: 9, session: stream }],
  checks: [{ id: 'stream:native', name: 'stream', type: 'stream', instance: 'native', status: 'passing' }],
});

// Records of every type.
const { ID: policy } = await put('/v1/acl/policy', { Name: 'reads', Rules: 'service_prefix "" { policy = "read" } node_prefix "" { policy = "read" } key_prefix "app/" { policy = "read" }' });
const { ID: role } = await put('/v1/acl/role', { Name: 'readers', Policies: [{ ID: policy }] });
const { AccessorID: token } = await put('/v1/acl/token', { SecretID: reader, Description: 'reads', Roles: [{ ID: role }] });
await put('/v1/acl/auth-method', { Name: 'jwt', Type: 'jwt', Config: { JWTValidationPubKeys: [await publicKey()], BoundIssuer: 'tests' } });
const { ID: rule } = await put('/v1/acl/binding-rule', { AuthMethod: 'jwt', BindType: 'role', BindName: 'readers' });
const { ID: query } = await ask('POST', '/v1/query', { Name: 'find-web', Session: locker, Service: { Service: 'web', Tags: ['eu'], OnlyPassing: true }, DNS: { TTL: '5s' } });
await ask('POST', '/v1/query', { Name: 'any-', Template: { Type: 'name_prefix_match' }, Service: { Service: '${name.suffix}' } });
await put('/v1/coordinate/update', { Node: 'n1', Segment: '', Coord: { Vec: [1, 2, 3, 4, 5, 6, 7, 8], Error: 1.5, Adjustment: 0.1, Height: 0.01 } });
await put('/v1/event/fire/deploy', 'now');

// The older half of the tombstones and markers is forgotten, and a floor takes its place.
const { state } = server.registry;
const forgettable = [...state.graveKeys('tree/')].map((key) => `tombstone\0${key}`);
await server.registry.submit({ kind: 'prune', keys: forgettable });

const paths = [
  ...['catalog/nodes', 'catalog/services', 'catalog/service/web', 'catalog/service/native', 'catalog/node/n1', 'catalog/node/n2'],
  ...['health/service/web', 'health/service/cache', 'health/service/native', 'health/node/n1', 'health/state/any', 'health/checks/web'],
  ...['kv/?recurse', 'kv/lock/held', 'session/list', `session/info/${locker}`, 'agent/services', 'agent/checks'],
  ...['acl/policies', `acl/policy/${policy}`, `acl/role/${role}`, `acl/token/${token}`, 'acl/auth-methods', `acl/binding-rule/${rule}`],
  ...['query', `query/${query}`, 'query/find-web/execute', 'query/any-db/execute', 'coordinate/nodes', 'coordinate/node/n1', 'event/list'],
].map((path) => `/v1/${path}`);
const answers = [];
for (const path of paths) {
  for (const as of [management, reader]) {
    const response = await fetch(server.url + path, { headers: { 'X-Consul-Token': as } });
    const text = await response.text();
    answers.push({ path, token: as, status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text });
  }
}
const types = [...state.rows()].map(([, row]) => (row.kind === 'record' ? `record ${row.type}` : row.kind));
const kinds = [...new Set(types)].sort((a, b) => (a < b ? -1 : 1));
writeFileSync(join(out, 'answers.json'), `${JSON.stringify({ kinds, records: state.size, revision: state.revision, answers }, null, 1)}\n`);
const backup = await fetch(`${server.url}/rollcall/v1/backup`, { headers: { Authorization: `Bearer ${management}` } });
if (!backup.ok) throw new Error(`no backup: ${backup.status} ${await backup.text()}`);
writeFileSync(join(out, 'backup.gz'), Buffer.from(await backup.arrayBuffer()));
await server.close();
process.stdout.write(`${kinds.join('\n')}\n`);

async function publicKey() {
  const { publicKey: key } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
  const der = Buffer.from(await crypto.subtle.exportKey('spki', key)).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${der.replace(/.{64}/g, '$&\n')}\n-----END PUBLIC KEY-----\n`;
}
