/** The list of targets over HTTP: what is in it, for which question and caller, and what an answer that is no list looks like. */

import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import { heldServers } from '../../held-servers.case.ts';
import { turnsUntil } from '../../turns-until.case.ts';
import { Prometheus, type Group } from './prometheus.case.ts';

const web = { id: 'w1', service: 'web', address: '10.0.0.1', port: 80 };

describe('a list', () => {
  test('has one group for each instance, with its labels', async () => {
    await using prometheus = await Prometheus.start();
    await prometheus.register({ ...web, tags: ['metrics'], meta: { team: 'core' } });
    const answer = await prometheus.ask();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json']);
    expect(JSON.parse(answer.text)).toEqual([
      {
        targets: ['10.0.0.1:80'],
        labels: {
          __meta_rollcall_namespace: 'default',
          __meta_rollcall_service: 'web',
          __meta_rollcall_id: 'w1',
          __meta_rollcall_address: '10.0.0.1',
          __meta_rollcall_port: '80',
          __meta_rollcall_status: 'passing',
          __meta_rollcall_weight: '1',
          __meta_rollcall_tags: ',metrics,',
          __meta_rollcall_meta_team: 'core',
        },
      },
    ]);
  });

  test('is empty with status 200 when there is nothing', async () => {
    await using prometheus = await Prometheus.start();
    expect(await prometheus.ask()).toMatchObject({ status: 200, text: '[]\n' });
    expect(await prometheus.ask('?service=web')).toMatchObject({ status: 200, text: '[]\n' });
  });

  test('has instances of every status, since a failed scrape shows that one is down, and none without a port', async () => {
    await using prometheus = await Prometheus.start();
    await prometheus.register(web, { checks: [{ id: 'c', name: 'c', instance: 'w1', status: 'critical' }] });
    await prometheus.register({ ...web, id: 'w2', status: 'out_of_service' });
    await prometheus.register({ ...web, id: 'w3', port: 0 });
    const shown = (await prometheus.groups()).map(({ labels }) => [labels.__meta_rollcall_id, labels.__meta_rollcall_status]);
    expect(shown).toEqual([['w1', 'critical'], ['w2', 'maintenance']]);
  });

  test('has the address of the node for an instance without one, and follows it', async () => {
    await using prometheus = await Prometheus.start();
    const node = { name: 'n1', address: '10.1.0.1' };
    await prometheus.register({ id: 'w1', service: 'web', port: 80 }, { node, nodeMode: 'update' });
    const targets = async () => (await prometheus.groups('?service=web')).flatMap(({ targets: each }) => each);
    expect(await targets()).toEqual(['10.1.0.1:80']);
    await prometheus.register({ id: 'w1', service: 'web', port: 80 }, { node: { ...node, address: '10.1.0.2' }, nodeMode: 'update' });
    expect(await targets()).toEqual(['10.1.0.2:80']);
  });

  test('follows every change: registered, changed, removed', async () => {
    await using prometheus = await Prometheus.start();
    const { registry } = prometheus.server;
    for (const query of ['', '?service=web', '?tag=blue', '?namespace=*']) {
      await prometheus.register({ ...web, tags: ['blue'] });
      expect([query, await prometheus.ids(query)]).toEqual([query, ['w1']]);
      await prometheus.register({ ...web, tags: ['blue'], meta: { a: '1' } });
      expect((await prometheus.groups(query))[0]?.labels.__meta_rollcall_meta_a).toBe('1');
      await registry.submit({ kind: 'deregister-instance', namespace: 'default', node: '', id: 'w1' });
      expect([query, await prometheus.ids(query)]).toEqual([query, []]);
    }
  });

  test('is compressed for clients that accept it', async () => {
    await using prometheus = await Prometheus.start();
    await prometheus.register({ ...web, meta: { long: 'x'.repeat(400), longer: 'y'.repeat(500), longest: 'z'.repeat(500) } });
    const ask = (encoding: string) => request(`${prometheus.server.url}/prometheus/v1/sd`, { headers: { 'accept-encoding': encoding } });
    const plain = await ask('identity');
    const packed = await ask('gzip');
    expect([packed.headers['content-encoding'], packed.headers['vary']]).toEqual(['gzip', 'Accept-Encoding']);
    expect(gunzipSync(Buffer.from(await packed.body.arrayBuffer())).toString()).toBe(await plain.body.text());
  });
});

describe('a question', () => {
  test.each([
    ['', ['d1', 'w1', 'w2']],
    ['?service=web', ['w1', 'w2']],
    ['?service=web&service=db', ['d1', 'w1', 'w2']],
    ['?service=WEB', []],
    ['?tag=blue', ['d1', 'w1']],
    ['?tag=blue&tag=metrics', ['w1']],
    ['?service=web&tag=blue', ['w1']],
    [`?filter=${encodeURIComponent('zone == z1')}`, ['w1']],
    [`?filter=${encodeURIComponent('"blue" in tags and meta.team != core')}`, ['d1']],
    [`?filter=${encodeURIComponent('service matches "^w" and port > 1')}`, undefined],
    [`?filter=${encodeURIComponent('service matches "^w" and status != passing')}`, ['w2']],
    [`?service=web&filter=${encodeURIComponent('address == "10.0.0.2" and port == 81')}`, ['w2']],
    ['?namespace=default', ['d1', 'w1', 'w2']],
    ['?namespace=shop', ['s1']],
    ['?namespace=none', []],
    ['?namespace=*', ['d1', 's1', 'w1', 'w2']],
    ['?namespace=*&service=web', ['s1', 'w1', 'w2']],
  ] as const)('%s is answered with %j', async (query, ids) => {
    await using prometheus = await Prometheus.start();
    await prometheus.server.registry.submit({ kind: 'namespace-put', name: 'shop' });
    await prometheus.register({ ...web, tags: ['blue', 'metrics'], zone: 'z1', meta: { team: 'core' } });
    await prometheus.register({ ...web, id: 'w2', address: '10.0.0.2', port: 81, status: 'draining' });
    await prometheus.register({ ...web, id: 'd1', service: 'db', tags: ['blue'], meta: { team: 'data' } });
    await prometheus.register({ ...web, id: 's1' }, { namespace: 'shop' });
    if (ids === undefined) expect((await prometheus.ask(query)).status).toBe(400);
    else expect(await prometheus.ids(query)).toEqual(ids);
  });

  test.each([
    ['?services=web', 'there is no parameter \\"services\\"; there are namespace, service, tag, filter'],
    ['?service=', 'service must have 1 to 255 characters'],
    ['?tag=', 'tag must have 1 to'],
    ['?namespace=a.b', 'namespace \\"a.b\\" is not a DNS label'],
    ['?namespace=a&namespace=b', 'namespace is given 2 times; give it once'],
    ['?filter=nothing', 'Failed to create boolean expression evaluator'],
    ['?filter=Service+%3D%3D+web', 'Selector \\"Service\\" is not valid'],
    [`?${'tag=a&'.repeat(300)}`, 'tag is given 300 times, the limit is 256'],
  ])('%s is refused', async (query, message) => {
    await using prometheus = await Prometheus.start();
    const { status, text } = await prometheus.ask(query);
    expect([status, text]).toEqual([400, expect.stringContaining(message)]);
    expect(text).toContain('"code":"invalid_argument"');
  });

  test('with a pattern that costs too much is refused, and is no empty list', async () => {
    await using prometheus = await Prometheus.start();
    await prometheus.register({ ...web, meta: { long: 'a'.repeat(512) } });
    const pattern = '(a{1,90}){1,20}b';
    const { status, text } = await prometheus.ask(`?filter=${encodeURIComponent(`meta.long matches "${pattern}"`)}`);
    expect([status, text]).toEqual([400, expect.stringContaining('"code":"invalid_argument"')]);
  });
});

test.each([
  ['POST', '/prometheus/v1/sd', 405, 'use GET or HEAD'],
  ['GET', '/prometheus/v1/sd/', 404, 'there is /prometheus/v1/sd'],
  ['GET', '/prometheus/v2/sd', 404, 'there is /prometheus/v1/sd'],
])('%s %s is answered with %i', async (method, path, status, message) => {
  await using prometheus = await Prometheus.start();
  expect(await prometheus.ask('', { method }, path)).toMatchObject({ status, text: expect.stringContaining(message) as string });
});

describe('a caller', () => {
  const management = 'a management token';

  async function secured(): Promise<{ prometheus: Prometheus; tokenWith: (rules: string) => Promise<string> }> {
    const prometheus = await Prometheus.start({ frontends: ['consul', 'prometheus'], acl: { initialManagement: management } });
    await prometheus.server.registry.submit({ kind: 'namespace-put', name: 'shop' });
    await prometheus.register(web);
    await prometheus.register({ ...web, id: 'a1', service: 'web-admin' });
    await prometheus.register({ ...web, id: 's1' }, { namespace: 'shop' });
    const put = async (path: string, body: object) => (await fetch(`${prometheus.server.url}${path}`, { method: 'PUT', headers: { 'x-consul-token': management }, body: JSON.stringify(body) })).json();
    let count = 0;
    return {
      prometheus,
      tokenWith: async (Rules) => {
        const Name = `p${count++}`;
        await put('/v1/acl/policy', { Name, Rules });
        return ((await put('/v1/acl/token', { Policies: [{ Name }] })) as { SecretID: string }).SecretID;
      },
    };
  }

  test('sees the services that its token may read, by Bearer and by Basic', async () => {
    const { prometheus, tokenWith } = await secured();
    await using _ = prometheus;
    const token = await tokenWith('service "web" { policy = "read" }');
    const other = await tokenWith('service "web-admin" { policy = "read" }');
    const all = await tokenWith('service_prefix "" { policy = "read" } namespace "shop" { service_prefix "" { policy = "read" } }');
    for (const authorization of [`Bearer ${token}`, `Basic ${Buffer.from(`prometheus:${token}`).toString('base64')}`]) {
      expect(await prometheus.ids('', { authorization })).toEqual(['w1']);
      expect(await prometheus.ids('?namespace=*', { authorization })).toEqual(['w1']);
      expect(await prometheus.ids('?service=web-admin', { authorization })).toEqual([]);
      expect(await prometheus.ids('?namespace=shop', { authorization })).toEqual([]);
    }
    expect(await prometheus.ids('', { authorization: `Bearer ${other}` })).toEqual(['a1']);
    expect(await prometheus.ids('?namespace=*', { authorization: `Bearer ${all}` })).toEqual(expect.arrayContaining(['a1', 's1', 'w1']));
    expect(await prometheus.ids()).toEqual([]);
  });

  test('with a wrong token gets an error, so that Prometheus keeps its targets', async () => {
    const { prometheus } = await secured();
    await using _ = prometheus;
    const { status, headers, text } = await prometheus.ask('', { headers: { authorization: 'Bearer wrong' } });
    expect([status, headers.get('www-authenticate'), text]).toEqual([401, 'Basic realm="rollcall"', expect.stringContaining('unauthenticated')]);
  });

  test('with a header without a token that can be read gets an error, too', async () => {
    const { prometheus, tokenWith } = await secured();
    await using _ = prometheus;
    // As Prometheus 2.42 sends `authorization: { credentials: … }`.
    const authorization = await tokenWith('service "web" { policy = "read" }');
    expect(await prometheus.ask('', { headers: { authorization } })).toMatchObject({ status: 401, text: expect.stringContaining('write type: Bearer') as string });
    await using open = await Prometheus.start();
    expect((await open.ask('', { headers: { authorization } })).status).toBe(200);
  });

  test('sees a change of its rights at once', async () => {
    const { prometheus, tokenWith } = await secured();
    await using _ = prometheus;
    const authorization = `Bearer ${await tokenWith('service "web" { policy = "read" }')}`;
    expect(await prometheus.ids('', { authorization })).toEqual(['w1']);
    const headers = { 'x-consul-token': management };
    const { ID } = (await (await fetch(`${prometheus.server.url}/v1/acl/policy/name/p0`, { headers })).json()) as { ID: string };
    const Rules = 'service "web-admin" { policy = "read" }';
    await fetch(`${prometheus.server.url}/v1/acl/policy/${ID}`, { method: 'PUT', headers, body: JSON.stringify({ Name: 'p0', Rules }) });
    expect(await prometheus.ids('', { authorization })).toEqual(['a1']);
  });

  test('that is a web page of another origin is refused', async () => {
    await using prometheus = await Prometheus.start();
    const { status } = await prometheus.ask('', { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(status).toBe(403);
  });
});

test('a server that does not follow its store shows all targets that it knows', async () => {
  const { held, one } = await heldServers();
  const command = { kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances: [web] } as const;
  await one.registry.submit(command);
  held.unreachable = true;
  held.cut(new RegistryError('unavailable', 'the connection was reset'));
  await turnsUntil(() => one.registry.staleMs > 0);
  const response = await fetch(`${one.url}/prometheus/v1/sd?service=web`);
  expect(response.status).toBe(200);
  expect(((await response.json()) as Group[]).flatMap(({ targets }) => targets)).toEqual(['10.0.0.1:80']);
});
