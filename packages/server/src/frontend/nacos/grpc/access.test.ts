/**
 * Access control on Nacos' gRPC: every message for every kind of caller, by what its table declares; isolation of namespaces; and
 * rights that change while a connection is open.
 */

import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { findCheck, findInstance, instancesOfService } from '../../../registry/kind/catalog/find.ts';
import { grantor, management, type Grantor } from '../../../security/grantor.case.ts';
import type { Server } from '../../../server.ts';
import { hostsOf, NacosClient, nacosServer } from './client.case.ts';
import { messageTypes } from './messages.ts';
import type { JsonObject, Payload } from './wire.ts';

let server: Server;
let port: number;
let grants: Grantor;

beforeEach(async () => {
  ({ server, port } = await nacosServer({ acl: { initialManagement: management } }));
  grants = grantor(server.registry);
});
afterEach(() => grants.close());

const connected = (token?: string) => NacosClient.connected(port, token === undefined ? {} : { token });
const service = { serviceName: 'web', groupName: 'DEFAULT_GROUP' };
const instance = { ip: '10.0.0.1', port: 80 };
const config = { dataId: 'app.yaml', group: 'DEFAULT_GROUP' };

/** A request of each type, in a namespace. */
const samples: Readonly<Record<string, (namespace: string) => JsonObject>> = {
  HealthCheckRequest: () => ({}),
  InstanceRequest: (namespace) => ({ namespace, ...service, type: 'registerInstance', instance: { ...instance, ephemeral: true } }),
  BatchInstanceRequest: (namespace) => ({ namespace, ...service, type: 'batchRegisterInstance', instances: [instance] }),
  PersistentInstanceRequest: (namespace) => ({ namespace, ...service, type: 'registerInstance', instance: { ...instance, ephemeral: false } }),
  ServiceQueryRequest: (namespace) => ({ namespace, ...service }),
  SubscribeServiceRequest: (namespace) => ({ namespace, ...service, subscribe: true }),
  ServiceListRequest: (namespace) => ({ namespace, groupName: 'DEFAULT_GROUP', pageNo: 1, pageSize: 10 }),
  NamingFuzzyWatchRequest: (namespace) => ({ namespace, groupKeyPattern: `${namespace}>>*>>*`, watchType: 'WATCH', initializing: true }),
  ConfigQueryRequest: (namespace) => ({ tenant: namespace, ...config }),
  ConfigPublishRequest: (namespace) => ({ tenant: namespace, ...config, content: 'azure' }),
  ConfigRemoveRequest: (namespace) => ({ tenant: namespace, ...config }),
  ConfigBatchListenRequest: (namespace) => ({ listen: true, configListenContexts: [{ tenant: namespace, ...config, md5: '' }] }),
};

/** The resource under the names of the samples. */
const rulesFor = (resource: string, level: string) => (resource === 'service' ? `service "web" { policy = "${level}" }` : `config "DEFAULT_GROUP/app.yaml" { policy = "${level}" }`);
const others = 'service_prefix "" { policy = "write" } key_prefix "" { policy = "write" } config_prefix "" { policy = "write" } node_prefix "" { policy = "write" } operator = "write"';

async function fill(namespace: string): Promise<void> {
  const owner = await connected(management);
  expect(await owner.ask('InstanceRequest', samples['InstanceRequest']?.(namespace) as object)).toMatchObject({ body: { resultCode: 200 } });
  expect(await owner.ask('ConfigPublishRequest', samples['ConfigPublishRequest']?.(namespace) as object)).toMatchObject({ body: { resultCode: 200 } });
}

const isDenied = ({ body }: Payload) => body['resultCode'] === 500 && body['errorCode'] === 403;

describe('every message', () => {
  const types = Object.entries(messageTypes);

  test('has a sample here', () => {
    expect(Object.keys(samples).sort()).toEqual(types.map(([type]) => type).sort());
  });

  test.each(types)('%s asks for what it declares', async (type, { access }) => {
    await fill('public');
    const body = samples[type]?.('public') as JsonObject;
    const ask = async (secret: string | undefined) => (await connected(secret)).ask(type, body);
    const tokenWith = async (rules: string) => (await grants.token(rules)).secret;
    expect(isDenied(await ask('no such token')), 'a wrong token').toBe(true);
    expect(await ask(management), 'a management token').toMatchObject({ body: { resultCode: 200 } });
    if (access.kind === 'open') {
      expect(await ask(undefined), 'no token').toMatchObject({ body: { resultCode: 200 } });
      return;
    }
    if (access.kind === 'filters') {
      const visible = async (secret: string | undefined) => {
        const client = await connected(secret);
        const answer = await client.ask(type, body);
        expect(answer).toMatchObject({ body: { resultCode: 200 } });
        const pushed = type === 'NamingFuzzyWatchRequest' ? await client.pushed('NamingFuzzyWatchSyncRequest') : undefined;
        return JSON.stringify([answer.body, pushed]).includes('web');
      };
      expect(await visible(undefined), 'no token').toBe(false);
      expect(await visible(await tokenWith(rulesFor('service', 'read'))), 'a reader').toBe(true);
      expect(await visible(await tokenWith(`${others} ${rulesFor('service', 'deny')}`)), 'a writer of all else').toBe(false);
      return;
    }
    if (access.kind !== 'demands-by-name') throw new Error(`no expectation for access ${access.kind}`);
    const { resource, verb } = access;
    expect(isDenied(await ask(undefined)), 'no token').toBe(true);
    expect(isDenied(await ask(await tokenWith(`${others} ${rulesFor(resource, 'deny')}`))), 'a writer of all else').toBe(true);
    expect(isDenied(await ask(await tokenWith(rulesFor(resource, 'read')))), 'a reader').toBe(verb === 'write');
    expect(isDenied(await ask(await tokenWith(rulesFor(resource, 'write')))), 'a writer').toBe(false);
  });
});

describe('isolation of namespaces', () => {
  test.each(Object.keys(samples))('%s tells and changes nothing in a namespace without rights', async (type) => {
    await fill('blue');
    const body = samples[type]?.('blue') as JsonObject;
    const { revision } = server.registry.state;
    for (const rules of [undefined, others, `namespace "red" { service_prefix "" { policy = "write" } key_prefix "" { policy = "write" } }`]) {
      const secret = rules === undefined ? undefined : (await grants.token(rules)).secret;
      const before = server.registry.state.revision;
      const client = await connected(secret);
      const answer = await client.ask(type, body);
      // A watch and a list look as in a namespace that does not exist.
      const same = await client.ask(type, samples[type]?.('green') as JsonObject);
      const shown = (payload: Payload) => JSON.stringify(payload.body).replaceAll(/blue|green/g, 'N').replaceAll(/"lastRefTime":\d+/g, '');
      expect(shown(answer), rules).toBe(shown(same));
      expect(JSON.stringify([answer.body, client.pushes.map((push) => push.body)])).not.toMatch(/azure|10\.0\.0\.1/);
      expect(server.registry.state.revision, rules).toBe(before);
    }
    expect(server.registry.state.revision).toBeGreaterThan(revision - 1);
    expect([...instancesOfService(server.registry.state, 'blue', 'web')]).toHaveLength(1);
  });

  test('a namespace that does not exist is created only for a caller who may, and the error says how', async () => {
    const { secret } = await grants.token('namespace "new" { service_prefix "" { policy = "write" } }');
    const client = await connected(secret);
    const answer = await client.ask('InstanceRequest', samples['InstanceRequest']?.('new') as object);
    expect(answer.body).toMatchObject({ errorCode: 404, message: expect.stringMatching(/namespace '?new'? does not exist/) as string });
    const operator = await connected((await grants.token(others)).secret);
    expect(await operator.ask('InstanceRequest', samples['InstanceRequest']?.('new') as object)).toMatchObject({ type: 'InstanceResponse' });
  });
});

describe('rights that change', () => {
  const id = '10.0.0.1#80#DEFAULT#DEFAULT_GROUP@@web';

  test('a subscriber who may not read the service any more gets no further push', async () => {
    const token = await grants.token('service_prefix "" { policy = "read" }');
    const reader = await connected(token.secret);
    const writer = await connected(management);
    await reader.subscribe('web');
    await reader.subscribe('other');
    await writer.register('web', 80);
    expect(hostsOf(await reader.pushed('NotifySubscriberRequest'))).toHaveLength(1);
    await grants.change(token, 'service "other" { policy = "read" }');
    await writer.register('web', 81);
    await writer.register('other', 80);
    expect(await reader.pushed('NotifySubscriberRequest')).toMatchObject({ serviceInfo: { name: 'other' } });
    expect(reader.pushes).toEqual([]);
    expect(isDenied(await reader.subscribe('web'))).toBe(true);
  });

  test('a listener who may not read the configuration any more is not told of changes', async () => {
    const token = await grants.token('config_prefix "" { policy = "read" }');
    const reader = await connected(token.secret);
    const writer = await connected(management);
    const listen = (dataId: string) => reader.ask('ConfigBatchListenRequest', { listen: true, configListenContexts: [{ ...config, dataId, tenant: '', md5: '' }] });
    await listen('a');
    await listen('b');
    await grants.change(token, 'config "DEFAULT_GROUP/b" { policy = "read" }');
    for (const dataId of ['a', 'b']) await writer.ask('ConfigPublishRequest', { ...config, dataId, content: 'x' });
    expect(await reader.pushed('ConfigChangeNotifyRequest')).toMatchObject({ dataId: 'b' });
    expect(reader.pushes).toEqual([]);
  });

  test('a connection whose token is gone ends; its instances stay unchanged, and go to the next token', async () => {
    const token = await grants.token(rulesFor('service', 'write'));
    const client = await connected(token.secret);
    await client.register('web', 80);
    await grants.revoke(token);
    await client.ended;
    expect(findCheck(server.registry.state, 'default', '', `stream:${id}`)).toMatchObject({ status: 'passing' });
    const again = await connected((await grants.token(rulesFor('service', 'write'))).secret);
    await again.register('web', 80);
    expect(findInstance(server.registry.state, 'default', '', id)).toBeDefined();
  });

  test('a wrong token is refused by each call, and nothing is registered', async () => {
    const client = await connected('wrong');
    expect(await client.register('web', 80)).toMatchObject({ type: 'InstanceResponse', body: { resultCode: 500, errorCode: 403, success: false } });
    expect(findInstance(server.registry.state, 'default', '', id)).toBeUndefined();
    onTestFinished(() => client.close());
  });
});
