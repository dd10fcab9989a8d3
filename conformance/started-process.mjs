/** A program that a test or a benchmark starts: it is ready when it says so, can be killed and started again, and ends with this process. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const startMsMax = 60_000;
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * @param command the file and its arguments
 * @param options.env more variables
 * @param options.isReady asked again and again until it is true
 * @throws Error (the promise) when it ends before it is ready, or is not ready after a minute
 */
export async function startProcess([file, ...args], { env = {}, isReady }) {
  let child;
  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    running.delete(child);
  };
  const start = async () => {
    child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
    running.add(child);
    const deadline = performance.now() + startMsMax;
    while (!(await isReady())) {
      if (child.exitCode !== null || performance.now() > deadline) throw new Error(`not ready: ${[file, ...args].join(' ')}`);
      await new Promise((next) => setTimeout(next, 10));
    }
  };
  await start();
  return {
    start,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async restart() {
      await end('SIGTERM');
      await start();
    },
    get pid() {
      return child.pid;
    },
  };
}

/** Whether a URL answers with a 2xx. */
export async function answersWell(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}
