/** 100,000 instances in one server: its memory, and the time of a restart. */

import { putMany } from '../load/put-many.mjs';
import { nanoseconds, millisecondsBetween, pause } from '../processes.mjs';
import { call, startRollcall } from '../rollcall.mjs';
import { median, withSpread } from '../statistics.mjs';

const services = 1_000;
const nodes = 1_000;

export const row = {
  what: '100,000 instances in 1,000 services',
  target: 'RSS ≤ 350 MB; restart to ready ≤ 2 s',
  async run({ quick }) {
    const instances = quick ? 10_000 : 100_000;
    const plain = await measure(instances, quick ? 2 : 5, false);
    const checked = await measure(instances, quick ? 1 : 3, true);
    const worstMegabytes = Math.max(plain.loadedMegabytes, plain.restartedMegabytes);
    return {
      measured: `${worstMegabytes.toFixed(0)} MB; ${withSpread(plain.restarts, 0)} ms`,
      floor: '–',
      result: `${worstMegabytes.toFixed(0)} MB; ${median(plain.restarts).toFixed(0)} ms`,
      met: worstMegabytes <= 350 && median(plain.restarts) <= 2_000,
      detail:
        `${instances} instances on ${nodes} nodes, two tags and a meta pair each; resident set ${plain.loadedMegabytes.toFixed(0)} MB after registering them, ${plain.restartedMegabytes.toFixed(0)} MB after a restart; ` +
        `restart: from starting the process until /readyz answers 200 and every service is listed. ` +
        `With a check for each instance as well: ${checked.loadedMegabytes.toFixed(0)} MB, ${checked.restartedMegabytes.toFixed(0)} MB, restart ${withSpread(checked.restarts, 0)} ms`,
    };
  },
};

async function measure(instances, restarts, withChecks) {
  let server = await startRollcall();
  try {
    await putMany(server.url, instances, (n) => registration(n, withChecks));
    await pause(5_000);
    const loadedMegabytes = server.residentBytes() / 1e6;
    const times = [];
    for (let round = 0; round < restarts; round++) {
      await server.stop();
      const started = nanoseconds();
      server = await startRollcall(server.folder);
      const { text } = await call(server.url, '/v1/catalog/services');
      times.push(millisecondsBetween(started, nanoseconds()));
      const listed = Object.keys(JSON.parse(text)).filter((name) => name.startsWith('service-')).length;
      if (listed !== services) throw new Error(`${listed} of ${services} services after the restart`);
    }
    await pause(5_000);
    return { loadedMegabytes, restartedMegabytes: server.residentBytes() / 1e6, restarts: times };
  } finally {
    await server.remove();
  }
}

export function registration(n, withChecks) {
  const service = n % services;
  const node = (service + 7 * Math.floor(n / services)) % nodes;
  const id = `service-${service}-${n}`;
  const check = { CheckID: `service:${id}`, Name: 'alive', Status: 'passing', ServiceID: id };
  return {
    path: '/v1/catalog/register',
    body: {
      Node: `node-${node}`,
      Address: `10.1.${Math.floor(node / 250)}.${node % 250}`,
      Service: {
        ID: id,
        Service: `service-${service}`,
        Address: `10.2.${Math.floor(node / 250)}.${node % 250}`,
        Port: 8080,
        Tags: ['v1', `zone-${n % 3}`],
        Meta: { version: '1.0.3' },
      },
      ...(withChecks && { Check: check }),
    },
  };
}
