/** Fig. 7 of the Prequal paper: rules of choice side by side at 70 % and 90 % of the load that is allocated. */

import { barChart } from '../../svg.mjs';
import { policies, prequalPublished } from '../policies.mjs';
import { flickering, prequalModel } from '../prequal-model.mjs';
import { mean, percent, repeat, table, withInterval } from '../repeated.mjs';

/** p90 / p99 in ms, as published; TO is the time-out of 5 s. */
const published = {
  'round robin': ['4984 / TO', 'TO / TO'],
  'weighted round robin': ['173 / 314', '1667 / TO'],
  'least connections': ['343 / 1804', '940 / 2654'],
  'C3-style': ['161 / 299', '164 / 304'],
  Prequal: ['149 / 281', '152 / 286'],
};

const contenders = {
  ...policies,
  'Prequal, 3 probes, no reports with answers': prequalPublished(),
  'the same, Q = 0.84': prequalPublished({ hotQuantile: 0.84 }),
};

export const scenario = {
  name: 'policies',
  title: 'Prequal, Fig. 7: the policies side by side, 100 clients × 100 servers',
  about:
    'p99.9 of the paper is a chart only, so its p90 and p99 stand beside; TO is its time-out of 5 s. The last two rows are Prequal as published, without reports in answers. The machines of the third table change every half second instead of every five: no queue grows long, and weights do better.',
  async measure({ seeds, quick }) {
    const parts = [];
    const at90 = {};
    const groups = [];
    const setUps = [
      { heading: '70 % of the load', load: 0.7, column: 0 },
      { heading: '90 % of the load', load: 0.9, column: 1 },
      { heading: '90 % of the load, machines that only flicker', load: 0.9, machines: flickering },
    ];
    for (const { heading, column, ...setUp } of setUps) {
      const rows = [];
      for (const [name, policy] of Object.entries(contenders)) {
        const results = await repeat(prequalModel({ ...setUp, seconds: quick ? 5 : column === 1 ? 14 : 8, warmUpSeconds: quick ? 3 : 4 }), policy, seeds);
        const of = (key) => results.map((result) => result[key]);
        const cells = [withInterval(of('p50')), withInterval(of('p90')), withInterval(of('p99')), withInterval(of('p999'))];
        rows.push([name, ...cells, percent(of('errors')), withInterval(of('rif99')), published[name]?.[column] ?? '']);
        if (column !== 1) continue;
        at90[name] = mean(of('p999'));
        groups.push({ label: name, bars: [{ name: 'p99', value: mean(of('p99')) }, { name: 'p99.9', value: mean(of('p999')) }] });
      }
      parts.push(`### ${heading}\n\n${table(['policy', 'p50 ms', 'p90 ms', 'p99 ms', 'p99.9 ms', 'errors', 'p99 in flight per server', 'published p90 / p99'], rows)}`);
    }
    const c3 = Math.min(at90['C3-style'], at90['C3-style, τ = 0.3 s']);
    const ratio = (what, other, most) => {
      const measured = at90.Prequal / other;
      return { what: `0.9 × load, 100 × 100: Prequal’s p99.9 ÷ that of ${what}`, wanted: `≤ ${most}`, measured: measured.toFixed(3), met: measured <= most };
    };
    return {
      parts,
      charts: { 'policies-90.svg': barChart({ title: 'Latency at 90 % of the load, 100 clients × 100 servers', yLabel: 'ms', logY: true, groups }) },
      targets: [
        ratio('weighted round robin', at90['weighted round robin'], 0.15),
        ratio('peak EWMA', at90['peak EWMA (P2C)'], 0.6),
        ratio('C3 (the better of two time constants)', c3, 0.9),
      ],
    };
  },
};
