/** A client in a process of its own that reads keys and evaluates flags; prints nanoseconds for one, with the floor in turn, as JSON. */

import { connect } from '@rollcall/client';
import { byHand, contexts } from '../example-flag.mjs';

const rollcall = await connect({ servers: [process.argv[2]] });
const config = rollcall.config('fleet/reads.properties');
const flags = rollcall.flags('fleet/flags');
await Promise.all([config.whenReady(), flags.whenReady()]);
const plain = new Map(Object.entries(config.snapshot().value));
const keys = [...plain.keys()];

const ways = {
  'Map.get': () => keys.reduce((sum, key) => sum + plain.get(key).length, 0),
  'config.get': () => keys.reduce((sum, key) => sum + config.get(key).length, 0),
  'by hand': () => contexts.reduce((sum, context) => sum + byHand(context), 0),
  'flags.value': () => contexts.reduce((sum, context) => sum + flags.value('checkout', 0, context), 0),
};
if (ways['Map.get']() !== ways['config.get']() || ways['by hand']() !== ways['flags.value']()) throw new Error('the ways disagree');

const best = Object.fromEntries(Object.keys(ways).map((name) => [name, Infinity]));
const calls = { 'Map.get': keys.length, 'config.get': keys.length, 'by hand': contexts.length, 'flags.value': contexts.length };
let sum = 0;
for (let round = 0; round < 15; round++) {
  for (const [name, way] of Object.entries(ways)) {
    let rounds = 0;
    const began = performance.now();
    while (performance.now() - began < 40) {
      sum += way();
      rounds++;
    }
    best[name] = Math.min(best[name], ((performance.now() - began) * 1e6) / (rounds * calls[name]));
  }
}
if (sum === 0) throw new Error('nothing was read');
console.log(JSON.stringify(best));
await rollcall.close();
