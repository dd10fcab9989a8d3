/** A Rollcall node in a separate process, always on the same port. It can be killed, frozen and started again. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClusterNode } from './deployment.ts';
import { faultProxy } from './fault/proxy.ts';
import { freePort } from '../free-ports.mjs';
import { zookeeperTickMs } from './workload/scene.ts';

/** The command line of this checkout. */
export const ownProgram = fileURLToPath(new URL('../../packages/cli/bin/rollcall.mjs', import.meta.url));

/**
 * @param args of `rollcall serve`, besides its address and name
 * @param program asked at each start
 */
export const serving = (name: string, args: readonly string[], program = () => ownProgram) => (port: number): readonly string[] =>
  [program(), 'serve', '--json', '--http', `127.0.0.1:${port}`, '--dns', 'off', '--node-name', name, ...args];

const startMsMax = 30_000;

export interface NodeProcess extends ClusterNode {
  readonly pid: number | undefined;
  /** Unexpected ends of its processes. */
  readonly problems: readonly string[];
  /** Starts it, on the same port each time; resolves when it serves. */
  start(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit code when the process is gone. */
  stop(): Promise<number | null>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Kills it and closes its proxies. */
  close(): Promise<void>;
}

export interface NodeProcessOptions {
  readonly name: string;
  /** The script that Node runs; it writes a line to stdout when it serves. */
  readonly command: (port: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The program that starts it, for example in a new namespace; none by default. */
  readonly wrapper?: readonly string[];
  /** Whether it answers ZooKeeper's clients; false by default. */
  readonly zookeeper?: boolean;
  /** The only processor core on which it runs. */
  readonly core?: number | undefined;
  /** Its log is appended to this file. */
  readonly logFile: string;
}

export async function nodeProcess({ name, command, env = {}, wrapper = [], core, logFile, zookeeper = false }: NodeProcessOptions): Promise<NodeProcess> {
  const port = await freePort();
  const zookeeperPort = zookeeper ? await freePort() : undefined;
  const target = () => ({ host: '127.0.0.1', port });
  const link = await faultProxy(target);
  const home = await faultProxy(target);
  const zookeeperLink = zookeeperPort === undefined ? undefined : await faultProxy(() => ({ host: '127.0.0.1', port: zookeeperPort }));
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith('ROLLCALL_'));
  let child: ChildProcess | undefined;
  const wanted = new WeakSet<ChildProcess>();
  const problems: string[] = [];
  const gone = (): Promise<number | null> => {
    const dying = child;
    if (dying !== undefined) wanted.add(dying);
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return Promise.resolve(dying?.exitCode ?? null);
    return new Promise((resolve) => dying.once('exit', (code) => resolve(code)));
  };
  // A run that fails must not leave servers behind.
  const onExit = (): void => void child?.kill('SIGKILL');
  process.on('exit', onExit);
  const node: NodeProcess = {
    name,
    url: `http://127.0.0.1:${port}`,
    link,
    home,
    zookeeper: zookeeperLink,
    problems,
    get pid() {
      return child?.pid;
    },
    async start() {
      const pinned = core === undefined ? [] : ['taskset', '-c', String(core)];
      const [file = '', ...args] = [...wrapper, ...pinned, process.execPath, ...command(port), ...(zookeeperPort === undefined ? [] : ['--zookeeper', `127.0.0.1:${zookeeperPort}`, '--zookeeper-tick', String(zookeeperTickMs)])];
      const started = spawn(file, args, { env: { ...Object.fromEntries(inherited), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
      child = started;
      const log = createWriteStream(logFile, { flags: 'a' });
      started.stderr.pipe(log);
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`node ${name} does not serve after ${startMsMax / 1_000} s (log: ${logFile})`)), startMsMax);
        started.stdout.once('data', () => {
          clearTimeout(timer);
          resolve();
        });
        started.once('exit', (code, signal) => {
          clearTimeout(timer);
          reject(new Error(`node ${name} ended with ${code ?? signal} when it was started (log: ${logFile})`));
        });
      });
      started.stdout.resume();
      started.once('exit', (code, signal) => {
        if (!wanted.has(started)) problems.push(`node ${name} ended by itself with ${code ?? signal} (log: ${logFile})`);
      });
    },
    async kill() {
      const ended = gone();
      child?.kill('SIGKILL');
      await ended;
    },
    stop() {
      const ended = gone();
      child?.kill('SIGTERM');
      return ended;
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async close() {
      await node.kill();
      process.off('exit', onExit);
      await link.close();
      await home.close();
      await zookeeperLink?.close();
    },
  };
  return node;
}
