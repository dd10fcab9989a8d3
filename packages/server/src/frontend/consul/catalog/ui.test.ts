import { afterAll, beforeAll, expect, test } from 'vitest';
import { Consul } from '../consul.case.ts';

let consul: Consul;
interface Summary {
  readonly Name: string;
  readonly InstanceCount: number;
}
interface NodeInfo {
  readonly Node: string;
  readonly Services: readonly { readonly ID: string }[];
  readonly Checks: readonly { readonly CheckID: string }[];
}
const ask = (path: string) => fetch(`${consul.server.url}/v1/internal/ui/${path}`);
const summaries = async (query = '') => (await (await ask(`services${query}`)).json()) as Summary[];
const web = (all: readonly Summary[]) => all.find(({ Name }) => Name === 'web');
const put = async (path: string, body: unknown) => {
  const response = await fetch(`${consul.server.url}/v1/${path}`, { method: 'PUT', body: JSON.stringify(body) });
  expect(response.status).toBe(200);
};

beforeAll(async () => {
  consul = await Consul.start();
  const check = { CheckID: 'disk', Name: 'disk', Status: 'warning' };
  const instance = (id: string, status: string, meta = {}) => ({
    Node: 'rack', Address: '10.0.0.9', Service: { Service: 'web', ID: id, Tags: [id, 'a'], Meta: meta }, Checks: [{ CheckID: `c-${id}`, Name: 'c', Status: status, ServiceID: id }],
  });
  await put('catalog/register', { Node: 'rack', Address: '10.0.0.9', Check: check });
  await put('catalog/register', instance('web-1', 'passing', { 'external-source': 'nomad' }));
  await put('catalog/register', instance('web-2', 'critical'));
});
afterAll(() => consul[Symbol.asyncDispose]());

test('services are summarised, and a check of a node counts once for all of its instances', async () => {
  expect(web(await summaries())).toEqual({
    ...{ Name: 'web', Datacenter: 'dc1', Tags: ['a', 'web-1', 'web-2'], Nodes: ['rack'], ExternalSources: ['nomad'], InstanceCount: 2 },
    ...{ ChecksPassing: 1, ChecksWarning: 1, ChecksCritical: 1, GatewayConfig: {} },
    ...{ TransparentProxy: false, ConnectNative: false, ConnectedWithProxy: false, ConnectedWithGateway: false },
  });
});

test('a filter leaves out instances, and services without a matching one', async () => {
  const found = await summaries(`?filter=${encodeURIComponent('Service.ID == "web-2"')}`);
  expect(found.map(({ Name, InstanceCount }) => [Name, InstanceCount])).toEqual([['web', 1]]);
});

test('nodes are listed with their instances and checks', async () => {
  const nodes = (await (await ask('nodes')).json()) as NodeInfo[];
  const rack = nodes.find(({ Node }) => Node === 'rack') as NodeInfo;
  expect(Object.keys(rack)).toEqual(['ID', 'Node', 'Address', 'TaggedAddresses', 'Meta', 'Services', 'Checks']);
  expect(rack.Services.map(({ ID }) => ID)).toEqual(['web-1', 'web-2']);
  expect(rack.Checks.map(({ CheckID }) => CheckID)).toEqual(['c-web-1', 'c-web-2', 'disk']);
  expect(await (await ask('node/rack')).json()).toEqual(rack);
  expect((await ask('node/none')).status).toBe(404);
});

test('a list waits for a change of its content', async () => {
  const index = (await ask('services')).headers.get('x-consul-index');
  const waiting = summaries(`?index=${index}&wait=10s`);
  await put('catalog/register', { Node: 'rack', Address: '10.0.0.9', SkipNodeUpdate: true, Check: { Node: 'rack', CheckID: 'c-web-2', Name: 'c', Status: 'passing', ServiceID: 'web-2' } });
  expect(web(await waiting)).toMatchObject({ ChecksPassing: 2, ChecksCritical: 0 });
});

test('a filter that is allowed for one service is refused if all services together cost too much', async () => {
  const text = 'a'.repeat(500);
  for (const id of Array.from({ length: 80 }, (_, at) => `s-${at}`)) {
    await put('catalog/register', { Node: 'rack', Address: '10.0.0.9', SkipNodeUpdate: true, Service: { Service: id, ID: id, Meta: { text } } });
  }
  const costly = Array.from({ length: 3 }, () => 'Service.Meta.text matches "(a?){60}b"').join(' or ');
  const filtered = (expression: string) => ask(`services?filter=${encodeURIComponent(expression)}`);
  expect((await filtered(`Service.Service == "s-1" and (${costly})`)).status).toBe(200);
  const all = await filtered(costly);
  expect([all.status, await all.text()]).toEqual([400, expect.stringMatching(/too/)]);
});
