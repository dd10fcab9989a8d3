/**
 * Two servers on a real etcd: their indexes agree, a client that moves between them never sees one go back, and fencing tokens rise, also
 * when etcd forgets its history and when it is restored from a backup.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdProblem, startEtcd, type EtcdCluster } from '../../../conformance/etcd/start.mjs';
import { backUp, putBack } from './engine/etcd/backup-of-etcd.case.ts';
import { etcd } from './engine/etcd/etcd.ts';
import { gateway } from './engine/etcd/gateway.case.ts';
import { createServer, type Server } from './server.ts';

const problem = etcdProblem();
const leftOut = problem === undefined ? '' : ` (left out: ${problem})`;
let cluster: EtcdCluster;
let servers: readonly [Server, Server];

const paths = [
  '/v1/catalog/services', '/v1/catalog/nodes', '/v1/catalog/service/web', '/v1/health/service/web', '/v1/health/state/any', '/v1/catalog/node/worker-1',
  '/v1/kv/a?recurse', '/v1/kv/a/b', '/v1/session/list',
];

async function call(server: Server, method: string, path: string, body?: unknown) {
  const response = await fetch(`${server.url}${path}`, {
    ...{ method, headers: { 'x-rollcall-node': 'worker-1' }, signal: AbortSignal.timeout(20_000) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, index: Number(response.headers.get('x-consul-index')), text };
}

/** Repeats a write until the server can reach its store. */
async function written(server: Server, path: string, body: unknown): Promise<string> {
  let answer = { status: 0, text: '' };
  await expect.poll(async () => (answer = await call(server, 'PUT', path, body)).status).toBe(200);
  return answer.text;
}

const register = (server: Server, id: string) => written(server, '/v1/agent/service/register', { Name: 'web', ID: id, Port: 80, Check: { TTL: '600s', Status: 'passing' } });

/** Waits until both servers have applied all that was committed. */
async function settled(): Promise<void> {
  for (const { registry } of servers) await expect.poll(() => registry.barrier().then(() => registry.staleMs)).toBe(0);
}

async function expectSameAnswers(): Promise<void> {
  await settled();
  for (const path of paths) {
    const [one, other] = await Promise.all(servers.map((server) => call(server, 'GET', path)));
    expect(other, path).toEqual(one);
  }
}

/** A client that goes from one server to the other and waits for what comes after the index that it has seen. */
class Mover {
  readonly #indexes = new Map<string, number>();
  readonly back: string[] = [];
  #turn = 0;

  async look(): Promise<void> {
    for (const path of paths) {
      const server = servers[this.#turn++ % 2] as Server;
      const before = this.#indexes.get(path) ?? 0;
      const { status, index } = await call(server, 'GET', `${path}${path.includes('?') ? '&' : '?'}index=${before}&wait=1ms`);
      // A server that is behind says so, and answers nothing older.
      if (status !== 200 && status !== 404) continue;
      if (index < before) this.back.push(`${path} on ${server.url}: ${index} after ${before}`);
      this.#indexes.set(path, Math.max(index, before));
    }
  }
}

beforeEach(async ({ skip }) => {
  skip(problem !== undefined, problem);
  cluster = await startEtcd();
  const start = async (nodeName: string) => createServer({ nodeName, engine: await etcd({ urls: cluster.urls }) });
  servers = [await start('s1'), await start('s2')];
});

afterEach(async () => {
  for (const server of servers) await server.close();
  await cluster.stop();
});

describe.skipIf(problem !== undefined)(`servers on a real etcd${leftOut}`, () => {
  const [first, second] = [() => servers[0], () => servers[1]];

  it('answer alike with the same index, and a client that moves sees none go back: writes, a compaction, a restore', async () => {
    const mover = new Mover();
    const write = async (round: string) => {
      await register(first(), `web-${round}`);
      await written(second(), '/v1/kv/a/b', round);
      await written(first(), `/v1/kv/a/${round}`, 'x');
      await mover.look();
    };
    for (const round of ['1', '2', '3']) await write(round);
    await written(second(), '/v1/session/create', { Name: 's', LockDelay: '0s' });
    await expectSameAnswers();

    await gateway(cluster.urls[0]).compact();
    await write('compacted');
    await expectSameAnswers();

    const backup = await backUp(cluster);
    for (const round of ['lost-1', 'lost-2', 'lost-3', 'lost-4']) await write(round);
    await putBack(cluster, backup);
    for (let looks = 0; looks < 5; looks++) await mover.look();
    await write('restored');
    await expectSameAnswers();
    await mover.look();
    expect(mover.back).toEqual([]);
    expect((await call(first(), 'GET', '/v1/kv/a/lost-1')).status).toBe(404);
    expect((await call(second(), 'GET', '/v1/kv/a/compacted?raw')).text).toBe('x');
  });

  it('give each holder of a lock a higher fencing token than all before, also those that a restore of etcd has lost', async () => {
    /** Takes the lock through one server, releases it through the other one. @returns its fencing token: the revision of the acquisition */
    const held = async (taker: Server, releaser: Server): Promise<number> => {
      const { ID } = JSON.parse(await written(taker, '/v1/session/create', { Name: 's', LockDelay: '0s' })) as { ID: string };
      await expect.poll(() => written(taker, `/v1/kv/lock?acquire=${ID}`, 'x')).toContain('true');
      const [{ ModifyIndex }] = JSON.parse((await call(taker, 'GET', '/v1/kv/lock?consistent')).text) as [{ ModifyIndex: number }];
      await settled();
      await written(releaser, `/v1/kv/lock?release=${ID}`, 'x');
      return ModifyIndex;
    };
    const tokens = [await held(first(), second())];
    const backup = await backUp(cluster);
    await settled();
    for (let turn = 0; turn < 5; turn++) tokens.push(await held(second(), first()));
    await putBack(cluster, backup);
    await settled();
    tokens.push(await held(first(), second()), await held(second(), first()));
    expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});
