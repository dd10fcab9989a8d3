/**
 * Requests `/healthz` repeatedly, a millisecond after each answer, and records the longest time of one: in wall
 * time, and in processor time of the server's main thread between question and answer, which other processes of a
 * shared machine do not lengthen (Linux, `/proc/PID/task/PID/schedstat`). Questions on stdin, answers on stdout.
 */

import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { serveQuestions } from './raw-sockets.mjs';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const probing = { on: false };
let longestMs = 0;
let longestBusyMs = 0;
let count = 0;
let ended = Promise.resolve();

serveQuestions({
  /** Begins, with nothing remembered. */
  async start({ port, pid }) {
    probing.on = true;
    longestMs = 0;
    longestBusyMs = 0;
    count = 0;
    ended = probe(port, pid);
    return {};
  },
  /** Ends, when the last probe has its answer. */
  async stop() {
    probing.on = false;
    await ended;
    return { longestMs, longestBusyMs, count };
  },
});

async function probe(port, pid) {
  const busyMs = () => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ', 1)[0]) / 1e6;
  while (probing.on) {
    const busy = busyMs();
    const started = process.hrtime.bigint();
    await new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path: '/healthz', agent }, (answer) => answer.resume().on('end', resolve)).on('error', reject);
    });
    longestMs = Math.max(longestMs, Number(process.hrtime.bigint() - started) / 1e6);
    longestBusyMs = Math.max(longestBusyMs, busyMs() - busy);
    count++;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
