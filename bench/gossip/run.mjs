/**
 * Simulations of a group (`@rollcall/gossip`), beside published results. Prints tables; a whole run also writes
 * bench/gossip/RESULTS.md.
 *
 *   npm run build && node bench/gossip/run.mjs        all, about five minutes on one quiet core
 *   node bench/gossip/run.mjs --only slow             one table (detection, slow), writes nothing
 *   node bench/gossip/run.mjs --quick                 small groups, under a minute, writes nothing
 */

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { lanTiming } from '@rollcall/gossip';
import { machine } from '../machine.mjs';
import { detection } from './detection.mjs';
import { configurations, slowMembers } from './slow-members.mjs';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });
const wants = (table) => values.only === undefined || values.only === table;
if (!wants('detection') && !wants('slow')) {
  console.error(`there is no table ${values.only}; there are detection and slow`);
  process.exit(2);
}
const started = process.cpuUsage();

const sizes = !wants('detection') ? [] : values.quick ? [{ members: 16, seeds: 1, deaths: 2 }] : [
  { members: 16, seeds: 10, deaths: 2 },
  { members: 32, seeds: 8, deaths: 4 },
  { members: 64, seeds: 5, deaths: 6 },
  { members: 128, seeds: 3, deaths: 10 },
  { members: 256, seeds: 2, deaths: 10 },
  { members: 512, seeds: 1, deaths: 10 },
  { members: 1_024, seeds: 1, deaths: 6 },
];

const detectionRows = sizes.map((size) => {
  const result = detection(size);
  process.stderr.write(`${size.members} members: ${cpuSeconds()} s of CPU\n`);
  const { members, deaths, first, all, messages, bytes, falseDeaths } = result;
  const [shortest, longest] = memberlistSuspicion(members);
  return `| ${members} | ${deaths} | ${seconds(first.median)} / ${seconds(first.p99)} | ${seconds(all.median)} / ${seconds(all.p99)} | ${shortest} to ${longest} s | ${messages.toFixed(1)} | ${Math.round(bytes)} | ${falseDeaths} |`;
});

const group = values.quick ? 32 : 128;
const blockMs = 16_384;
const cases = !wants('slow')
  ? []
  : values.quick
    ? [{ how: 'network', slow: 8, blockMs }]
    : [...[4, 16, 32].map((slow) => ({ how: 'network', slow, blockMs })), { how: 'process', slow: 16, blockMs }];
const slowRows = cases.flatMap(({ how, slow, blockMs }) => {
  const results = configurations.map(({ name, timing, buddy }) => ({ name, ...slowMembers({ members: group, slow, blockMs, how, pauseMs: 64, seed: 77, timing, buddy }) }));
  process.stderr.write(`${slow} slow, ${blockMs} ms, ${how}: ${cpuSeconds()} s of CPU\n`);
  const base = results[0];
  return results.map(
    ({ name, all, atHealthy, stayed }) => `| ${how} | ${slow} | ${(blockMs / 1_000).toFixed(1)} s | ${name} | ${all} | ${atHealthy} | ${share(all, base.all)} | ${stayed} |`,
  );
});

const text = `# Results of the simulations of a group

${values.quick ? 'A quick run.' : 'Written by `node bench/gossip/run.mjs`.'} ${machine()
  .filter(([name]) => ['CPU', 'Node', 'Commit', 'Date'].includes(name))
  .map(([name, value]) => `${name}: ${value}.`)
  .join(' ')} [README.md](README.md) says what is modelled, and what is compared.

## Detection of a death

Seconds, median / p99 over the deaths. Probes every ${lanTiming.probeIntervalMs / 1_000} s. The suspicion is the one that memberlist has for the group (shortest with two confirmations, longest without): detection is
that and the time until a probe. Messages and bytes are of a quiet group, per member and second, with IP and UDP headers and encryption.

| members | deaths | first member knows | all know | suspicion | messages | bytes | false deaths |
|---:|---:|---:|---:|---:|---:|---:|---:|
${detectionRows.join('\n')}

## Slow members

${group} members; so many of them are blocked together, for this time with 64 ms between, for two minutes. False positives: deaths of members that were not slow, as all members saw them, and as those saw them that were not slow
themselves. The last column counts the dead entries, of any member, a minute after the end, over all members.

| blocked | slow members | for | parts of Lifeguard | false positives | at healthy members | of SWIM | stayed |
|---|---:|---:|---|---:|---:|---:|---:|
${slowRows.join('\n')}
`;
console.log(text);
if (!values.quick && values.only === undefined) writeFileSync(new URL('RESULTS.md', import.meta.url), text);

/** memberlist's suspicion timeouts (suspicion.go, util.go), in seconds. */
function memberlistSuspicion(members) {
  const shortest = 4 * Math.max(1, Math.log10(members));
  return [shortest.toFixed(1), (6 * shortest).toFixed(1)];
}

function seconds(value) {
  return Number.isFinite(value) ? value.toFixed(1) : 'not all';
}

function share(count, base) {
  return base === 0 ? '–' : `${((100 * count) / base).toFixed(1)} %`;
}

function cpuSeconds() {
  return Math.round(process.cpuUsage(started).user / 1e6);
}
