/**
 * A caller: `fetch` sends each request to an instance that the balancer chooses, and to another one when
 * that one fails.
 *
 *   node examples/http-pair/caller.mjs [REQUESTS]
 */

import { connect } from '@rollcall/client';

const requests = Number(process.argv[2] ?? 1000);

const rollcall = await connect({ name: 'http-pair caller' });
const hello = rollcall.service('hello');

const answers = new Map();
let failed = 0;
let begun = 0;

async function ask() {
  while (begun++ < requests) {
    try {
      const response = await hello.fetch('/');
      const from = (await response.text()).trim();
      answers.set(from, (answers.get(from) ?? 0) + 1);
    } catch (error) {
      failed += 1;
      console.error(error.cause?.message ?? error.message);
    }
    const answered = [...answers.values()].reduce((sum, count) => sum + count, 0);
    if (answered % 500 === 0) console.log(`${answered} answers`);
  }
}
// Eight requests are in flight at any time.
await Promise.all(Array.from({ length: 8 }, ask));

for (const [from, count] of answers) console.log(`${String(count).padStart(6)} × ${from}`);
console.log(`${failed} of ${requests} requests failed`);
await rollcall.close();
process.exitCode = failed === 0 ? 0 : 1;
