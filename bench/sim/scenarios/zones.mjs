/** Three zones with uneven callers and uneven servers: the requests that leave a caller's zone, and their cost. */

import { peakEwma } from '@rollcall/client';
import { normal } from '../prequal-model.mjs';
import { mean, percentWithInterval, repeat, table, withInterval } from '../repeated.mjs';

const names = ['a', 'b', 'c'];
const perZone = { servers: 10, clients: 20 };
const cores = 4;
const meanWorkMs = 75;
const deadlineMs = 5000;

const balancer = () => peakEwma({ failureMs: deadlineMs });
const byLoad = (own) => ({ zone: { own, spillByLoad: true } });
const policiesFor = (callers) => ({
  'no zones': { balancer },
  'by instances': { balancer, routing: (own) => ({ zone: { own } }) },
  'by instances, `callers` given': { balancer, routing: (own) => ({ zone: { own, callers: Object.fromEntries(names.map((name, index) => [name, callers[index]])) } }) },
  'by load, utilisation reported': { balancer, reports: true, utilization: true, routing: byLoad },
  'by load, requests in flight only': { balancer, reports: true, routing: byLoad },
});

const even = { callers: [1 / 3, 1 / 3, 1 / 3], speeds: [1, 1, 1] };
const slowZone = { callers: [0.5, 0.3, 0.2], speeds: [0.6, 1, 1.4] };
const cases = [
  { title: 'As many callers and equal servers in each zone, 0.7 × load', ...even, load: 0.7 },
  { title: 'Half of the callers in one zone, equal servers, 0.7 × load', ...even, callers: [0.5, 0.3, 0.2], load: 0.7 },
  { title: 'Half of the callers in the zone whose servers are slow (0.6; the others 1 and 1.4), 0.7 × load', ...slowZone, load: 0.7, isTarget: true },
  { title: 'The same, 0.9 × load', ...slowZone, load: 0.9 },
  { title: 'Even, 0.6 × load; after 20 s the servers of one zone turn slow (0.5); counted from then on', ...even, load: 0.6, slowsTo: 0.5 },
];

/** The own zone may have a fifth less headroom by default, so its queues may be 1 ÷ 0.8 of the others'. */
const p99RatioMax = 1.25;

/** `load` is relative to all servers at their first speed. `callers` gives the zones of the callers. */
function modelOf({ callers, speeds, load, slowsTo }, seconds) {
  const clients = names.length * perZone.clients;
  const zoneOfServer = (server) => Math.floor(server / perZone.servers);
  const zoneOfClient = (client) => ((client + 0.5) / clients < callers[0] ? 0 : (client + 0.5) / clients < callers[0] + callers[1] ? 1 : 2);
  const capacity = speeds.reduce((sum, speed) => sum + speed * perZone.servers * cores, 0);
  const slowDown = (cluster) => {
    if (cluster.now < 21_000) for (let server = 0; server < perZone.servers; server++) cluster.setSpeed(server, slowsTo);
  };
  return {
    clients, seconds, deadlineMs, warmUpSeconds: 20,
    servers: names.length * perZone.servers,
    perSecond: (capacity * load * 1000) / meanWorkMs,
    work: (random) => Math.max(1, normal(meanWorkMs, meanWorkMs / 3, random)),
    host: (server) => ({ cores, speed: speeds[zoneOfServer(server)] }),
    zones: { ofServer: (server) => names[zoneOfServer(server)], ofClient: (client) => names[zoneOfClient(client)] },
    ...(slowsTo === undefined ? {} : { control: { everyMs: 20_000, run: slowDown } }),
  };
}

export const scenario = {
  name: 'zones',
  title: 'Zones: 60 clients and 30 servers in three zones',
  about: `Peak EWMA within each zone; the rule that \`zone\` has alone (by instances, as Envoy’s) beside \`spillByLoad\`. A request to another zone takes no longer
here: how many go there is the price of balance. Work is normal, ${meanWorkMs} ± ${meanWorkMs / 3} ms of one of ${cores} cores; the deadline is 5 s.`,
  async measure({ seeds, quick }) {
    const parts = [];
    const targets = [];
    for (const set of quick ? cases.filter(({ isTarget }) => isTarget) : cases) {
      const rows = [];
      const found = {};
      for (const [name, policy] of Object.entries(policiesFor(set.callers))) {
        const results = await repeat(modelOf(set, quick ? 40 : 60), policy, seeds);
        const of = (key) => results.map((result) => result[key]);
        found[name] = { p99: mean(of('p99')), errors: mean(of('errors')), crossed: mean(of('crossed')) };
        rows.push([name, withInterval(of('p50')), withInterval(of('p99')), withInterval(of('p999')), percentWithInterval(of('errors')), percentWithInterval(of('crossed'), 1)]);
      }
      parts.push(`### ${set.title}\n\n${table(['policy', 'p50 ms', 'p99 ms', 'p99.9 ms', 'errors', 'to other zones'], rows)}`);
      if (set.isTarget) targets.push(...targetsOf(found));
    }
    return { parts, targets };
  },
};

function targetsOf(found) {
  return Object.entries(found).filter(([name]) => name.startsWith('by load')).flatMap(([name, { p99, errors, crossed }]) => [
    { what: `zones ${name}, a slow zone with half of the callers: p99 ÷ that without zones`, wanted: `≤ ${p99RatioMax}`, measured: (p99 / found['no zones'].p99).toFixed(2), met: p99 <= p99RatioMax * found['no zones'].p99 },
    { what: '… requests to other zones ÷ those without zones', wanted: '≤ 0.75', measured: (crossed / found['no zones'].crossed).toFixed(2), met: crossed <= 0.75 * found['no zones'].crossed },
    { what: '… errors', wanted: '0', measured: `${(100 * errors).toFixed(2)} %`, met: errors === 0 },
  ]);
}
