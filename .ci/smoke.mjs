/**
 * A short run on the Node that runs it: the built server starts on a fresh folder, takes a
 * registration and a key, gives them back, stops, and has them still after a restart. Ends with the
 * line that `.ci/run` counts.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../packages/cli/bin/rollcall.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'rollcall-smoke-'));
const patience = AbortSignal.timeout(60_000);
let passed = 0;
let failed = 0;
let server;

try {
  await step('starts on a fresh folder', start);
  await step('takes a registration', () => put('/v1/agent/service/register', '{"Name":"web","Port":8080}'));
  await step('takes a key', () => put('/v1/kv/greeting', 'hello'));
  await step('gives both back', bothAreThere);
  await step('stops when it is told to', stop);
  await step('starts again on the same folder', start);
  await step('has both still', bothAreThere);
  await step('stops again', stop);
} catch (error) {
  console.error(error);
  failed++;
} finally {
  server?.child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed;

async function step(name, action) {
  process.stdout.write(`Node ${process.versions.node} ${name}: `);
  await action();
  console.log('ok');
  passed++;
}

async function start() {
  const args = [program, 'serve', '--http', '127.0.0.1:0', '--data-dir', folder, '--dns', 'off', '--log-level', 'warn', '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  server = { child, url: '' };
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data', { signal: patience });
  server.url = JSON.parse(line).url;
}

async function stop() {
  const ended = once(server.child, 'exit', { signal: patience });
  server.child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
}

async function put(path, body) {
  const answer = await fetch(server.url + path, { method: 'PUT', body, signal: patience });
  assert.equal(answer.status, 200, await answer.text());
}

async function bothAreThere() {
  const read = async (path) => (await fetch(server.url + path, { signal: patience })).text();
  const [instance] = JSON.parse(await read('/v1/health/service/web?passing'));
  assert.equal(instance.Service.Port, 8080);
  assert.equal(await read('/v1/kv/greeting?raw'), 'hello');
}
