/** Twenty clients start at the same moment beside twenty that run: do all of them choose the same server? */

import { some } from '../policies.mjs';
import { prequalModel } from '../prequal-model.mjs';
import { repeat, table, withInterval } from '../repeated.mjs';

const joinAt = 10_000;
const names = ['round robin', 'least connections', 'least request (P2C)', 'peak EWMA (P2C)', 'C3-style', 'Prequal'];

export const scenario = {
  name: 'herd',
  title: 'Herd: 20 clients join 20 others at once, 20 servers',
  about: 'The load goes from 0.45 to 0.9 at that moment; the machines are those of Fig. 7. The first two seconds after it, beside the steady state at the same load from 15 s on.',
  async measure({ seeds }) {
    const rows = [];
    for (const [name, policy] of Object.entries(some(...names))) {
      const model = { ...prequalModel({ load: 0.9, clients: 40, servers: 20, seconds: 30, warmUpSeconds: 5 }), joinsAt: (client) => (client < 20 ? 0 : joinAt) };
      const results = await repeat(model, policy, seeds);
      const of = (from, to, key) => withInterval(results.map((result) => result.between(from, to)[key]));
      rows.push([name, of(5000, joinAt, 'p99'), of(joinAt, joinAt + 2000, 'p99'), of(joinAt, joinAt + 2000, 'p999'), of(15_000, 30_000, 'p99'), of(15_000, 30_000, 'p999')]);
    }
    return { parts: [table(['policy', 'before p99 ms', 'first 2 s p99 ms', 'p99.9 ms', 'steady p99 ms', 'p99.9 ms'], rows)], targets: [] };
  },
};
