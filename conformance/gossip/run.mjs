/**
 * A group of processes in network namespaces, with losses, deaths, a partition and a goodbye, on the timing of a LAN:
 *
 *   npm run build && npm run conformance:gossip             50 processes, about six minutes
 *   npm run conformance:gossip -- --members 20 --loss 0.3
 *
 * Fails if a false death stays, or members do not agree in time. Prints the figures.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { percentile } from '../../bench/statistics.mjs';
import { Fleet } from './fleet.mjs';
import { namespaceProblem, Namespaces } from './namespaces.mjs';

const { values } = parseArgs({
  options: { members: { type: 'string', default: '50' }, loss: { type: 'string', default: '0.2' }, seconds: { type: 'string', default: '60' }, deaths: { type: 'string', default: '6' } },
});
const [count, loss, quietSeconds, deaths] = [Number(values.members), Number(values.loss), Number(values.seconds), Number(values.deaths)];

const problem = namespaceProblem();
if (problem !== undefined) {
  console.error(`this test cannot run here: ${problem}`);
  process.exit(1);
}

const key = Buffer.alloc(32, 1).toString('base64');
const network = new Namespaces(count);
const indexOf = (name) => Number(name.slice(1));
const fleet = new Fleet({
  wrap: (name, command) => network.command(indexOf(name), command),
  options: { key, port: 8_530, seeds: [network.address(0), network.address(1), network.address(2)] },
});
const figures = [];
const note = (what, figure) => {
  figures.push([what, figure]);
  console.log(`${what}: ${figure}`);
};
const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;
const spread = (times) => `first ${seconds(times[0])}, median ${seconds(percentile(times, 0.5))}, p99 ${seconds(percentile(times, 0.99))}, last ${seconds(times.at(-1))}`;
const start = (index) => fleet.start(`m${index}`, { host: network.address(index) });

try {
  // A few at a time: a start takes a third of a second of CPU.
  for (let index = 0; index < count; index += 4) await Promise.all(Array.from({ length: Math.min(4, count - index) }, (_, each) => start(index + each)));
  note(`${count} processes agree on members and instances after the last start`, seconds(await fleet.agreed(60_000)));

  for (let index = 0; index < count; index++) network.filter(index, { loss });
  const lossy = Date.now();
  await sleep(quietSeconds * 1_000);
  note(`false deaths in ${quietSeconds} s with ${100 * loss} % of all packets lost`, fleet.falseDeaths(lossy).length);
  note('after them, with the losses, all agree within', seconds(await fleet.agreed(120_000)));

  const found = [];
  for (let death = 0; death < deaths; death++) {
    const name = `m${count - 1 - death}`;
    found.push(...(await fleet.known(name, 'dead', fleet.kill(name), 120_000)));
  }
  found.sort((a, b) => a - b);
  note(`${deaths} processes killed with kill -9, one after the other: known to each other member after`, spread(found));

  const leaving = `m${count - 1 - deaths}`;
  const saidAt = Date.now();
  fleet.members.get(leaving).isLive = false;
  fleet.tell(leaving, { do: 'leave' });
  note('a goodbye is known to each other member after', spread(await fleet.known(leaving, 'left', saidAt, 60_000)));

  const live = fleet.live.map(({ name }) => indexOf(name));
  const half = live.slice(0, Math.floor(live.length / 2));
  const others = live.slice(half.length);
  for (const index of live) network.filter(index, { loss, blocked: half.includes(index) ? others : half });
  await sleep(60_000);
  const split = (await fleet.report(`m${live[0]}`)).states;
  note(`a partition in halves of ${half.length} and ${others.length} for 60 s: members that the first one holds for dead`, others.filter((index) => split[`m${index}`] === 'dead').length);
  for (const index of live) network.filter(index, { loss });
  note('after the partition heals, with the losses, all agree within', seconds(await fleet.agreed(180_000)));

  for (let index = 0; index < count; index++) network.filter(index);
  // All seeds die; a member that starts again with another one as its seed joins, and the others stay together.
  const seedsAt = Date.now();
  const killed = [0, 1, 2].map((index) => ({ index, at: fleet.kill(`m${index}`) }));
  for (const { index, at } of killed) await fleet.known(`m${index}`, 'dead', at, 120_000);
  await fleet.start('m0', { host: network.address(0), seeds: [network.address(live.at(-1))] });
  note('all seeds die, and the first starts again with another seed: all agree within', seconds(await fleet.agreed(60_000)));
  const stayed = (await fleet.disagreements()).filter((difference) => difference.includes('dead'));
  note('false deaths in this part', fleet.falseDeaths(seedsAt).filter(({ name }) => name !== 'm0').length);
  note('false deaths that stayed, in the whole run', stayed.length);
  if (stayed.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  fleet.stop();
  network.remove();
}
if (fleet.warnings.length > 0) console.log(`${fleet.warnings.length} warnings, the first: ${fleet.warnings[0]}`);
