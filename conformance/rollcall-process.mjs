/** A Rollcall by the built command line, with its data on disk, on free ports of loopback: for clients in other languages, and for benchmarks. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from './free-ports.mjs';
import { answersWell, startProcess } from './started-process.mjs';

const program = fileURLToPath(new URL('../packages/cli/bin/rollcall.mjs', import.meta.url));

/**
 * @param options.args more arguments of `rollcall serve`, besides its HTTP address and its data
 * @param options.env more variables
 * @param options.command runs the rest of its arguments, such as `['taskset', '-c', '1']`; none by default
 * @param options.folder of its data, which stays; one of its own by default
 * @param options.isReady asked again and again until it is true; by default whether `/readyz` says so
 */
export async function startRollcallProcess({ args = [], env = {}, command = [], folder: given, isReady } = {}) {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'rollcall-process-'));
  const [httpPort] = await freePorts(1);
  const httpUrl = `http://127.0.0.1:${httpPort}`;
  const serve = ['serve', '--http', `127.0.0.1:${httpPort}`, '--dns', 'off', '--data-dir', folder, '--log-level', 'warn', ...args];
  const server = await startProcess([...command, process.execPath, program, ...serve], { env, isReady: isReady ?? (() => answersWell(`${httpUrl}/readyz`)) });
  const { stop } = server;
  return Object.assign(server, {
    httpPort,
    httpUrl,
    async stop() {
      await stop();
      if (given === undefined) rmSync(folder, { recursive: true, force: true });
    },
  });
}
