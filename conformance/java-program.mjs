/**
 * Builds and starts programs in Java that tests run against: a folder with a `pom.xml`, which pins every version and makes
 * `target/program.jar`. The programs are kept in the user's cache, and later calls find them there. Standard library only.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { builtOnce } from './built-once.mjs';

/** The oldest Java that Spring Boot 4 runs on. */
const javaWanted = 17;

/** How long a program may take until it answers; a Spring application takes 5 to 30 s on two busy cores. */
const startMsMax = 180_000;

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Builds a program if it is missing. The first build of a program downloads its dependencies.
 * @param source the folder
 * @param name of the folder in the cache
 * @param profiles of its pom.xml; none by default
 * @returns the path of `program.jar` by that name, or the missing part
 */
export function buildJava(source, name, profiles = []) {
  return builtOnce({
    source,
    name,
    programs: ['program.jar'],
    missing: () => javaProblem(name),
    build(folder) {
      console.log(`building ${name} with Maven`);
      const project = join(folder, 'project');
      cpSync(source, project, { recursive: true });
      const { status, stdout } = spawnSync('mvn', ['-q', '-B', '-DskipTests', ...profiles.map((profile) => `-P${profile}`), 'package'], { cwd: project, encoding: 'utf8', timeout: 900_000 });
      if (status !== 0) return `${name} could not be built: ${stdout.split('\n').find((line) => line.includes('ERROR')) ?? `mvn ended with ${status}`}`;
      renameSync(join(project, 'target', 'program.jar'), join(folder, 'program.jar'));
      rmSync(project, { recursive: true });
      return undefined;
    },
  });
}

/** Empty when a JDK and Maven are installed, otherwise the missing part. */
function javaProblem(name) {
  const needs = `${name} needs a JDK of Java ${javaWanted} or newer and Maven (Debian: openjdk-17-jdk-headless, maven)`;
  const version = spawnSync('javac', ['-version'], { encoding: 'utf8' });
  if (version.status !== 0) return `there is no javac: ${needs}`;
  const major = Number(/javac (\d+)/.exec(version.stdout + version.stderr)?.[1]);
  if (!(major >= javaWanted)) return `Java ${major} is too old: ${needs}`;
  return spawnSync('mvn', ['--version']).status === 0 ? '' : `there is no mvn: ${needs}`;
}

/**
 * Starts a program and waits until it answers.
 * @param jar its path
 * @param options.args of the program
 * @param options.readyUrl answers with a 2xx when the program has started
 * @param options.ready asked instead of `readyUrl`: resolves with whether it has started
 * @param options.heapMb the largest heap, 256 by default
 * @param options.command a command that runs the rest of its arguments, such as `taskset -c 1`; none by default
 * @returns `pid`; `said()`, its output so far; `stop()` ends it by SIGTERM; `kill()` by SIGKILL. Both resolve when it is gone
 */
export async function startJava(jar, { args, readyUrl, ready = () => isOk(readyUrl), heapMb = 256, command = [] }) {
  // The serial collector and the first compiler suffice for tests, start faster and leave cores to others.
  const flags = command.length > 0 ? [] : ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  const [program, ...rest] = [...command, 'java', `-Xmx${heapMb}m`, ...flags, '-jar', jar, ...args];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output = (output + text).slice(-100_000)));
  const ended = once(child, 'close').finally(() => running.delete(child));
  const end = async (signal) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await ended;
  };
  const started = await Promise.race([ended.then(() => false), untilReady(ready, child)]);
  if (!started) {
    await end('SIGKILL');
    throw new Error(`${jar} has not answered${readyUrl === undefined ? '' : ` at ${readyUrl}`}: ${output.slice(-4_000)}`);
  }
  return { pid: child.pid, said: () => output, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

/**
 * Runs a program to its end.
 * @param options.properties system properties of the program, by their names
 * @returns its exit code and what it wrote to stdout
 */
export async function runJava(jar, args, { heapMb = 256, properties = {} } = {}) {
  const set = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
  const child = spawn('java', [`-Xmx${heapMb}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...set, '-jar', jar, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const [code] = await once(child, 'close');
  running.delete(child);
  return { code, output };
}

/** Whether it has started before the time is over and the process has ended. */
async function untilReady(ready, child) {
  const deadline = performance.now() + startMsMax;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await ready()) return true;
    await new Promise((next) => setTimeout(next, 50));
  }
  return false;
}

/** Whether the URL answers with a 2xx. */
async function isOk(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    // It does not listen yet.
    return false;
  }
}
