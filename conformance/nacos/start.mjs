/**
 * A Rollcall server for clients of Nacos, and the clients: Nacos' own in Java, built by Maven once, and that in Go. Each is a process that
 * a test tells what to do over HTTP. All listen on free ports of loopback and end with this process.
 *
 *   const server = await startServer();                     server.address, server.kill(), server.start(), server.stop()
 *   const client = await startJavaClient(server.address);   await client.ask('/register', { service: 'web', port: 80 })
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../free-ports.mjs';
import { buildGo } from '../go-program.mjs';
import { buildJava, startJava } from '../java-program.mjs';
import { startSpring } from '../spring/application.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const command = path('../../packages/cli/bin/rollcall.mjs');
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Why the Java client cannot be built here; undefined when it is there. Builds it when it is missing. */
export function javaProblem() {
  return buildJava(path('client'), 'nacos-client').problem;
}

/** The same for the Go client. */
export function goProblem() {
  return buildGo(path('go-client'), 'nacos-go-client', { client: '.' }).problem;
}

/**
 * Starts a server with its data in a folder of its own.
 * @param args, env more arguments and variables of `rollcall serve`
 * @returns its `address` for clients of Nacos, `httpPort`; `kill()`, and `start()` again at the same addresses; `stop()` for good
 */
export async function startServer(args = [], env = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-nacos-'));
  const port = await portPair();
  const [httpPort] = await freePorts(1);
  const all = ['serve', '--http', `127.0.0.1:${httpPort}`, '--dns', 'off', '--nacos', `127.0.0.1:${port}`, '--data-dir', folder, '--log-level', 'warn', ...args];
  let child;
  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    running.delete(child);
  };
  const start = async () => {
    child = spawn(process.execPath, [command, ...all], { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...env } });
    running.add(child);
    await answers(`http://127.0.0.1:${httpPort}/readyz`, child);
  };
  await start();
  return {
    address: `127.0.0.1:${port}`,
    httpPort,
    start,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGTERM');
      await start();
    },
    async stop() {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @param properties of the client, as `key=value` */
export async function startJavaClient(address, properties = []) {
  const { programs, problem } = buildJava(path('client'), 'nacos-client');
  if (problem !== undefined) throw new Error(problem);
  const [port] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-nacos-client-'));
  const url = `http://127.0.0.1:${port}`;
  const program = await startJava(programs['program.jar'], { args: [String(port), address, folder, ...properties], readyUrl: `${url}/ready`, heapMb: 128 });
  return { ...controls(url), stop: () => program.stop(), kill: () => program.kill() };
}

/**
 * Starts an application of Spring Cloud Alibaba.
 * @param address of the server
 * @param name of the application
 */
export function startSpringApplication(address, name) {
  return startSpring('nacos', {
    name,
    argsFor: () => [`--spring.cloud.nacos.discovery.server-addr=${address}`, '--spring.cloud.nacos.discovery.ip=127.0.0.1'],
  });
}

export async function startGoClient(address) {
  const { programs, problem } = buildGo(path('go-client'), 'nacos-go-client', { client: '.' });
  if (problem !== undefined) throw new Error(problem);
  const [port] = await freePorts(1);
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-nacos-client-'));
  const child = spawn(programs.client, [String(port), address, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  running.add(child);
  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    running.delete(child);
  };
  const url = `http://127.0.0.1:${port}`;
  await answers(`${url}/ready`, child);
  return { ...controls(url), stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

/** `ask` gives the text of an answer, `lines` its lines. */
function controls(url) {
  const ask = async (what, parameters = {}) => {
    const answer = await fetch(`${url}${what}?${new URLSearchParams(parameters)}`);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${what}: ${text}`);
    return text;
  };
  return { ask, lines: async (what, parameters) => (await ask(what, parameters)).split('\n').filter((line) => line !== '') };
}

/** A port of which the one 1,000 above is free, too. */
async function portPair() {
  for (;;) {
    const [port] = await freePorts(1);
    if (port <= 64_535 && (await isFree(port + 1_000))) return port;
  }
}

async function isFree(port) {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  const free = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)]);
  if (free) await new Promise((closed) => server.close(closed));
  return free;
}

/** Waits until the URL answers with a 2xx. @throws Error when the process ends before, or after a minute */
async function answers(url, child) {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline && child.exitCode === null) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      await answer.arrayBuffer();
      if (answer.ok) return;
    } catch {
      // It does not listen yet.
    }
    await new Promise((next) => setTimeout(next, 50));
  }
  throw new Error(`no answer from ${url}`);
}
