/**
 * Bytes per request of each balancer (pick, then observe), over 30 endpoints: a line of JSON for
 * the test that requires 0. A million calls a round, so that rare allocations show, too.
 * The least of several rounds counts: code that V8 has not compiled yet boxes numbers, code that
 * allocates does so in every round. `picks.mjs` measures times.
 *
 *   node --expose-gc --min-semi-space-size=128 --max-semi-space-size=128 bench/micro/picks-bytes.mjs
 */

import { cases, measure, prepared, requests, warmUp } from './picks-cost.mjs';

const roundsMost = 8;
/** The measurement itself allocates some kilobytes per round; an object has 12 bytes or more. */
const noise = 0.05;

warmUp();
const figures = {};
for (const each of cases) {
  const balancer = prepared(each, 30);
  let least = Infinity;
  for (let round = 0; round < roundsMost && least > noise; round++) {
    const { bytes } = await measure((calls) => requests(balancer, calls), 1_000_000, 1, 0);
    least = Math.min(least, bytes);
  }
  figures[`${each.name}, ${each.weights} weights`] = least;
}
console.log(JSON.stringify(figures));
