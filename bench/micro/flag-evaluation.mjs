/**
 * The cost of evaluating a flag with five rules, beside a JavaScript function with the same rules (the floor) and flagd's own
 * evaluation in JavaScript. One process, no I/O.
 *
 *   npm run build && node bench/micro/flag-evaluation.mjs
 */

import { performance } from 'node:perf_hooks';
import { FlagdCore } from '@openfeature/flagd-core';
import { parseFlags } from '@rollcall/protocol';
import { byHand, contexts, flagDefinition } from '../example-flag.mjs';

const parsed = parseFlags(flagDefinition);
if (!parsed.ok) throw new Error(parsed.message);
const { flags } = parsed;
const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const core = new FlagdCore(undefined, quiet);
core.setConfigurations(flagDefinition);

const ways = {
  'a function with the same rules': (context) => byHand(context),
  'FlagSet.evaluate': (context) => flags.evaluate('checkout', context, 1_700_000_000_000).value,
  '@openfeature/flagd-core': (context) => core.resolveNumberEvaluation('checkout', 0, context, quiet).value,
};

for (const context of contexts) {
  const values = Object.values(ways).map((way) => way(context));
  if (new Set(values).size !== 1) throw new Error(`the ways disagree on ${JSON.stringify(context)}: ${JSON.stringify(values)}`);
}

/** Microseconds for one call: the best of several rounds in which the ways take turns. */
const best = new Map(Object.keys(ways).map((name) => [name, Infinity]));
let sum = 0;
for (let round = 0; round < 9; round++) {
  for (const [name, way] of Object.entries(ways)) {
    let calls = 0;
    const began = performance.now();
    while (performance.now() - began < 60) {
      for (const context of contexts) sum += way(context);
      calls += contexts.length;
    }
    best.set(name, Math.min(best.get(name), ((performance.now() - began) * 1_000) / calls));
  }
}
if (sum === 0) throw new Error('nothing was evaluated');

const floor = best.get('a function with the same rules');
console.table([...best].map(([what, us]) => ({ what, 'µs for one': us.toFixed(3), 'of the floor': (us / floor).toFixed(1) })));
console.log(`target: FlagSet.evaluate at most 5 µs; it takes ${best.get('FlagSet.evaluate').toFixed(3)} µs`);
