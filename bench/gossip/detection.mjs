/** How long until the death of a member is known to the first other one, and to all; and what a quiet group sends. */

import { Simulation } from './simulation.mjs';
import { percentile } from '../statistics.mjs';

/** Time until all members know each other and no news is on its way, in milliseconds. */
const warmUpMs = 90_000;
const quietMs = 30_000;
/** Between two deaths: longer than the longest suspicion of the largest group. */
const spacingMs = 90_000;

/** One group: quiet, then so many deaths, one after the other. */
export function detect({ members, seed, deaths, timing }) {
  const simulation = new Simulation({ members, seed, timing });
  simulation.run(warmUpMs);
  const unknown = simulation.members.filter(({ core }) => core.living !== members);
  if (unknown.length > 0) throw new Error(`${unknown.length} of ${members} members do not know all others after ${warmUpMs} ms`);
  simulation.resetCounts();
  simulation.run(quietMs);
  const perMember = (count) => count / members / (quietMs / 1_000);
  const quiet = { messages: perMember(simulation.messages), bytes: perMember(simulation.bytes) };
  let falseDeaths = 0;
  const found = [];
  for (let death = 0; death < deaths; death++) {
    const victim = simulation.members[members - 1 - death];
    const at = simulation.now;
    const seen = [];
    simulation.onChange = (observer, { member }) => {
      if (member.state !== 'dead' || observer.isKilled) return;
      if (member.name === victim.name) seen.push(simulation.now - at);
      else if (!simulation.byName.get(member.name).isKilled) falseDeaths++;
    };
    simulation.kill(victim);
    simulation.run(spacingMs);
    found.push({ first: seen[0], all: seen.length === members - 1 - death ? seen.at(-1) : Infinity });
  }
  return { quiet, falseDeaths, found };
}

/** Several groups of one size. */
export function detection({ members, seeds, deaths }) {
  const runs = Array.from({ length: seeds }, (_, index) => detect({ members, seed: 1_000 + index, deaths }));
  const found = runs.flatMap((run) => run.found);
  const of = (name, share) => percentile(found.map((each) => each[name]), share) / 1_000;
  return {
    members,
    deaths: found.length,
    first: { median: of('first', 0.5), p99: of('first', 0.99) },
    all: { median: of('all', 0.5), p99: of('all', 0.99) },
    messages: percentile(runs.map(({ quiet }) => quiet.messages), 0.5),
    bytes: percentile(runs.map(({ quiet }) => quiet.bytes), 0.5),
    falseDeaths: runs.reduce((sum, run) => sum + run.falseDeaths, 0),
  };
}
