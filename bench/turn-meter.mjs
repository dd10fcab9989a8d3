/**
 * The longest time that one turn of the event loop takes, in milliseconds of the main thread's
 * processor time: other processes of a shared machine do not count, and neither do other threads.
 *
 * Between two readings is one turn of the loop. Linux only (`/proc/self/task/…/schedstat`).
 */

import { closeSync, openSync, readSync } from 'node:fs';

/** @returns the result of `work`, the longest turn while it ran, and how long it took in wall time */
export async function longestTurn(work) {
  const fd = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  const bytes = Buffer.alloc(64);
  const busyMs = () => Number(bytes.latin1Slice(0, readSync(fd, bytes, 0, 64, 0)).split(' ', 1)[0]) / 1e6;
  let running = true;
  let longest = 0;
  let last = busyMs();
  const look = () => {
    const now = busyMs();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(look);
  };
  setImmediate(look);
  const started = performance.now();
  try {
    const result = await work();
    // One more reading, so that the last turn counts, too.
    await new Promise((turn) => setImmediate(turn));
    return { result, turnMs: longest, wallMs: performance.now() - started };
  } finally {
    running = false;
    await new Promise((turn) => setImmediate(turn));
    closeSync(fd);
  }
}
