/**
 * Members that are slow for a while, again and again, in the manner of the Lifeguard paper's experiment (§V): some members
 * are blocked at the same moment, for a time, with a pause between, for two minutes. A false positive is a member that is not
 * slow and is declared dead. With the parts of Lifeguard switched on one by one.
 */

import { Simulation } from './simulation.mjs';

const warmUpMs = 60_000;
const runMs = 120_000;

/** α of SWIM in memberlist before it was tuned, and of the paper's comparison. */
const swim = { suspicionFactor: 5, suspicionMaxFactor: 1, localHealthMax: 0 };

export const configurations = [
  { name: 'SWIM (α = 5, no Lifeguard)', timing: swim, buddy: false },
  { name: '+ local health (LHA-Probe)', timing: { ...swim, localHealthMax: 8 }, buddy: false },
  { name: '+ longer suspicion (LHA-Suspicion)', timing: { ...swim, suspicionMaxFactor: 6 }, buddy: false },
  { name: '+ buddy system', timing: swim, buddy: true },
  { name: 'all of Lifeguard (α = 5, β = 6)', timing: { suspicionFactor: 5, suspicionMaxFactor: 6, localHealthMax: 8 }, buddy: true },
  { name: 'as shipped (α = 4, β = 6)', timing: {}, buddy: true },
];

/** @param how `network` or `process`, as in simulation.mjs */
export function slowMembers({ members, slow, blockMs, pauseMs, how, seed, timing, buddy }) {
  const simulation = new Simulation({ members, seed, timing, buddy });
  simulation.run(warmUpMs);
  const isSlow = new Set(simulation.members.slice(0, slow).map(({ name }) => name));
  let all = 0;
  let atHealthy = 0;
  simulation.onChange = (observer, { member }) => {
    if (member.state !== 'dead' || isSlow.has(member.name)) return;
    all++;
    if (!isSlow.has(observer.name)) atHealthy++;
  };
  for (let passed = 0; passed < runMs; passed += blockMs + pauseMs) {
    for (const member of simulation.members.slice(0, slow)) simulation.block(member, blockMs, how);
    simulation.run(blockMs + pauseMs);
  }
  // What is still suspected is decided.
  simulation.run(60_000);
  const stayed = simulation.members.reduce((sum, { core }) => sum + core.records().filter(({ state }) => state === 'dead').length, 0);
  return { all, atHealthy, stayed };
}
