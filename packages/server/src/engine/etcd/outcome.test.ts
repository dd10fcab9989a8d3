/** The answer to a transaction is lost: the log of etcd tells whether it took effect. */

import { afterEach, describe, expect, it } from 'vitest';
import { faultProxy, type FaultProxy, type LinkFault } from '../../../../../conformance/cluster/fault/proxy.ts';
import { etcdProblem, startEtcd, type EtcdCluster } from '../../../../../conformance/etcd/start.mjs';
import { commit, content } from '../calls.case.ts';
import type { Engine } from '../engine.ts';
import { etcd } from './etcd.ts';
import { gateway } from './gateway.case.ts';

const problem = etcdProblem();
const leftOut = problem === undefined ? '' : ` (left out: ${problem})`;
let cluster: EtcdCluster;
let link: FaultProxy;
const engines: Engine[] = [];

/** A node whose connection to etcd can be broken, and another one. */
async function start(): Promise<{ node: Engine; other: Engine }> {
  cluster = await startEtcd();
  const { hostname: host, port } = new URL(cluster.urls[0] as string);
  link = await faultProxy(() => ({ host, port: Number(port) }));
  const [node, other] = [await etcd({ urls: [`http://${link.host}:${link.port}`] }), await etcd({ urls: cluster.urls })];
  engines.push(node, other);
  await commit(node, { put: { before: '1' } });
  return { node, other };
}

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await link.close();
  await cluster.stop();
});

/** Commits while the link has a fault, and cuts the connection once `reached` is true. */
async function commitUnder(node: Engine, fault: LinkFault, reached: () => Promise<boolean>): Promise<() => Promise<unknown>> {
  link.set(fault);
  const answer = commit(node, { put: { doubtful: '1' } }).then(
    (revision) => ({ revision }),
    (error: { code: string; message: string }) => ({ code: error.code, message: error.message }),
  );
  await expect.poll(reached).toBe(true);
  return async () => {
    link.cut();
    link.heal();
    return answer;
  };
}

async function erasWrittenAt(): Promise<number> {
  const key = Buffer.from('rollcall/log/era').toString('base64');
  const { kvs } = await gateway(cluster.urls[0] as string).post<{ kvs: { mod_revision: string }[] }>('kv/range', { key });
  return Number(kvs[0]?.mod_revision);
}

const isThere = async (engine: Engine) => 'doubtful' in (await content(engine));

describe.skipIf(problem !== undefined)(`a transaction without an answer${leftOut}`, () => {
  it('that took effect is answered as committed', async () => {
    const { node, other } = await start();
    const answer = await commitUnder(node, { down: { blocked: true } }, () => isThere(other));
    expect(await answer()).toEqual({ revision: await other.barrier() });
  });

  it('that took effect before those of other nodes is answered with its own revision', async () => {
    const { node, other } = await start();
    const answer = await commitUnder(node, { down: { blocked: true } }, () => isThere(other));
    const own = await other.barrier();
    for (let n = 0; n < 20; n++) await commit(other, { put: { [`later ${n}`]: '1' } });
    expect(await answer()).toEqual({ revision: own });
  });

  it('that never arrived is refused: nothing was written, and nothing will be', async () => {
    const { node, other } = await start();
    const before = await other.barrier();
    const erasBefore = await erasWrittenAt();
    const answer = await commitUnder(node, { up: { blocked: true } }, () => Promise.resolve(true));
    await commit(other, { put: { later: '1' } });
    expect(await answer()).toMatchObject({ code: 'unavailable', message: expect.stringContaining('nothing was written') as string });
    expect(await isThere(other)).toBe(false);
    // Every transaction that was made before expects them as they were, so one that is still under way is refused.
    expect(await erasWrittenAt()).toBeGreaterThan(erasBefore);
    expect(await commit(node, { put: { after: '1' } })).toBeGreaterThan(before);
  });

  it('is unknown when etcd has compacted the log meanwhile', async () => {
    const { node, other } = await start();
    const answer = await commitUnder(node, { up: { blocked: true } }, () => Promise.resolve(true));
    for (let n = 0; n < 3; n++) await commit(other, { put: { [`later ${n}`]: '1' } });
    await gateway(cluster.urls[0] as string).compact();
    expect(await answer()).toMatchObject({ code: 'unknown_outcome' });
  });
});
