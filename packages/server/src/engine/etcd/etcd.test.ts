/** The engine `etcd` against a real etcd: the port's shared cases. */

import { afterAll, beforeAll, describe, it } from 'vitest';
import { startEtcd, etcdProblem, type EtcdCluster } from '../../../../../conformance/etcd/start.mjs';
import { engineCases } from '../engine.case.ts';
import { presenceCases } from '../presence.case.ts';
import { sharedEngineCases } from '../shared.case.ts';
import { etcd } from './etcd.ts';
import { gateway } from './gateway.case.ts';

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
    return { engine, reopen: () => etcd(options), forget: () => gateway(cluster.urls[0]).compact() };
  };

  engineCases('etcd', open, { history: 'etcd keeps its history until it is compacted' });
  sharedEngineCases('etcd', open);
  presenceCases('etcd', async () => {
    const options = { urls: cluster.urls, prefix: `test/${++stores}` };
    const engines = [await etcd(options), await etcd(options)] as const;
    return { engines, end: (nodeId) => gateway(cluster.urls[0]).endLease(`${options.prefix}/presence/${nodeId}`) };
  });
}
