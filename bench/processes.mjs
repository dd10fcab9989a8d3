/**
 * Starts the processes of a measurement: servers on one core, load on another, so that neither
 * measures the other's scheduling. Without `taskset`, or on a single core, they share.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';

export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0;

const cores = { server: 0, load: 1 };

/** Command line that runs `command` on the core of that role, with room for many sockets; the role `anywhere` has all cores. */
export function pinned(role, command) {
  const pin = canPin && role in cores ? ['taskset', '-c', String(cores[role])] : [];
  return ['sh', '-c', 'ulimit -n "$(ulimit -Hn)"; exec "$@"', 'sh', ...pin, ...command];
}

/**
 * Starts a Node program that exchanges JSON lines on stdin and stdout.
 * @returns `ask` sends a request and resolves with the next line that answers it
 */
export function startNode(role, args, options = {}) {
  const [file, ...rest] = pinned(role, [process.execPath, ...args]);
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
  const lines = createInterface({ input: child.stdout });
  const waiting = [];
  const unread = [];
  lines.on('line', (line) => {
    if (waiting.length > 0) waiting.shift().resolve(JSON.parse(line));
    else unread.push(line);
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`${args[0]} ended: ${signal ?? code}`));
  });
  const next = () =>
    unread.length > 0
      ? Promise.resolve(JSON.parse(unread.shift()))
      : new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  return {
    pid: child.pid,
    next,
    ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      return next();
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
    ended,
  };
}

/** What a program writes on its standard output. */
export function outputOf([file, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`${file} ended with ${code}`))));
  });
}

/** Resident memory of a process in bytes; from /proc, so on Linux only. */
export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
}

/** Nanoseconds on a clock that all processes of this machine share (CLOCK_MONOTONIC). */
export const nanoseconds = () => process.hrtime.bigint();

export const millisecondsBetween = (from, to) => Number(BigInt(to) - BigInt(from)) / 1e6;

export const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));
