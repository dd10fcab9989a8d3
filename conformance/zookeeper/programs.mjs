/**
 * Runs the programs with kazoo and with Curator against a server, and gives what each of them printed. Kazoo is Debian's `python3-kazoo`;
 * Maven builds those with Curator once.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findProgram, programs as debian } from '../install-debian.mjs';
import { buildJava, runJava } from '../java-program.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const python = '/usr/bin/python3';
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Why kazoo cannot run here; undefined when it can. */
export function kazooProblem() {
  const { program, package: name } = debian.find((each) => each.package === 'python3-kazoo');
  return findProgram(program) === undefined ? `there is no kazoo (Debian: ${name})` : undefined;
}

const buildCurator = () => buildJava(path('client'), 'curator-programs');

/** Why the programs with Curator cannot be built here; undefined when they are there. Builds them when they are missing. */
export function curatorProblem() {
  return buildCurator().problem;
}

/**
 * @param address `HOST:PORT`
 * @param names of the programs; all by default
 * @param tls files of an authority, a certificate, its key, and both in one; plain TCP by default
 * @returns what each printed, by its name: lines
 */
export async function runKazoo(address, names = [], tls) {
  const secure = tls === undefined ? {} : { KAZOO_CA: tls.ca, KAZOO_CERT: tls.cert, KAZOO_KEY: tls.key };
  const child = spawn(python, [path('kazoo/programs.py'), address, ...names], { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...secure } });
  running.add(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  await once(child, 'close');
  running.delete(child);
  return transcripts(output);
}

/** The same with Curator, and with ZooKeeper's own client, which speaks TLS by Netty. */
export async function runCurator(address, names = [], tls) {
  const { programs, problem } = buildCurator();
  if (problem !== undefined) throw new Error(problem);
  const properties = tls === undefined ? {} : secureProperties(tls);
  return transcripts((await runJava(programs['program.jar'], [address, ...names], { properties })).output);
}

function secureProperties({ ca, certAndKey }) {
  return {
    'zookeeper.client.secure': 'true',
    'zookeeper.clientCnxnSocket': 'org.apache.zookeeper.ClientCnxnSocketNetty',
    'zookeeper.ssl.keyStore.location': certAndKey,
    'zookeeper.ssl.keyStore.type': 'PEM',
    'zookeeper.ssl.trustStore.location': ca,
    'zookeeper.ssl.trustStore.type': 'PEM',
  };
}

/** What the programs printed with a real ZooKeeper, as `record.mjs` has written it down. @param library `kazoo` or `curator` */
export function recorded(library) {
  return transcripts(readFileSync(path(`transcripts/${library}.txt`), 'utf8'));
}

function transcripts(output) {
  const parts = {};
  let lines = [];
  for (const line of output.split('\n')) {
    if (line.startsWith('== ')) parts[line.slice(3)] = lines = [];
    else if (line !== '') lines.push(line);
  }
  return parts;
}
