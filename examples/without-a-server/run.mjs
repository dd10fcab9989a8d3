/**
 * The whole example in one command: three members of a group, of which one is killed and one says goodbye while requests go on.
 *
 *   npm run build && node examples/without-a-server/run.mjs
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { connect } from '@rollcall/client';

const requests = 2_000;

const first = await start();
const others = await Promise.all([start(first.address), start(first.address)]);
const rollcall = await connect({ gossip: { port: 0, seeds: [first.address] } });
const hello = rollcall.service('hello');
for await (const { instances } of hello.watch()) {
  console.log(`${instances.length} instances`);
  if (instances.length === 3) break;
}

let failed = 0;
for (let sent = 0; sent < requests; sent++) {
  // The process that all others came through: the group does not need it any more.
  if (sent === 500) kill(first, 'SIGKILL');
  if (sent === 1_000) kill(others[0], 'SIGTERM');
  await hello.fetch('/').then((response) => response.text(), () => failed++);
}
for await (const { instances } of hello.watch()) {
  console.log(`${instances.length} instances`);
  if (instances.length === 1) break;
}
console.log(`${failed} of ${requests} requests failed`);
kill(others[1], 'SIGTERM');
await rollcall.close();
process.exitCode = failed === 0 ? 0 : 1;

/** Starts a member; resolves when it is registered. */
async function start(...seed) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('member.mjs', import.meta.url)), ...seed], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  console.log(line);
  return { child, address: line.split(' ')[0] };
}

function kill({ child }, signal) {
  console.log(`kill -${signal.slice(3)} ${child.pid}`);
  child.kill(signal);
}
