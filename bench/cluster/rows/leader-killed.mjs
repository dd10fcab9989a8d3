/** etcd's leader is killed again and again under a workload of keys, locks, transactions, watches and instances. */

import { History, judge, onEtcd, run, settleMs, together } from '../harness.mjs';

const everyMs = 10_000;

export const row = {
  what: `etcd leader killed every ${everyMs / 1_000} s`,
  target: '10 min: 0 linearizability breaks, 0 instances lost, 0 indexes backwards',
  async run({ quick }) {
    const runMs = quick ? 60_000 : 600_000;
    return onEtcd({}, async (cluster) => {
      const history = new History();
      const faults = cluster.faults.filter(({ name }) => name === 'etcd leader killed');
      await run({ ...cluster, faults }, history, { seed: 1, runMs, everyMs, slower: 2 });
      const { breaches, counts } = judge(history.events, { settleMs, together });
      const broken = (...names) => names.reduce((sum, name) => sum + (breaches[name]?.length ?? 0), 0);
      for (const [name, texts] of Object.entries(breaches)) console.error(`${name}: ${texts.slice(0, 5).join('; ')}`);
      const [orders, lost, backwards, rest] = [broken('keys', 'locks', 'transactions'), broken('liveness'), broken('indexes'), broken('watches', 'fencing', 'run')];
      return {
        met: orders + lost + backwards + rest === 0,
        measured: `${runMs / 60_000} min, ${counts.run} kills: ${orders} breaks of order, ${lost} of liveness, ${backwards} indexes backwards, ${rest} others`,
        detail: `${counts.keys} operations on keys, ${counts.locks} on locks, ${counts.transactions} transactions, ${counts.watches} events of watchers and ${counts.liveness} views of nodes were judged (conformance/cluster, seed 1); a member stays away for 0.5 to 4 s`,
      };
    });
  },
};
