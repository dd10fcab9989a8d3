/** A server that fails at once: it never has requests in flight, and no server answers faster. */

import { some } from '../policies.mjs';
import { prequalModel } from '../prequal-model.mjs';
import { mean, percent, percentWithInterval, repeat, table } from '../repeated.mjs';

const names = ['random', 'round robin', 'least connections', 'least request (P2C)', 'peak EWMA (P2C)', 'C3-style', 'Prequal'];

export const scenario = {
  name: 'sinkhole',
  title: 'Sinkhole: one of ten servers fails every request within a millisecond',
  about:
    '10 clients × 10 equal servers at 0.6 × load. A tenth is what a blind policy would fail. Ejection is the shipped one: five failures in a row leave an endpoint out. No retries: those would hide what the balancer does.',
  async measure({ seeds, quick }) {
    const rows = [];
    const shipped = {};
    for (const [name, policy] of Object.entries(some(...names))) {
      const cells = [];
      for (const ejection of [{ maxShare: 0, outliers: false }, {}]) {
        const model = { ...prequalModel({ load: 0.6, clients: 10, servers: 10, seconds: quick ? 20 : 60, warmUpSeconds: 0 }), flicker: undefined };
        const results = await repeat({ ...model, host: () => ({ cores: 10, speed: 1 }), fails: (server) => server === 0 }, { ...policy, ejection }, seeds);
        const errors = results.map((result) => result.errors);
        cells.push(percentWithInterval(errors));
        shipped[name] = mean(errors);
      }
      rows.push([name, ...cells]);
    }
    const target = (name) => ({ what: `sinkhole, errors with ${name} as shipped`, wanted: '< 2 %', measured: percent([shipped[name]]), met: shipped[name] < 0.02 });
    return { parts: [table(['policy', 'errors without ejection', 'errors as shipped'], rows)], targets: [target('peak EWMA (P2C)'), target('Prequal')] };
  },
};
