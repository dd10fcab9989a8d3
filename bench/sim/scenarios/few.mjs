/** Few servers, few clients: the size of most services, where the advantage of server reports shrinks. */

import { lineChart } from '../../svg.mjs';
import { policies, some } from '../policies.mjs';
import { prequalModel } from '../prequal-model.mjs';
import { mean, percent, repeat, table, withInterval } from '../repeated.mjs';

const compared = ['least request (P2C)', 'peak EWMA (P2C)', 'C3-style', 'Prequal'];

export const scenario = {
  name: 'few',
  title: '4 clients × 20 servers, and other numbers, 0.9 × load',
  about: 'The machines are those of Fig. 7. A client’s own requests in flight say the more of a server’s load the fewer clients there are.',
  async measure({ seeds, quick }) {
    const parts = [];
    const rows = [];
    const small = { load: 0.9, clients: 4, servers: 20, seconds: quick ? 15 : 25, warmUpSeconds: 5 };
    for (const [name, policy] of Object.entries(policies)) {
      const results = await repeat(prequalModel(small), policy, seeds);
      const of = (key) => results.map((result) => result[key]);
      rows.push([name, withInterval(of('p50')), withInterval(of('p99')), withInterval(of('p999')), percent(of('errors'))]);
    }
    parts.push(`### 4 × 20\n\n${table(['policy', 'p50 ms', 'p99 ms', 'p99.9 ms', 'errors'], rows)}`);
    const series = compared.map((name) => ({ name, points: [] }));
    const scale = [];
    for (const [clients, servers] of quick ? [[4, 20]] : [[1, 4], [20, 4], [1, 100], [4, 100], [20, 100], [100, 100], [1000, 100]]) {
      const cells = [];
      for (const [index, policy] of Object.values(some(...compared)).entries()) {
        const seconds = servers < 100 ? 40 : 7;
        const p999 = (await repeat(prequalModel({ load: 0.9, clients, servers, seconds, warmUpSeconds: 3 }), policy, seeds)).map((result) => result.p999);
        cells.push(withInterval(p999));
        if (servers === 100) series[index].points.push([clients, mean(p999)]);
      }
      scale.push([`${clients} × ${servers}`, ...cells]);
    }
    parts.push(`### p99.9 in ms by clients × servers\n\n${table(['clients × servers', ...compared], scale)}`);
    return {
      parts,
      charts: { 'clients.svg': lineChart({ title: 'p99.9 by the number of clients, 100 servers, 0.9 × load', xLabel: 'clients', yLabel: 'p99.9, ms', logX: true, series }) },
      targets: [],
    };
  },
};
