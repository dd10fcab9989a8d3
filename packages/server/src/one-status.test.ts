/** On a real server, every protocol sends traffic to the same instances, and shows the same status. */

import { administrativeStatuses, getsTraffic, type AdministrativeStatus, type CheckStatus } from '@rollcall/protocol';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askOverTcp } from './frontend/dns/ask.case.ts';
import { SocketClient } from './frontend/stream/socket-client.case.ts';
import { memory } from './engine/memory/memory.ts';
import { statuses } from './registry/kind/catalog/effective-status.ts';
import { instancesOfService } from './registry/kind/catalog/find.ts';
import { createServer, type Server } from './server.ts';

interface Said {
  readonly status: AdministrativeStatus;
  readonly override: AdministrativeStatus | undefined;
  readonly enabled: boolean;
  readonly check: CheckStatus | 'maintenance' | undefined;
  /** Whether the instance has a node, and the status of the node's check. */
  readonly node: CheckStatus | 'none';
}

/** Every administrative status alone and with some overrides, each with some checks. */
const all: readonly Said[] = administrativeStatuses.flatMap((status) =>
  ([undefined, 'up', 'out_of_service', 'draining'] as const).flatMap((override) =>
    ([['passing', 'passing'], ['warning', 'none'], [undefined, 'warning'], ['critical', 'none'], ['maintenance', 'passing'], ['passing', 'critical']] as const).map(
      ([check, node]) => ({ status, override, check, node, enabled: check !== undefined || override !== undefined }),
    ),
  ),
);

let server: Server;

beforeAll(async () => {
  server = await createServer({ engine: memory(), dns: { port: 0 } });
  for (const [at, said] of all.entries()) await register(at, said);
});
afterAll(() => server.close());

async function register(at: number, { status, override, enabled, check, node: nodeStatus }: Said): Promise<void> {
  const id = `i${at}`;
  const node = nodeStatus === 'none' ? { name: '', address: '' } : { name: `n${at}`, address: '10.1.0.1' };
  const checkId = check === 'maintenance' ? `_service_maintenance:${id}` : `check ${id}`;
  const own = check === undefined ? [] : [{ id: checkId, name: 'own', instance: id, status: check === 'maintenance' ? ('critical' as const) : check }];
  const ofNode = nodeStatus === 'none' ? [] : [{ id: 'node', name: 'node', status: nodeStatus }];
  await server.registry.submit({
    ...{ kind: 'register', namespace: 'default', node, nodeMode: nodeStatus === 'none' ? 'none' : 'update', checks: [...own, ...ofNode] },
    instances: [{ id, service: 'web', address: '10.0.0.1', port: 1_000 + at, status, enabled }],
  });
  if (override !== undefined) await server.registry.submit({ kind: 'instance-status', namespace: 'default', node: node.name, id, override });
}

/** The core's status of each instance. */
function expected(): Map<string, string> {
  const statusOf = statuses(server.registry.state);
  return new Map(Array.from(instancesOfService(server.registry.state, 'default', 'web'), (row) => [row.id, statusOf(row)]));
}

function idsWith(status: (word: string) => boolean): string[] {
  return [...expected()].filter(([, word]) => status(word)).map(([id]) => id).sort();
}

const ready = () => idsWith((word) => getsTraffic(word as never));

async function consul(path: string): Promise<{ id: string; node: string; statuses: string[] }[]> {
  const answer = await fetch(`${server.url}/v1/${path}`);
  const body = (await answer.json()) as unknown;
  const entries = (Array.isArray(body) ? body : (body as { Nodes: unknown[] }).Nodes) as {
    Node: { Node: string };
    Service: { ID: string };
    Checks: { Node: string; Status: string }[];
  }[];
  return entries.map(({ Node, Service, Checks }) => ({ id: Service.ID, node: Node.Node, statuses: Checks.map(({ Status }) => Status) }));
}

it('the test data has instances of every effective status, with and without a node', () => {
  expect(new Set(expected().values())).toEqual(new Set(['passing', 'warning', 'starting', 'draining', 'critical', 'maintenance']));
  expect(ready().length).toBeGreaterThan(5);
});

it('Consul’s API shows the effective status as checks, and filters by it with ?passing', async () => {
  const found = await consul('health/service/web');
  expect(found.length).toBe(all.length);
  expect(found.filter((one) => !one.statuses.includes('critical')).map(({ id }) => id).sort()).toEqual(ready());
  expect((await consul('health/service/web?passing')).map(({ id }) => id).sort()).toEqual(idsWith((word) => word === 'passing'));
  expect(found.filter(({ node }) => node === '')).toEqual([]);
});

it('a prepared query filters by the effective status', async () => {
  const query = { Name: 'web', Service: { Service: 'web' } };
  await fetch(`${server.url}/v1/query`, { method: 'POST', body: JSON.stringify(query) });
  expect((await consul('query/web/execute')).map(({ id }) => id).sort()).toEqual(ready());
});

it('DNS filters by the effective status', async () => {
  const { answers } = await askOverTcp(server.ports["dns"] as number, 'web.service.consul', 'SRV');
  const ids = answers.map((answer) => `i${(answer as unknown as { data: { port: number } }).data.port - 1_000}`);
  expect(ids.sort()).toEqual(ready());
});

it('the native stream shows the effective status by the same name', async () => {
  const client = await SocketClient.greeted(server.url);
  const answer = await client.ask({ type: 'get', view: { kind: 'service', name: 'web' } });
  const items = answer['items'] as { id: string; status: string }[];
  expect(new Map(items.map(({ id, status }) => [id, status]))).toEqual(expected());
  client.webSocket.terminate();
});

it('each protocol follows an override that is set and cleared', async () => {
  const [id] = ready() as [string];
  const { node } = [...instancesOfService(server.registry.state, 'default', 'web')].find((row) => row.id === id) as { node: string };
  const seen = async () => {
    const { answers } = await askOverTcp(server.ports["dns"] as number, 'web.service.consul', 'SRV');
    const inDns = answers.some((answer) => (answer as unknown as { data: { port: number } }).data.port === 1_000 + Number(id.slice(1)));
    return [inDns, (await consul('query/web/execute')).some((one) => one.id === id)];
  };
  const index = async () => (await fetch(`${server.url}/v1/health/service/web`)).headers.get('x-consul-index');
  const before = await index();
  await server.registry.submit({ kind: 'instance-status', namespace: 'default', node, id, override: 'out_of_service' });
  // The index of DNS may be up to a second older.
  await expect.poll(seen).toEqual([false, false]);
  expect(Number(await index())).toBeGreaterThan(Number(before));
  await server.registry.submit({ kind: 'instance-status', namespace: 'default', node, id, override: null });
  await expect.poll(seen).toEqual([true, true]);
});
