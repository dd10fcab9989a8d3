/** Fig. 6 of the Prequal paper: the load grows in steps of 10/9 up to 1.74 times what is allocated. */

import { lineChart } from '../../svg.mjs';
import { some } from '../policies.mjs';
import { prequalModel } from '../prequal-model.mjs';
import { mean, percent, repeat, table, withInterval } from '../repeated.mjs';

const loads = [0.75, 0.93, 1.03, 1.14, 1.27, 1.41];
const names = ['weighted round robin', 'peak EWMA (P2C)', 'C3-style', 'Prequal'];

export const scenario = {
  name: 'ramp',
  title: 'Prequal, Fig. 6: more and more load, 100 × 100',
  about:
    'Published: weighted round robin’s p99.9 reaches the time-out of 5 s at 1.03 ×; Prequal has no errors up to 1.74 ×. The machines of this model have about 1.4 × what is allocated, so beyond that no policy can serve all.',
  async measure({ seeds, quick }) {
    const rows = [];
    const series = names.map((name) => ({ name, points: [] }));
    let errorsMost = 0;
    for (const load of quick ? [0.93, 1.27] : loads) {
      const cells = [];
      for (const [index, policy] of Object.values(some(...names)).entries()) {
        const results = await repeat(prequalModel({ load, seconds: quick ? 5 : 8, warmUpSeconds: quick ? 3 : 4 }), policy, seeds);
        const p999 = results.map((result) => result.p999);
        const errors = results.map((result) => result.errors);
        cells.push(`${withInterval(p999)} (${percent(errors)})`);
        series[index].points.push([load, mean(p999)]);
        if (names[index] === 'Prequal' && load <= 1.27) errorsMost = Math.max(errorsMost, ...errors);
      }
      rows.push([`${load} ×`, ...cells]);
    }
    return {
      parts: [table(['load', ...names.map((name) => `${name}, p99.9 ms (errors)`)], rows)],
      charts: { 'ramp.svg': lineChart({ title: 'p99.9 as the load grows', xLabel: 'load ÷ allocation', yLabel: 'p99.9, ms', logY: true, series }) },
      targets: [{ what: 'Prequal, errors up to 1.27 × load', wanted: '0', measured: percent([errorsMost], 4), met: errorsMost === 0 }],
    };
  },
};
