/** The engine `etcd` against a real etcd: the port's shared cases. */

import { afterAll, beforeAll, describe, it } from 'vitest';
import { startEtcd, etcdProblem, type EtcdCluster } from '../../../../../conformance/etcd/start.mjs';
import { engineCases } from '../engine.case.ts';
import { presenceCases } from '../presence.case.ts';
import { sharedEngineCases } from '../shared.case.ts';
import { etcd } from './etcd.ts';

const problem = etcdProblem();
let cluster: EtcdCluster;
let stores = 0;

if (problem !== undefined) {
  describe('engine etcd', () => {
    it('passes the cases of every engine', ({ skip }) => skip(problem));
  });
} else {
  beforeAll(async () => {
    cluster = await startEtcd();
  });
  afterAll(() => cluster.stop());

  /** Opens an engine on a store of its own. */
  const open = async () => {
    const options = { urls: cluster.urls, prefix: `test/${++stores}` };
    const engine = await etcd(options);
    return { engine, reopen: () => etcd(options), forget: () => compact() };
  };

  engineCases('etcd', open, { history: 'etcd keeps its history until it is compacted' });
  sharedEngineCases('etcd', open);
  presenceCases('etcd', async () => {
    const options = { urls: cluster.urls, prefix: `test/${++stores}` };
    const engines = [await etcd(options), await etcd(options)] as const;
    return { engines, end: (nodeId) => end(`${options.prefix}/presence/${nodeId}`) };
  });
}

async function call<T>(path: string, body: object): Promise<T> {
  const answer = await fetch(`${cluster.urls[0]}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Makes etcd forget all history before now. */
async function compact(): Promise<void> {
  const { header } = await call<{ header: { revision: string } }>('kv/range', { key: 'AA==' });
  await call('kv/compaction', { revision: header.revision, physical: true });
}

/** Ends the lease of a key, as etcd does when it is not renewed in time. */
async function end(key: string): Promise<void> {
  const { kvs } = await call<{ kvs: { lease: string }[] }>('kv/range', { key: Buffer.from(key).toString('base64') });
  await call('lease/revoke', { ID: kvs[0]?.lease });
}
