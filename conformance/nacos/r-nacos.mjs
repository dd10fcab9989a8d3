/**
 * A real r-nacos, a Nacos server in Rust, for tests and benchmarks: on free ports of loopback, ended with this process, built by cargo once.
 * `ROLLCALL_RNACOS=/path/to/rnacos` takes another one.
 *
 *   const nacos = await startRNacos();     nacos.url, nacos.httpPort, nacos.grpcPort, nacos.pid, nacos.startMs, nacos.stop()
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildCargo } from '../cargo-program.mjs';
import { freePorts } from '../free-ports.mjs';

const startMsMax = 60_000;
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function built() {
  const given = process.env['ROLLCALL_RNACOS'];
  if (given !== undefined) return { programs: { rnacos: given } };
  return buildCargo(fileURLToPath(new URL('r-nacos', import.meta.url)), 'r-nacos', 'rnacos');
}

/** Why it cannot be built here; undefined when it is there. Builds it when it is missing. */
export function rNacosProblem() {
  return built().problem;
}

/**
 * Starts it with its data in a folder of its own, and waits until HTTP and gRPC accept connections.
 * @param options.command runs the rest of its arguments, such as `['taskset', '-c', '1']`; none by default
 */
export async function startRNacos({ command = [] } = {}) {
  const { programs, problem } = built();
  if (problem !== undefined) throw new Error(problem);
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-r-nacos-'));
  const [httpPort, grpcPort, consolePort] = await freePorts(3);
  const env = {
    ...process.env,
    ...{ RNACOS_SDK_HOST: '127.0.0.1', RNACOS_CONSOLE_HOST: '127.0.0.1', RNACOS_HTTP_PORT: String(httpPort), RNACOS_GRPC_PORT: String(grpcPort) },
    ...{ RNACOS_HTTP_CONSOLE_PORT: String(consolePort), RNACOS_DATA_DIR: join(folder, 'data'), RUST_LOG: 'error' },
  };
  const [file, ...args] = [...command, programs.rnacos];
  const from = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], env, cwd: folder });
  running.add(child);
  const ended = once(child, 'exit').finally(() => running.delete(child));
  for (const port of [httpPort, grpcPort]) await listening(port, child, from);
  return {
    ...{ url: `http://127.0.0.1:${httpPort}`, httpPort, grpcPort, pid: child.pid, startMs: performance.now() - from },
    async stop() {
      // It panics when SIGTERM comes while it starts; its data is removed anyway.
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(port, child, from) {
  while (performance.now() - from < startMsMax && child.exitCode === null) {
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(() => false);
    socket.destroy();
    if (open) return;
    await new Promise((next) => setTimeout(next, 2));
  }
  throw new Error(`r-nacos does not listen on port ${port}`);
}
