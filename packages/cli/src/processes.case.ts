/**
 * The built command line as processes, for tests: their output and their exit. Every process is
 * killed and every folder removed at the end of its test.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { runCommand } from './main.ts';

const program = fileURLToPath(new URL('../bin/rollcall.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Process {
  readonly child: ChildProcess;
  /** Resolves when its streams are closed, too. */
  readonly ended: Promise<Ended>;
  readonly stdoutBytes: () => Buffer;
  /** Resolves with the first match in the present or later output of a stream; rejects when it ends without one. */
  seen(pattern: RegExp, stream?: 'stdout' | 'stderr'): Promise<RegExpExecArray>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: Buffer | string;
  /** It may outlive its test: the caller kills it. */
  readonly shared?: boolean;
}

/** Tests must see the same on every machine; tests of workers switch them on. */
const oneProcess = { ROLLCALL_WORKERS: '0' };

/** Starts `rollcall` with these arguments. */
export function start(args: readonly string[], options: StartOptions = {}): Process {
  return startNode([program, ...args], options);
}

/** Runs `rollcall` to its end. */
export function rollcall(args: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}

export function startNode(args: readonly string[], { env = {}, cwd, input, shared = false }: StartOptions = {}): Process {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(ROLLCALL_|NO_COLOR$|FORCE_COLOR$)/.test(name));
  const child = spawn(process.execPath, args, { env: { ...Object.fromEntries(inherited), ...oneProcess, ...env }, cwd });
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const listeners = new Set<() => void>();
  const told = () => {
    for (const listener of listeners) listener();
  };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      chunks[name].push(chunk);
      told();
    });
  }
  const text = (name: 'stdout' | 'stderr') => Buffer.concat(chunks[name]).toString();
  let over = false;
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => {
      over = true;
      told();
      resolve({ code, signal, stdout: text('stdout'), stderr: text('stderr') });
    });
  });
  if (!shared) {
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
  }
  child.stdin.on('error', () => {});
  child.stdin.end(input);

  return {
    child,
    ended,
    stdoutBytes: () => Buffer.concat(chunks.stdout),
    seen: (pattern, stream = 'stdout') =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text(stream));
          if (match === null && !over) return;
          listeners.delete(look);
          if (match !== null) resolve(match);
          else reject(new Error(`${args.join(' ')} ended without ${pattern}: ${text('stdout')}${text('stderr')}`));
        };
        listeners.add(look);
        look();
      }),
  };
}

export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'rollcall-cli-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface Registry extends Process {
  readonly url: string;
}

/** A registry on a free port, in memory unless told otherwise. */
export function serve(...args: string[]): Promise<Registry> {
  return startRegistry(args, {});
}

async function startRegistry(args: readonly string[], options: StartOptions): Promise<Registry> {
  const store = args.includes('--data-dir') || args.includes('--engine') ? [] : ['--dev'];
  const at = args.includes('--http') ? [] : ['--http', '127.0.0.1:0'];
  const started = start(['serve', '--json', '--dns', 'off', '--log-level', 'error', ...at, ...store, ...args], options);
  const line = await started.seen(/^\{.*\}$/m);
  const { url } = JSON.parse(line[0]) as { url: string };
  return { ...started, url };
}

export interface SharedRegistry {
  readonly url: () => string;
  /** Runs `rollcall` against it to its end. */
  readonly ask: (args: readonly string[], options?: StartOptions) => Promise<Ended>;
}

/** One registry for all tests of a file, which use different names. */
export function sharedRegistry(...args: string[]): SharedRegistry {
  let registry: Registry | undefined;
  beforeAll(async () => {
    registry = await startRegistry(args, { shared: true });
  });
  afterAll(async () => {
    registry?.child.kill('SIGKILL');
    // A registry that has ended early shows why.
    expect(await registry?.ended).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  });
  const url = () => registry?.url ?? '';
  return { url, ask: (args, options) => rollcall([...args, '--addr', url()], options) };
}

export interface HereOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs `rollcall` to its end within this process, which is faster than a separate process. */
export async function here(args: readonly string[], { env = {}, input = '' }: HereOptions = {}): Promise<Omit<Ended, 'signal'>> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const terminal = { stdin: Readable.from([Buffer.from(input)]), stdout, stderr, env, unread: new AbortController().signal };
  const code = await runCommand(args, terminal);
  const text = (stream: PassThrough) => String((stream.read() as Buffer | null) ?? '');
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/** Registers an instance as any Consul client would. */
export async function registerInstance(url: string, body: object): Promise<void> {
  const answer = await fetch(`${url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify(body) });
  expect(answer.status).toBe(200);
}
