/**
 * The shared part of the examples with a service and its caller: a registry in memory, three services, a caller;
 * one service is killed and one is stopped while the caller continues.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createServer, memory } from '@rollcall/server';

/**
 * Runs `service.mjs` three times and `caller.mjs` once; ends with the caller's exit code.
 * @param folder URL of the example
 */
export async function runPair(folder) {
  const registry = await createServer({ engine: memory() });
  console.log(`registry on ${registry.url}`);

  const services = await Promise.all([1, 2, 3].map(() => start(registry, folder, 'service.mjs')));
  const caller = await start(registry, folder, 'caller.mjs', '3000');

  const exited = once(caller.process, 'exit');
  for await (const line of caller.lines) {
    if (line === '500 answers') {
      console.log(`kill -9 ${services[0].process.pid}`);
      services[0].process.kill('SIGKILL');
    }
    if (line === '1500 answers') {
      console.log(`kill -TERM ${services[1].process.pid}`);
      services[1].process.kill('SIGTERM');
    }
  }
  const [code] = await exited;

  for (const { process: service } of services) {
    const gone = service.exitCode === null && service.signalCode === null ? once(service, 'exit') : undefined;
    service.kill('SIGTERM');
    await gone;
  }
  await registry.close();
  process.exitCode = code ?? 1;
}

/** Starts a program of the example and waits for its first line. */
async function start(registry, folder, file, ...args) {
  const path = fileURLToPath(new URL(file, folder));
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ROLLCALL_HTTP_ADDR: registry.url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => console.log(line));
  if (file === 'service.mjs') await once(lines, 'line');
  return { process: child, lines };
}
