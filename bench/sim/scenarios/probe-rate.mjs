/** Fig. 8 of the Prequal paper: fewer and fewer probes, with and without reports in answers. */

import { lineChart } from '../../svg.mjs';
import { prequalPublished, prequalWith } from '../policies.mjs';
import { prequalModel } from '../prequal-model.mjs';
import { mean, repeat, table, withInterval } from '../repeated.mjs';

const rates = [4, 2, 1, 0.5, 0.25, 0];
const forms = {
  'probes only, 1 removal a request': (probesPerRequest) => prequalPublished({ probesPerRequest }),
  'probes only, 0.25 removals': (probesPerRequest) => prequalPublished({ probesPerRequest, removalsPerRequest: 0.25 }),
  'with answers, 0.25 removals (as shipped)': (probesPerRequest) => prequalWith({ probesPerRequest }),
};

export const scenario = {
  name: 'probe-rate',
  title: 'Prequal, Fig. 8: probes for each request, 1.03 × load, 100 × 100',
  about: 'Published (at 1.5 ×, probes only): flat until less than one probe a request. Without any report Prequal falls back to peak EWMA.',
  async measure({ seeds, quick }) {
    const series = Object.keys(forms).map((name) => ({ name, points: [] }));
    const rows = [];
    for (const rate of quick ? [3, 0.25] : rates) {
      const cells = [];
      for (const [index, form] of Object.values(forms).entries()) {
        const results = await repeat(prequalModel({ load: 1.03, seconds: quick ? 4 : 7, warmUpSeconds: quick ? 2 : 3 }), form(rate), seeds);
        const p999 = results.map((result) => result.p999);
        cells.push(withInterval(results.map((result) => result.p99)), withInterval(p999));
        series[index].points.push([rate, mean(p999)]);
      }
      rows.push([rate, ...cells]);
    }
    const shipped = series[2].points.filter(([rate]) => rate >= 0.25 && rate <= 4).map(([, p999]) => p999);
    const spread = Math.max(...shipped) / Math.min(...shipped) - 1;
    return {
      parts: [
        table(['probes a request', ...Object.keys(forms).flatMap((name) => [`${name}: p99 ms`, 'p99.9 ms'])], rows),
        `As shipped, p99.9 differs by ${(100 * spread).toFixed(0)} % between a quarter of a probe and four.`,
      ],
      charts: { 'probe-rate.svg': lineChart({ title: 'p99.9 by probes for each request, 1.03 × load', xLabel: 'probes for each request', yLabel: 'p99.9, ms', logY: true, series }) },
      targets: [],
    };
  },
};
