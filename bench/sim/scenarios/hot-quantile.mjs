/** Fig. 9 of the Prequal paper: from requests in flight alone (Q = 0) to latency alone (Q = 1), half the servers slow. */

import { lineChart } from '../../svg.mjs';
import { prequalPublished, prequalWith } from '../policies.mjs';
import { prequalModel } from '../prequal-model.mjs';
import { mean, percent, repeat, table, withInterval } from '../repeated.mjs';

const quantiles = [0, 0.3, 0.6, 0.7, 0.84, 1];
const forms = { 'as shipped': prequalWith, 'as published, 3 probes': prequalPublished };

export const scenario = {
  name: 'hot-quantile',
  title: 'Prequal, Fig. 9: the quantile of hot, 0.9 × load, half the servers at half the speed',
  about:
    'Published: from Q = 0 to 0.99 p99 falls from 162 to 142 ms, and Q = 1 has a p99.9 of 337 to 502 ms. Here the best is lower, 0.5 to 0.7: the noise of the latency estimate draws a herd beyond.',
  async measure({ seeds, quick }) {
    const series = Object.keys(forms).map((name) => ({ name, points: [] }));
    const rows = [];
    for (const hotQuantile of quick ? [0.6, 1] : quantiles) {
      const cells = [];
      for (const [index, form] of Object.values(forms).entries()) {
        const model = prequalModel({ load: 0.9, seconds: quick ? 4 : 7, warmUpSeconds: quick ? 2 : 3, speed: (place) => (place < 0.5 ? 0.5 : 1) });
        const results = await repeat(model, form({ hotQuantile }), seeds);
        const of = (key) => results.map((result) => result[key]);
        cells.push(withInterval(of('p99')), withInterval(of('p999')), percent(of('errors')));
        series[index].points.push([hotQuantile, mean(of('p999'))]);
      }
      rows.push([hotQuantile, ...cells]);
    }
    return {
      parts: [table(['Q', ...Object.keys(forms).flatMap((name) => [`${name}: p99 ms`, 'p99.9 ms', 'errors'])], rows)],
      charts: { 'hot-quantile.svg': lineChart({ title: 'p99.9 by the quantile of hot', xLabel: 'Q', yLabel: 'p99.9, ms', logY: true, series }) },
      targets: [],
    };
  },
};
