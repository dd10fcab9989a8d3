/**
 * A caller: `rollcall:///echo` is the service, with all its instances. Idempotent calls are retried when
 * their server dies.
 *
 *   node examples/grpc-pair/caller.mjs [CALLS]
 */

import * as grpc from '@grpc/grpc-js';
import { connect } from '@rollcall/client';
import { channelOptions, registerRollcall } from '@rollcall/client/grpc';
import { echo } from './echo.mjs';

const calls = Number(process.argv[2] ?? 1000);

const rollcall = await connect({ name: 'grpc-pair caller' });
registerRollcall(rollcall.source);
const Echo = grpc.makeGenericClientConstructor(echo, 'Echo');
const client = new Echo('rollcall:///echo', grpc.credentials.createInsecure(), channelOptions('peak_ewma', { triesMax: 3 }));

const answers = new Map();
let failed = 0;
let begun = 0;
let answered = 0;

async function ask() {
  while (begun++ < calls) {
    try {
      const text = await new Promise((resolve, reject) => client.greet('you', (error, value) => (error ? reject(error) : resolve(value))));
      answers.set(text, (answers.get(text) ?? 0) + 1);
      if (++answered % 500 === 0) console.log(`${answered} answers`);
    } catch (error) {
      failed += 1;
      console.error(error.message);
    }
  }
}
// A stream that has begun is not repeated when its server dies: it comes first.
for await (const text of client.count('you')) console.log(text);
// Eight calls are in flight at any time.
await Promise.all(Array.from({ length: 8 }, ask));

for (const [text, count] of answers) console.log(`${String(count).padStart(6)} × ${text}`);
console.log(`${failed} of ${calls} calls failed`);
client.close();
await rollcall.close();
process.exitCode = failed === 0 ? 0 : 1;
