/**
 * A Rollcall server for clients of Nacos, and the clients: Nacos' own in Java, built by Maven once, and that in Go. Each is a process that
 * a test tells what to do over HTTP. All listen on free ports of loopback and end with this process.
 *
 *   const server = await startServer();                     server.address, server.kill(), server.start(), server.stop()
 *   const client = await startJavaClient(server.address);   await client.ask('/register', { service: 'web', port: 80 })
 */

import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../free-ports.mjs';
import { buildGo } from '../go-program.mjs';
import { buildJava, startJava } from '../java-program.mjs';
import { startRollcallProcess } from '../rollcall-process.mjs';
import { startSpring } from '../spring/application.mjs';
import { answersWell, startProcess } from '../started-process.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Why the Java client cannot be built here; undefined when it is there. Builds it when it is missing. */
export function javaProblem() {
  return buildJava(path('client'), 'nacos-client').problem;
}

/** The same for the Go client. */
export function goProblem() {
  return buildGo(path('go-client'), 'nacos-go-client', { client: '.' }).problem;
}

/**
 * Starts a Rollcall for clients of Nacos.
 * @param args, env more arguments and variables of `rollcall serve`
 * @param options more of `startRollcallProcess`
 * @returns its `address` for clients of Nacos, `grpcPort`, `httpPort`; `kill()`, and `start()` again at the same addresses; `stop()` for good
 */
export async function startServer(args = [], env = {}, options = {}) {
  const port = await portPair();
  const server = await startRollcallProcess({ ...options, env, args: ['--nacos', `127.0.0.1:${port}`, ...args] });
  return Object.assign(server, { address: `127.0.0.1:${port}`, grpcPort: port + 1_000 });
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
  const url = `http://127.0.0.1:${port}`;
  const client = await startProcess([programs.client, String(port), address, folder], { isReady: () => answersWell(`${url}/ready`) });
  return { ...controls(url), stop: client.stop, kill: client.kill };
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
    if (await isFree(port + 1_000)) return port;
  }
}

async function isFree(port) {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  const free = await Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)]);
  if (free) await new Promise((closed) => server.close(closed));
  return free;
}
