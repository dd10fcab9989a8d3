/** Several servers on one store: they show the same state, forward heartbeats, and one may leave without harm to clients. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { OneStore } from './one-store.case.ts';
import { membersOf } from './registry/kind/member/find.ts';
import type { Server } from './server.ts';

let all: OneStore;
let servers: readonly Server[];

beforeEach(async () => {
  all = await OneStore.with(['s1', 's2', 's3']);
  ({ servers } = all);
});
afterEach(() => all.close());

const at = (index: number) => all.at(index);

async function call(index: number, method: string, path: string, body?: unknown) {
  const response = await fetch(`${at(index).url}${path}`, {
    method,
    headers: { 'x-rollcall-node': 'worker-1' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, index: Number(response.headers.get('x-consul-index')), text, json: (): unknown => JSON.parse(text) };
}

const registration = { Name: 'web', ID: 'web-1', Port: 80, Check: { TTL: '10s', Status: 'passing' } };

describe('servers on one store', () => {
  it('are members of it, with the URLs at which they reach each other', async () => {
    await all.settled();
    for (const { registry } of servers) {
      expect(membersOf(registry.state).map(({ name, address, epoch }) => [name, address, epoch])).toEqual(
        servers.map(({ url }, index) => [`s${index + 1}`, url, index + 1]),
      );
    }
  });

  it.each([
    '/v1/catalog/services', '/v1/catalog/nodes', '/v1/catalog/service/web', '/v1/health/service/web', '/v1/health/state/any', '/v1/catalog/node/worker-1',
    '/v1/kv/a?recurse', '/v1/kv/a/b', '/v1/session/list', '/v1/status/leader', '/v1/status/peers', '/v1/operator/raft/configuration',
  ])('answer %s alike, with the same index', async (path) => {
    await call(0, 'PUT', '/v1/agent/service/register', registration);
    await call(1, 'PUT', '/v1/kv/a/b', 'x');
    await call(2, 'PUT', '/v1/kv/a/c', 'y');
    await all.settled();
    const answers = await Promise.all([0, 1, 2].map((index) => call(index, 'GET', path)));
    const [first] = answers;
    for (const { status, index, text } of answers) expect({ status, index, text }).toEqual({ status: first?.status, index: first?.index, text: first?.text });
  });

  it('are the agents that Consul’s API marks as servers', async () => {
    await all.settled();
    for (const index of [0, 1, 2]) {
      const members = (await call(index, 'GET', '/v1/agent/members')).json() as { Name: string; Tags: { role: string; expect: string } }[];
      expect(members.map(({ Name, Tags }) => [Name, Tags.role, Tags.expect])).toEqual(['s1', 's2', 's3'].map((name) => [name, 'consul', '3']));
      const health = (await call(index, 'GET', '/v1/operator/autopilot/health')).json() as { FailureTolerance: number; Servers: { Name: string; Leader: boolean }[] };
      expect(health.FailureTolerance).toBe(2);
      expect(health.Servers.map(({ Name, Leader }) => [Name, Leader])).toEqual([['s1', true], ['s2', false], ['s3', false]]);
    }
  });

  it('never show a client that moves between them a lower index', async () => {
    let index = 0;
    for (let write = 0; write < 30; write++) {
      await call(write % 3, 'PUT', '/v1/kv/a', `${write}`);
      const read = await call((write + 1) % 3, 'GET', `/v1/kv/a?index=${index}&wait=5s`);
      expect(read.index).toBeGreaterThan(index);
      index = read.index;
    }
  });

  it('forward a heartbeat to the server that watches the check', async () => {
    await call(0, 'PUT', '/v1/agent/service/register', registration);
    await all.settled();
    expect(await call(1, 'PUT', '/v1/agent/check/pass/service:web-1')).toMatchObject({ status: 200 });
    await expect.poll(async () => (await call(1, 'GET', '/metrics')).text).toContain('rollcall_stray_heartbeats_total{outcome="forwarded"} 1');
  });

  it('agree on cas, locks and sessions', async () => {
    const session = ((await call(0, 'PUT', '/v1/session/create', { TTL: '20s', Node: 's1' })).json() as { ID: string }).ID;
    const taken = await Promise.all([0, 1, 2].map((index) => call(index, 'PUT', `/v1/kv/lock?acquire=${session}`, `${index}`)));
    expect(taken.map(({ text }) => text)).toEqual(['true', 'true', 'true']);
    const other = ((await call(1, 'PUT', '/v1/session/create', { TTL: '20s', Node: 's2' })).json() as { ID: string }).ID;
    expect((await call(2, 'PUT', `/v1/kv/lock?acquire=${other}`, 'no')).text).toBe('false');
    const created = await Promise.all([0, 1, 2].map((index) => call(index, 'PUT', '/v1/kv/once?cas=0', `${index}`)));
    expect(created.filter(({ text }) => text === 'true')).toHaveLength(1);
  });
});

/** Names of the members with their statuses: 1 alive, 4 failed. */
async function shown(index: number): Promise<Record<string, number>> {
  const members = (await call(index, 'GET', '/v1/agent/members')).json() as { Name: string; Status: number }[];
  return Object.fromEntries(members.map(({ Name, Status }) => [Name, Status]));
}

/** Nodes with a passing instance of the service `consul`. */
async function serverNodes(index: number): Promise<string[]> {
  const entries = (await call(index, 'GET', '/v1/health/service/consul?passing')).json() as { Node: { Node: string } }[];
  return entries.map(({ Node }) => Node.Node);
}

describe('a server that fails', () => {
  /** A fourth server, of which nothing is heard any more. */
  async function failed(): Promise<{ readonly wake: () => void }> {
    let wake = () => {};
    let gate = Promise.resolve();
    const engine: Engine = { ...all.engine, commit: (transaction) => gate.then(() => all.store.commit(transaction)) };
    await all.start({ engine, nodeName: 's4' });
    gate = new Promise((resolve) => (wake = resolve));
    const id = membersOf(at(0).registry.state).find(({ name }) => name === 's4')?.nodeId ?? '';
    all.store.presence.end(id);
    await expect.poll(() => membersOf(at(0).registry.state)).toHaveLength(3);
    return { wake };
  }

  it('is shown as failed, its service as critical, until it comes back', async () => {
    const { wake } = await failed();
    await expect.poll(() => shown(0)).toEqual({ s1: 1, s2: 1, s3: 1, s4: 4 });
    await expect.poll(() => serverNodes(1)).toEqual(['s1', 's2', 's3']);
    expect((await call(0, 'GET', '/metrics')).text).toContain('rollcall_members_failed 1');
    expect((await call(0, 'GET', '/v1/status/peers')).json()).toHaveLength(3);
    const health = (await call(2, 'GET', '/v1/operator/autopilot/health')).json() as { Healthy: boolean; Servers: { Name: string; SerfStatus: string }[] };
    expect(health.Healthy).toBe(false);
    expect(health.Servers.at(-1)).toMatchObject({ Name: 's4', SerfStatus: 'failed', Healthy: false });
    wake();
    await expect.poll(() => shown(0)).toEqual({ s1: 1, s2: 1, s3: 1, s4: 1 });
    await expect.poll(() => serverNodes(1)).toEqual(['s1', 's2', 's3', 's4']);
  });

  it('is forgotten by force-leave, which leaves those that live alone', async () => {
    const { wake } = await failed();
    await expect.poll(() => shown(0)).toMatchObject({ s4: 4 });
    expect(await call(0, 'PUT', '/v1/agent/force-leave/s2')).toMatchObject({ status: 200 });
    expect(await call(0, 'PUT', '/v1/agent/force-leave/s4')).toMatchObject({ status: 200 });
    expect(await shown(0)).toEqual({ s1: 1, s2: 1, s3: 1 });
    expect((await call(0, 'GET', '/metrics')).text).toContain('rollcall_members_failed 0');
    wake();
  });
});

describe('a server that leaves', () => {
  it('is no longer a member, and tells its process', async () => {
    const answer = await call(2, 'POST', '/rollcall/v1/leave');
    expect(answer).toMatchObject({ status: 200, text: '{"left":true}\n' });
    await at(2).left;
    await expect.poll(() => membersOf(at(0).registry.state).map(({ name }) => name)).toEqual(['s1', 's2']);
  });

  it('is refused when it is the only server of its store', async () => {
    await all.start({ engine: memory(), nodeName: 'alone' });
    const answer = await call(3, 'POST', '/rollcall/v1/leave');
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('this server keeps the store, or is a worker of the one that does, so it cannot leave it; stop its process instead');
  });

  it('is no longer a member after an orderly stop, nor is its node shown', async () => {
    await at(2).close();
    await expect.poll(() => membersOf(at(0).registry.state).map(({ name }) => name)).toEqual(['s1', 's2']);
    await expect.poll(() => shown(0)).toEqual({ s1: 1, s2: 1 });
  });

  it('keeps its node while services of others are registered on it', async () => {
    await at(1).registry.submit({ kind: 'register', namespace: 'default', node: { name: 's3', address: '10.0.0.3' }, nodeMode: 'ensure', instances: [{ id: 'db', service: 'db' }] });
    await at(2).close();
    await expect.poll(() => serverNodes(0)).toEqual(['s1', 's2']);
    expect(JSON.parse((await call(0, 'GET', '/v1/catalog/service/db')).text)).toHaveLength(1);
  });
});
