/** A server restarts and is slow at first: caches are cold and code is not compiled yet. */

import { peakEwma, slowStart, smoothWeightedRoundRobin } from '@rollcall/client';
import { instance } from '../cluster.mjs';
import { some } from '../policies.mjs';
import { prequalModel } from '../prequal-model.mjs';
import { mean, repeat, table, withInterval } from '../repeated.mjs';

const servers = 10;
const restartsAt = 15_000;
const warmMs = 10_000;

const contenders = {
  ...some('round robin', 'least request (P2C)', 'peak EWMA (P2C)', 'C3-style', 'Prequal'),
  'slow start over smooth weighted round robin': { balancer: () => slowStart(smoothWeightedRoundRobin()) },
  'slow start over peak EWMA': { balancer: () => slowStart(peakEwma({ failureMs: 5000 })) },
};

/** Away for a second; then at a fifth of its speed, rising evenly to all of it over ten seconds. */
const control = {
  everyMs: 100,
  run(cluster) {
    const passed = cluster.now - restartsAt;
    const gone = passed >= 0 && passed < 1000;
    const count = gone ? servers - 1 : servers;
    if (cluster.instances.length !== count) cluster.setInstances(Array.from({ length: count }, (_, index) => instance(index)));
    if (passed >= 1000) cluster.setSpeed(servers - 1, Math.min(1, 0.2 + (0.8 * (passed - 1000)) / warmMs));
  },
};

export const scenario = {
  name: 'cold-start',
  title: 'Cold start: one of ten servers restarts and is slow for ten seconds',
  about: '10 clients × 10 equal servers at 0.7 × load. After the restart the server runs at a fifth of its speed, and at all of it after ten seconds. Steady is the time before.',
  async measure({ seeds }) {
    const rows = [];
    for (const [name, policy] of Object.entries(contenders)) {
      const model = { ...prequalModel({ load: 0.7, clients: 10, servers, seconds: 35, warmUpSeconds: 5 }), flicker: undefined, host: () => ({ cores: 10, speed: 1 }), control };
      const results = await repeat(model, policy, seeds);
      const steady = results.map((result) => result.between(5000, restartsAt).p99);
      const cold = results.map((result) => result.between(restartsAt + 1000, restartsAt + 1000 + warmMs));
      const p99 = cold.map((one) => one.p99);
      rows.push([name, withInterval(steady), withInterval(p99), withInterval(cold.map((one) => one.p999)), (mean(p99) / mean(steady)).toFixed(2)]);
    }
    return { parts: [table(['policy', 'steady p99 ms', 'cold p99 ms', 'cold p99.9 ms', 'cold ÷ steady'], rows)], targets: [] };
  },
};
