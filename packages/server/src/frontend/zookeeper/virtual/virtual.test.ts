/** Instances of other protocols in the tree, and znodes of Curator's clients in other protocols. */

import { describe, expect, test } from 'vitest';
import type { Server } from '../../../server.ts';
import { modes, openAcl, TestClient, zookeeperServer } from '../zookeeper.case.ts';

async function started(zookeeper: object = {}): Promise<{ server: Server; zk: TestClient; port: number }> {
  const { server, port } = await zookeeperServer({ zookeeper });
  return { server, port, zk: await TestClient.connected(port) };
}

async function register(server: Server, id: string, more: object = {}): Promise<void> {
  const body = JSON.stringify({ ID: id, Name: 'web', Address: '10.0.0.1', Port: 80, Meta: { team: 'a' }, ...more });
  const { status } = await fetch(`${server.url}/v1/agent/service/register`, { method: 'PUT', body });
  expect(status).toBe(200);
}

async function deregister(server: Server, id: string): Promise<void> {
  expect((await fetch(`${server.url}/v1/agent/service/deregister/${id}`, { method: 'PUT' })).status).toBe(200);
}

async function json(zk: TestClient, path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await zk.text(path)) as Record<string, unknown>;
}

const curator = (id: string, port: number) => JSON.stringify({ name: 'web', id, address: '10.0.0.9', port, sslPort: null, payload: null, registrationTimeUTC: 1, serviceType: 'DYNAMIC', uriSpec: null });

describe('an instance of another protocol', () => {
  test('is a znode below its service, in the form of Curator', async () => {
    const { server, zk } = await started();
    expect(await zk.exists('/services')).toBe(false);
    await register(server, 'web-1');
    expect(await zk.children('/')).toEqual(['services', 'zookeeper']);
    expect(await zk.children('/services')).toEqual(['web']);
    expect(await zk.children('/services/web')).toEqual(['web-1@server-1']);
    expect(await json(zk, '/services/web/web-1@server-1')).toMatchObject({ name: 'web', id: 'web-1@server-1', address: '10.0.0.1', port: 80, payload: null, serviceType: 'DYNAMIC' });
    const { stat } = await zk.get('exists', { path: '/services/web', watch: false });
    expect(stat).toMatchObject({ numChildren: 1, version: 0 });
    expect((await zk.get('getAllChildrenNumber', { path: '/services' })).totalNumber).toBe(2);
  });

  test.each([
    ['spring', 'org.springframework.cloud.zookeeper.discovery.ZookeeperInstance'],
    ['dubbo', 'org.apache.dubbo.registry.zookeeper.ZookeeperInstance'],
  ])('has the class of the family %s', async (family, name) => {
    const { server, zk } = await started({ family, base: '/apps/services' });
    await register(server, 'web-1');
    expect(await zk.children('/apps')).toEqual(['services']);
    expect(await json(zk, '/apps/services/web/web-1@server-1')).toMatchObject({ payload: { '@class': name, metadata: { team: 'a' } } });
  });

  test('cannot be written by a znode', async () => {
    const { server, zk } = await started();
    await register(server, 'web-1');
    const path = '/services/web/web-1@server-1';
    expect(await zk.errorOf('setData', { path, data: null, version: -1 })).toBe('noAuth');
    expect(await zk.errorOf('delete', { path, version: -1 })).toBe('noAuth');
    expect(await zk.errorOf('setACL', { path, acl: openAcl, version: -1 })).toBe('noAuth');
    expect(await zk.errorOf('delete', { path: '/services/web', version: -1 })).toBe('noAuth');
  });

  test('stands beside znodes of the same service, whose parents are created with the first of them', async () => {
    const { server, zk } = await started();
    await register(server, 'web-1');
    await zk.create('/services/web/i1', curator('i1', 81), modes.ephemeral);
    expect(await zk.children('/services/web')).toEqual(['i1', 'web-1@server-1']);
    expect((await zk.get('exists', { path: '/services/web', watch: false })).stat.numChildren).toBe(2);
    const listed = (await (await fetch(`${server.url}/v1/health/service/web`)).json()) as { Service: { Port: number } }[];
    expect(listed.map(({ Service }) => Service.Port).sort((a, b) => a - b)).toEqual([80, 81]);
    await zk.close();
    const left = (await (await fetch(`${server.url}/v1/health/service/web`)).json()) as { Service: { Port: number } }[];
    expect(left.map(({ Service }) => Service.Port)).toEqual([80]);
  });

  test('fires watches when it comes, changes and goes', async () => {
    const { server, zk, port } = await started();
    await register(server, 'web-0');
    const all = await TestClient.connected(port);
    await all.get('addWatch', { path: '/services', mode: 1 });
    await zk.children('/services/web', true);
    await zk.exists('/services/web/web-1@server-1', true);
    await register(server, 'web-1');
    expect((await zk.event(2)).sort()).toEqual(['childrenChanged /services/web', 'created /services/web/web-1@server-1']);
    zk.heard.length = 0;
    await zk.text('/services/web/web-1@server-1', true);
    await register(server, 'web-1', { Port: 8080 });
    expect(await zk.event()).toEqual(['dataChanged /services/web/web-1@server-1']);
    zk.heard.length = 0;
    await zk.children('/services/web', true);
    await deregister(server, 'web-1');
    expect(await zk.event()).toEqual(['childrenChanged /services/web']);
    const path = '/services/web/web-1@server-1';
    expect(await all.event(3)).toEqual([`created ${path}`, `dataChanged ${path}`, `deleted ${path}`]);
  });

  test('that is critical is not shown, and its service appears and goes with events', async () => {
    const { server, zk } = await started();
    await zk.exists('/services/web', true);
    await register(server, 'web-1', { Check: { CheckID: 'c', TTL: '60s', Status: 'passing' } });
    expect(await zk.event()).toEqual(['created /services/web']);
    zk.heard.length = 0;
    await zk.children('/services/web', true);
    expect((await fetch(`${server.url}/v1/agent/check/fail/c`, { method: 'PUT' })).status).toBe(200);
    expect(await zk.event()).toEqual(['childrenChanged /services/web']);
    expect(await zk.children('/services/web', true)).toEqual([]);
    zk.heard.length = 0;
    await deregister(server, 'web-1');
    await zk.event();
    expect(await zk.exists('/services/web')).toBe(false);
  });
});

test('a znode of Curator is an instance of other protocols, with its data as its client wrote it', async () => {
  const { server, zk } = await started();
  await zk.get('createContainer', { path: '/services', data: null, acl: openAcl, flags: modes.container });
  await zk.get('createContainer', { path: '/services/web', data: null, acl: openAcl, flags: modes.container });
  await zk.create('/services/web/i1', curator('i1', 81), modes.ephemeral);
  const listed = (await (await fetch(`${server.url}/v1/catalog/service/web`)).json()) as { ServiceAddress: string; ServicePort: number }[];
  expect(listed).toMatchObject([{ ServiceAddress: '10.0.0.9', ServicePort: 81 }]);
  await zk.set('/services/web/i1', curator('i1', 82));
  expect(await zk.text('/services/web/i1')).toBe(curator('i1', 82));
  expect(await zk.children('/services/web')).toEqual(['i1']);
  const again = (await (await fetch(`${server.url}/v1/catalog/service/web`)).json()) as { ServicePort: number }[];
  expect(again.map(({ ServicePort }) => ServicePort)).toEqual([82]);
});

describe('a provider of Dubbo that another protocol registered', () => {
  const list = '/dubbo/org.acme.Outer%24Greeter/providers';
  const nacos = { Name: 'providers:org.acme.Outer$Greeter:1.0.0:', Port: 20_880, Meta: { interface: 'org.acme.Outer$Greeter', protocol: 'dubbo', path: 'org.acme.Outer$Greeter', side: 'provider', category: 'providers', version: '1.0.0' } };
  /** As each consumer does before it reads. */
  async function created(zk: TestClient): Promise<void> {
    for (const path of ['/dubbo', '/dubbo/org.acme.Outer%24Greeter', list]) await zk.create(path);
  }
  const urls = async (zk: TestClient) => (await zk.children(list)).map((name) => decodeURIComponent(name).replace(/&rollcall.*/, ''));

  test('is a znode below its interface, with its URL as the name, once a consumer has created the parent', async () => {
    const { server, zk } = await started();
    await register(server, 'g1', nacos);
    await register(server, 'g2', { Name: 'org.acme.Outer$Greeter', Port: 20_881, Meta: { url: 'tri://10.0.0.1:20881/org.acme.Outer$Greeter?interface=org.acme.Outer$Greeter' } });
    await register(server, 'other', { Name: 'org.acme.Outer$Greeter' });
    expect(await zk.exists(list, true)).toBe(false);
    await created(zk);
    expect(await zk.event()).toEqual([`created ${list}`]);
    expect(await urls(zk)).toEqual([
      'dubbo://10.0.0.1:20880/org.acme.Outer$Greeter?interface=org.acme.Outer$Greeter&side=provider&category=providers&version=1.0.0',
      'tri://10.0.0.1:20881/org.acme.Outer$Greeter?interface=org.acme.Outer$Greeter&category=providers&side=provider',
    ]);
    const [name = ''] = await zk.children(list);
    expect(await zk.exists(`${list}/${name}`)).toBe(true);
    expect(await zk.errorOf('delete', { path: `${list}/${name}`, version: -1 })).toBe('noAuth');
    expect(await zk.exists(`/dubbo/org.acme.Other/providers/${name}`)).toBe(false);
    expect((await zk.get('exists', { path: list, watch: false })).stat.numChildren).toBeGreaterThanOrEqual(2);
  });

  test('stands beside those that registered here, and fires watches when it comes, changes and goes', async () => {
    const { server, zk, port } = await started();
    await created(zk);
    await zk.create(`${list}/${encodeURIComponent('dubbo://10.0.0.9:20880/org.acme.Outer$Greeter?interface=org.acme.Outer$Greeter')}`, '', modes.ephemeral);
    const all = await TestClient.connected(port);
    await all.get('addWatch', { path: '/dubbo', mode: 1 });
    const heard = async (change: () => Promise<void>): Promise<void> => {
      zk.heard.length = 0;
      await zk.children(list, true);
      await change();
      expect(await zk.event()).toEqual([`childrenChanged ${list}`]);
    };
    await heard(() => register(server, 'g1', { ...nacos, Check: { CheckID: 'c', TTL: '60s', Status: 'passing' } }));
    expect(await urls(zk)).toHaveLength(2);
    await heard(() => register(server, 'g1', { ...nacos, Port: 20_881, Check: { CheckID: 'c', TTL: '60s', Status: 'passing' } }));
    await heard(async () => void (await fetch(`${server.url}/v1/agent/check/fail/c`, { method: 'PUT' })));
    expect(await urls(zk)).toEqual(['dubbo://10.0.0.9:20880/org.acme.Outer$Greeter?interface=org.acme.Outer$Greeter']);
    expect((await all.event(4)).map((event) => event.split(' ')[0])).toEqual(['created', 'deleted', 'created', 'deleted']);
  });
});
