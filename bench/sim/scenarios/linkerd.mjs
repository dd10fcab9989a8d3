/**
 * Linkerd, 2016: one of 11 backends turns slow for half a minute
 * (https://linkerd.io/2016/03/16/beyond-round-robin-load-balancing-for-latency/).
 */

import { normal } from '../prequal-model.mjs';
import { some } from '../policies.mjs';
import { mean, percent, percentWithInterval, repeat, table } from '../repeated.mjs';

const names = ['round robin', 'least request (P2C)', 'least connections', 'peak EWMA (P2C)', 'C3-style', 'Prequal'];
const published = { 'round robin': '≈ 95 %', 'least connections': '≈ 99 %', 'peak EWMA (P2C)': '≈ 99.9 %' };

const model = {
  servers: 11,
  clients: 1,
  perSecond: 1000,
  deadlineMs: 60_000,
  seconds: 60,
  warmUpSeconds: 0,
  host: () => ({ cores: 1e6, speed: 1 }),
  work: (random) => normal(167, 5, random),
  workAt: (work, server, now) => (server === 0 && now >= 15_000 && now < 45_000 ? 2000 : work),
};

export const scenario = {
  name: 'linkerd',
  title: 'Linkerd 2016: one of 11 backends at 2 s for half a minute',
  about: '1,000 requests a second from one client; latencies are normal, 167 ± 5 ms; from 15 s to 45 s one backend takes 2 s. Success is an answer within 1 s.',
  async measure({ seeds }) {
    const rows = [];
    let reached = 0;
    for (const [name, policy] of Object.entries(some(...names))) {
      const success = (await repeat(model, policy, seeds)).map((result) => result.within(1000));
      if (name.startsWith('peak EWMA')) reached = mean(success);
      rows.push([name, percentWithInterval(success, 3), published[name] ?? '']);
    }
    return {
      parts: [table(['policy', 'success', 'published'], rows)],
      targets: [{ what: 'Linkerd test, success ≤ 1 s, peak EWMA', wanted: '≥ 99.9 %', measured: percent([reached], 3), met: reached >= 0.999 }],
    };
  },
};
