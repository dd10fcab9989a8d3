import { afterEach, expect, test } from 'vitest';
import { request } from 'undici';
import { follow } from './follow.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(options: ServerOptions): Promise<Server> {
  const server = await createServer(options);
  closing.push(() => server.close());
  return server;
}

test('a listener for nodes serves only nodes, also when it is the only listener', async () => {
  const primary = await start({ http: false, nodes: {}, frontends: ['peer'], followers: true });
  expect(primary.url).toBe(`http://127.0.0.1:${primary.ports['nodes']}`);
  expect(primary.forWorkers).toMatchObject({ url: primary.url, secret: expect.stringMatching(/^[\w-]{43}$/) as string });
  expect((await request(`${primary.url}/v1/status/leader`)).statusCode).toBe(404);
  expect((await request(`${primary.url}/metrics`)).statusCode).toBe(404);
});

async function worker(primary: Server, memberId: string, options: ServerOptions = {}): Promise<Server> {
  const { url, secret, nodeId } = primary.forWorkers as { url: string; secret: string; nodeId: string };
  return start({ engine: follow({ url, secret }), nodes: {}, worker: { memberId, number: 1 }, nodeId, ...options });
}

test('workers are one node with their primary, and separate members', async () => {
  const primary = await start({ http: false, nodes: {}, frontends: ['peer'], followers: true });
  const [one, two] = [await worker(primary, 'worker-1'), await worker(primary, 'worker-2')];
  for (const { url } of [one, two]) {
    const { body } = await request(`${url}/v1/catalog/nodes`);
    expect(await body.json()).toMatchObject([{ ID: primary.forWorkers?.nodeId }]);
    // One worker hears of the other by the feed. The primary is connected to both, and the workers may be connected to each other.
    for (const line of [/^rollcall_members 3$/m, /^rollcall_peers [2-4]$/m]) {
      await expect.poll(async () => (await request(`${url}/metrics`)).body.text()).toMatch(line);
    }
  }
});

test('a worker admits only followers with the key, unless the server admits followers', async () => {
  const primary = await start({ http: false, nodes: {}, frontends: ['peer'], followers: true });
  const one = await worker(primary, 'worker-1');
  await expect(follow({ url: one.url })).rejects.toMatchObject({ code: 'failed_precondition' });
  const open = await worker(primary, 'worker-2', { followers: true });
  const edge = await start({ engine: follow({ url: open.url }), nodeName: 'edge' });
  await request(`${one.url}/v1/kv/k`, { method: 'PUT', body: '1' });
  await expect.poll(async () => (await request(`${edge.url}/v1/kv/k?raw`)).body.text()).toBe('1');
});

test('a worker cannot leave the store by itself', async () => {
  const primary = await start({ http: false, nodes: {}, frontends: ['peer'], followers: true });
  const one = await worker(primary, 'worker-1');
  const { body } = await request(`${one.url}/rollcall/v1/leave`, { method: 'POST' });
  expect(await body.json()).toMatchObject({ code: 'failed_precondition' });
});

test('workers forward heartbeats over separate connections, which end with them', async () => {
  const primary = await start({ http: false, nodes: {}, frontends: ['peer'], followers: true });
  const one = await worker(primary, 'worker-1');
  const two = await worker(primary, 'worker-2');
  // Each check has its owner; of twenty, some belong to the worker that does not get the beat.
  const beats = async (n: number) => {
    await request(`${one.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify({ Name: `s-${n}`, Check: { TTL: '60s' } }) });
    await request(`${two.url}/v1/agent/check/pass/service:s-${n}`, { method: 'PUT' });
  };
  const peers = async () => Number(/^rollcall_peers (\d+)$/m.exec(await (await request(`${two.url}/metrics`)).body.text())?.[1]);
  for (let n = 0; n < 20; n++) await beats(n);
  await expect.poll(peers).toBe(3);
  await one.close();
  await expect.poll(peers).toBe(1);
});
