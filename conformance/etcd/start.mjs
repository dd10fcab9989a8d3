/**
 * Real etcd servers for tests and benchmarks: on free ports of loopback, with their data in a temporary folder, killed when this
 * process ends. `build.mjs` builds the program. Each member can be paused, killed and started again on the same ports and data.
 *
 *   const etcd = await startEtcd();            one member: etcd.urls, etcd.stop()
 *   const etcd = await startEtcdCluster(3);    etcd.members[0].kill()
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../free-ports.mjs';
import { buildEtcd } from './build.mjs';

/** How long a member may take until it answers that it is healthy; machines that run tests are slow. */
const startMsMax = 60_000;

/** Another etcd to run the tests with: 3.6, say. */
const given = process.env['ROLLCALL_ETCD'] || undefined;

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Why there is no etcd on this machine; undefined when it can be started. Builds it when it is missing. */
export function etcdProblem() {
  return given === undefined ? buildEtcd().problem : undefined;
}

export function startEtcd(options = {}) {
  return startEtcdCluster(1, options);
}

/**
 * Starts members that form one cluster, and waits until each is healthy.
 * @param options.program path of another etcd
 * @param options.args more arguments, for each member
 * @param options.clientScheme of the URLs that clients use: `http` by default
 * @param options.advertised gives the URL at which the other members reach one: that of a proxy, say
 * @param options.fsync whether commits are flushed to disk; false by default, since tests do not cut the power
 */
export async function startEtcdCluster(count, options = {}) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(count, options);
    } catch (error) {
      // Between its choice and its use a port may be taken by another process.
      if (attempt >= 3 || !String(error).includes('address already in use')) throw error;
    }
  }
}

async function start(count, { program = given, args = [], clientScheme = 'http', fsync = false, advertised = (_name, url) => url }) {
  const built = buildEtcd();
  const { programs, problem } = program === undefined ? built : { programs: { ...built.programs, etcd: program } };
  if (problem !== undefined) throw new Error(problem);
  const directory = mkdtempSync(join(tmpdir(), 'rollcall-etcd-'));
  const ports = await freePorts(count * 3);
  const places = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const [name, listenPeerUrl] = [`member${index}`, `http://127.0.0.1:${ports[index * 3 + 1]}`];
      const peerUrl = await advertised(name, listenPeerUrl);
      return { name, listenPeerUrl, peerUrl, url: `${clientScheme}://127.0.0.1:${ports[index * 3]}`, metricsUrl: `http://127.0.0.1:${ports[index * 3 + 2]}` };
    }),
  );
  const initialCluster = places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  const flags = [...args, ...(fsync ? [] : ['--unsafe-no-fsync'])];
  const members = places.map((place) => member(programs.etcd, { ...place, directory: join(directory, place.name), initialCluster, flags }));
  const cluster = {
    members,
    urls: members.map(({ url }) => url),
    programs,
    async stop() {
      await Promise.all(members.map((each) => each.kill()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await Promise.all(members.map((each) => each.start()));
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function member(program, { name, url, listenPeerUrl, peerUrl, metricsUrl, directory, initialCluster, flags }) {
  let child;
  const assertRunning = () => {
    if (child === undefined) throw new Error(`etcd ${name} is not running`);
  };
  return {
    name,
    url,
    peerUrl,
    metricsUrl,
    directory,
    get pid() {
      return child?.pid;
    },
    /** Starts the member, on the same ports and data each time; resolves when it is healthy. @param more arguments */
    async start(...more) {
      if (child !== undefined) throw new Error(`etcd ${name} is running`);
      const urls = ['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-metrics-urls', metricsUrl];
      const peers = ['--listen-peer-urls', listenPeerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', initialCluster];
      const own = ['--name', name, '--data-dir', directory, '--log-level', 'warn', ...urls, ...peers];
      const started = spawn(program, [...own, ...flags, ...more], { stdio: ['ignore', 'ignore', 'pipe'] });
      child = started;
      running.add(started);
      let said = '';
      started.stderr.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-4_000)));
      const ended = once(started, 'close').then(() => {
        running.delete(started);
        if (child === started) child = undefined;
        return `etcd ${name} ended: ${said}`;
      });
      const problem = await Promise.race([ended, healthy(metricsUrl, started, () => said)]);
      if (problem !== undefined) throw new Error(problem);
    },
    /** Freezes the process: its connections stay open and nothing answers. On Linux it returns when that is so. */
    pause() {
      assertRunning();
      child.kill('SIGSTOP');
      // Each thread stops by itself, up to 15 ms after the signal on a busy machine, and might commit a write until then.
      while (!isStopped(child.pid));
    },
    resume() {
      assertRunning();
      child.kill('SIGCONT');
    },
    /** SIGKILL, as in a crash; its data stays. Resolves when the process is gone. */
    async kill() {
      if (child === undefined) return;
      const gone = once(child, 'close');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Whether all threads of a process are stopped, or dead; true where the system does not show them. */
function isStopped(pid) {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return true;
  try {
    return readdirSync(tasks).every((task) => {
      const stat = readFileSync(`${tasks}/${task}/stat`, 'latin1');
      // The state follows the name, which is in brackets.
      return 'TZX'.includes(stat[stat.lastIndexOf(')') + 2]);
    });
  } catch {
    // A thread has ended since it was listed.
    return false;
  }
}

/** Resolves with undefined once the member can read and write, or with a complaint. */
async function healthy(metricsUrl, child, said) {
  const deadline = performance.now() + startMsMax;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    try {
      const answer = await fetch(`${metricsUrl}/health`, { signal: AbortSignal.timeout(5_000) });
      if (answer.ok && (await answer.json()).health === 'true') return undefined;
    } catch {
      // It does not listen yet.
    }
    await new Promise((next) => setTimeout(next, 50));
  }
  return `etcd at ${metricsUrl} is not healthy after ${startMsMax / 1_000} s: ${said()}`;
}
