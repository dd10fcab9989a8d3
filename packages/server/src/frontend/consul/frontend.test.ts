/** What every endpoint shares: headers in their case, methods, encodings, old HTTP, errors, closing. */

import { X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Consul } from './consul.case.ts';

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
});
afterAll(() => consul[Symbol.asyncDispose]());

/** Sends bytes and returns everything until the server closes. */
function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (received += chunk));
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}

const headerNames = (raw: readonly string[]) => raw.filter((_text, at) => at % 2 === 0);

describe('headers', () => {
  test('have the same case as in Consul, since some clients compare bytes', async () => {
    const { rawHeaders, headers } = await consul.get('/v1/catalog/nodes');
    expect(headerNames(rawHeaders)).toEqual(
      expect.arrayContaining([
        'Content-Type',
        'Vary',
        'X-Consul-Default-Acl-Policy',
        'X-Consul-Effective-Consistency',
        'X-Consul-Index',
        'X-Consul-Knownleader',
        'X-Consul-Lastcontact',
      ]),
    );
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      vary: 'Accept-Encoding',
      'x-consul-knownleader': 'true',
      'x-consul-lastcontact': '0',
    });
  });

  test('name the requested consistency; a consistent read has passed the barrier', async () => {
    for (const [query, mode] of [['', 'leader'], ['?stale', 'stale'], ['?consistent', 'consistent']]) {
      const { headers } = await consul.get(`/v1/catalog/services${query}`);
      expect(headers['x-consul-effective-consistency']).toBe(mode);
    }
  });

  test('never have the index 0, even for content that never existed', async () => {
    for (const path of ['/v1/kv/never', '/v1/health/service/never', '/v1/session/list', '/v1/health/connect/x']) {
      expect((await consul.get(path)).index).toBeGreaterThan(0);
    }
  });

  test('have a length and no chunks for HTTP/1.0', async () => {
    const text = await exchange(consul.server.ports.http, 'GET /v1/kv/?keys HTTP/1.0\r\n\r\n');
    expect(text).toMatch(/\r\nX-Consul-Index: \d+\r\n/);
    expect(text).toMatch(/\r\nContent-Length: 2\r\n/);
    expect(text).not.toMatch(/transfer-encoding/i);
    expect(text.endsWith('\r\n\r\n[]')).toBe(true);
  });
});

describe('encodings', () => {
  test('use gzip for large bodies, if the client accepts it', async () => {
    for (let at = 0; at < 5; at++) {
      await consul.put('/v1/agent/service/register', { ID: `z${at}`, Name: 'zipped', Port: at });
    }
    const plain = await consul.get('/v1/health/service/zipped');
    expect(plain.headers['content-encoding']).toBeUndefined();
    for (const accept of ['gzip', 'deflate, gzip;q=0.5', '*']) {
      const zipped = await consul.get('/v1/health/service/zipped', { headers: { 'Accept-Encoding': accept } });
      expect(zipped.headers['content-encoding']).toBe('gzip');
      expect(gunzipSync(zipped.bytes)).toEqual(plain.bytes);
      expect(zipped.bytes.length).toBeLessThan(plain.bytes.length);
    }
    for (const accept of ['identity', 'gzip;q=0', 'gzip; q=0.0, br']) {
      const refused = await consul.get('/v1/health/service/zipped', { headers: { 'Accept-Encoding': accept } });
      expect(refused.headers['content-encoding']).toBeUndefined();
    }
    const small = await consul.get('/v1/status/leader', { headers: { 'Accept-Encoding': 'gzip' } });
    expect(small.headers['content-encoding']).toBeUndefined();
  });

  test('indent pretty bodies by four and end them with a line feed', async () => {
    expect((await consul.get('/v1/catalog/datacenters?pretty')).text).toBe('[\n    "dc1"\n]\n');
    const pretty = await consul.get('/v1/catalog/services?pretty=1');
    const plain = await consul.get('/v1/catalog/services');
    expect(pretty.text).not.toBe(plain.text);
    expect(pretty.json()).toEqual(plain.json());
  });
});

describe('paths and methods', () => {
  test('an unknown path gets Consul’s 404', async () => {
    for (const path of ['/v1/nope', '/v1/agent', '/v1/health/', '/v1/agent/check/pass', '/v1/acl/list']) {
      const answer = await consul.get(path);
      if (path === '/v1/agent/check/pass') {
        expect(answer.status).toBe(405);
        continue;
      }
      expect([answer.status, answer.text]).toEqual([404, 'Invalid URL path: not a recognized HTTP API endpoint\n']);
    }
  });

  test('another method gets a 405 that lists the allowed ones; OPTIONS lists them, too', async () => {
    const refused = await consul.ask('POST', '/v1/kv/a', {});
    expect([refused.status, refused.text]).toEqual([405, 'method POST not allowed']);
    expect(refused.headers['allow']).toBe('OPTIONS,GET,PUT,DELETE');
    const options = await consul.ask('OPTIONS', '/v1/agent/self', {});
    expect([options.status, options.text, options.headers['allow']]).toEqual([200, '', 'OPTIONS,GET']);
    expect((await consul.ask('HEAD', '/v1/agent/self', {})).status).toBe(405);
  });

  test('partitions are refused in headers, too, on every request', async () => {
    await consul.get('/v1/catalog/nodes');
    const answer = await consul.get('/v1/catalog/nodes', { headers: { 'x-consul-partition': 'x' } });
    expect([answer.status, answer.text]).toEqual([
      400,
      'Invalid header: "X-Consul-Partition" - Partitions are a Consul Enterprise feature',
    ]);
  });

  test('both CA endpoints return the same root: a certificate that verifies itself only', async () => {
    interface Roots {
      readonly ActiveRootID: string;
      readonly Roots: readonly { readonly ID: string; readonly RootCert: string }[];
    }
    const roots = (await consul.get('/v1/agent/connect/ca/roots')).json<Roots>();
    expect((await consul.get('/v1/connect/ca/roots')).json()).toEqual(roots);
    expect(roots.Roots.map(({ ID }) => ID)).toEqual([roots.ActiveRootID]);
    const certificate = new X509Certificate(roots.Roots[0]?.RootCert ?? '');
    expect(certificate.ca).toBe(true);
    expect(certificate.checkIssued(certificate)).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toMatch(/^URI:spiffe:\/\/[0-9a-f-]{36}\.consul$/);
    expect(new Date(certificate.validTo).getFullYear()).toBeGreaterThan(new Date(certificate.validFrom).getFullYear());
  });
});

test('requests are counted by the path of the route, never by the client’s path', async () => {
  await consul.get('/v1/kv/secret-key');
  await consul.get('/v1/made-up');
  const page = await consul.server.metrics.registry.metrics();
  expect(page).toMatch(/rollcall_http_requests_total\{route="\/v1\/kv\/:key",status="404"\} \d+/);
  expect(page).toMatch(/rollcall_http_requests_total\{route="unknown",status="404"\} \d+/);
  expect(page).not.toContain('secret-key');
});

test('the server’s own registration after a restart changes no index', async () => {
  const before = await consul.get('/v1/health/service/consul');
  const { registerSelf } = await import('./agent/own-node.ts');
  const { registry } = consul.server;
  const [node] = (await consul.get('/v1/catalog/nodes')).json<{ ID: string }[]>();
  const identity = { nodeName: 'server-1', nodeId: node?.ID ?? '', address: '127.0.0.1', datacenter: 'dc1' };
  await registerSelf({ registry, identity } as never);
  expect((await consul.get('/v1/health/service/consul')).index).toBe(before.index);
});

test('after a change of the server’s name, its new node has everything of the old one, in every namespace', async () => {
  await consul.createNamespace('team-a');
  await consul.put('/v1/agent/service/register', { Name: 'web', Port: 1 });
  await consul.put('/v1/agent/service/register?ns=team-a', { Name: 'web', Port: 2, Check: { TTL: '30s' } });
  const { registerSelf } = await import('./agent/own-node.ts');
  const { registry } = consul.server;
  const [node] = (await consul.get('/v1/catalog/nodes')).json<{ ID: string }[]>();
  const identity = { nodeName: 'renamed', nodeId: node?.ID ?? '', address: '127.0.0.1', datacenter: 'dc1' };
  await registerSelf({ registry, identity } as never);
  for (const [query, Port, checks] of [['', 1, 0], ['?ns=team-a', 2, 1]] as const) {
    const [found] = (await consul.get(`/v1/catalog/service/web${query}`)).json<object[]>();
    expect(found).toMatchObject({ Node: 'renamed', ServicePort: Port });
    expect((await consul.get(`/v1/health/checks/web${query}`)).json()).toHaveLength(checks);
  }
});

test('closing the server answers waiting queries with the present content and closes every connection', async () => {
  const closing = await Consul.start();
  const { index } = await closing.get('/v1/catalog/nodes');
  const parked = exchange(
    closing.server.ports.http,
    `GET /v1/catalog/nodes?index=${index}&wait=300s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
  );
  await closing.untilParked(1);
  await closing[Symbol.asyncDispose]();
  const text = await parked;
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).toContain(`X-Consul-Index: ${index}\r\n`);
  expect(text).toContain('Connection: close\r\n');
});

test.each([
  ['http://evil.test/v1/kv/a', '127.0.0.1', 403],
  ['http://127.0.0.1:8500/v1/kv/a', 'evil.test', 404],
  ['/v1/kv/a', 'evil.test', 403],
])('a request for %s with Host %s is a %i: the host in the URL protects against DNS rebinding', async (target, host, status) => {
  await using consul = await Consul.start();
  const { hostname, port } = new URL(consul.server.url);
  const socket = connect(Number(port), hostname, () => socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});
