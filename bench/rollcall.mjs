/**
 * The server under measurement: the built command line, `rollcall serve`, with its durable engine
 * on a fresh folder, in its own process on the server's core.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../conformance/free-ports.mjs';
import { pause, pinned, residentBytes } from './processes.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));

/**
 * Starts a server; `stop` keeps the folder for the next start, `remove` deletes it.
 * @param managementToken switches access control on, with this first token
 * @param workers processes that serve beside the one that keeps the log
 * @param followers whether other nodes may follow it
 * @param role of its core, as in `processes.mjs`
 * @param root of the built repository to start; this one by default
 */
export async function startRollcall(
  folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-')),
  port,
  { managementToken, workers = 0, followers = false, role = 'server', root = here } = {},
) {
  port ??= await freePort();
  const dnsPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const listeners = ['--http', `127.0.0.1:${port}`, '--dns', `127.0.0.1:${dnsPort}`];
  const access = [...(managementToken === undefined ? [] : ['--acl']), ...(followers ? ['--followers'] : [])];
  const program = join(root, 'packages/cli/bin/rollcall.mjs');
  const command = [process.execPath, program, 'serve', ...listeners, ...access, '--data-dir', folder, ...(workers === 0 ? [] : ['--workers', String(workers)]), '--log-level', 'warn'];
  const [file, ...args] = pinned(role, command);
  const env = managementToken === undefined ? process.env : { ...process.env, ROLLCALL_ACL_INITIAL_MANAGEMENT: managementToken };
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const ended = once(child, 'exit');
  await ready(url, child);
  return {
    url,
    port,
    dnsPort,
    folder,
    pid: child.pid,
    residentBytes: () => residentBytes(child.pid),
    /** The value of a metric without labels, or the sum over its labels. */
    async metric(name) {
      const text = await (await fetch(`${url}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
      if (lines.length === 0) throw new Error(`the server has no metric ${name}`);
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
    async remove() {
      if (child.exitCode === null && child.signalCode === null) await this.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(url, child) {
  while (child.exitCode === null) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await pause(2);
  }
  throw new Error('the server ended before it was ready');
}

/** A request that must succeed. */
export async function call(url, path, method = 'GET', body, token) {
  const answer = await fetch(url + path, {
    method,
    // wrk asks for no compression either: the floor sends the same bytes.
    headers: { 'accept-encoding': 'identity', ...(token === undefined ? {} : { 'x-consul-token': token }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return { headers: answer.headers, text };
}

/** Headers of an answer that its floor must send, too; Node adds the others to both. */
export function sentHeaders(headers) {
  const own = new Set(['date', 'connection', 'keep-alive']);
  return Object.fromEntries([...headers].filter(([name]) => !own.has(name)));
}
