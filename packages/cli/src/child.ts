/** Starts a program with our output and environment; its exit code is computed as in shells. */

import { spawn, type ChildProcess } from 'node:child_process';
import { CommandFailure, exitCodes } from './failure.ts';
import { signalNumber } from './signals.ts';

export interface ChildOptions {
  /** Its standard input; ours by default. */
  readonly input?: Buffer | 'nothing';
  /** Added to our environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Child {
  /** The exit code; 128 + the signal's number when a signal ended it. */
  readonly ended: Promise<number>;
  /** The signal that ended it; undefined while it runs, and when it ended by itself. */
  readonly killedBy: () => NodeJS.Signals | undefined;
  signal(signal: NodeJS.Signals): void;
}

/**
 * Resolves once the program runs.
 * @throws CommandFailure `programNotFound` or `notExecutable`
 */
export function startChild(command: string, args: readonly string[], { input, env }: ChildOptions = {}): Promise<Child> {
  const stdin = input === undefined ? 'inherit' : input === 'nothing' ? 'ignore' : 'pipe';
  const child = spawn(command, args, { stdio: [stdin, 'inherit', 'inherit'], env: { ...process.env, ...env } });
  // The program may end before it has read its whole input.
  child.stdin?.on('error', () => undefined).end(input);
  const ended = new Promise<number>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + signalNumber(signal)));
  });
  return new Promise((resolve, reject) => {
    child.on('spawn', () => resolve({ ended, killedBy: () => child.signalCode ?? undefined, signal: (signal) => void child.kill(signal) }));
    child.on('error', (error: NodeJS.ErrnoException) => reject(notStarted(command, child, error)));
  });
}

/**
 * Starts the words of a command line: a single word is run by the shell, several are a program and its arguments.
 * @param shell true or false to override that
 * @throws CommandFailure as `startChild`
 */
export function startWords(
  words: readonly string[],
  { shell = words.length === 1, ...options }: ChildOptions & { readonly shell?: boolean | undefined },
): Promise<Child> {
  const [program = '', ...args] = words;
  if (!shell) return startChild(program, args, options);
  return startChild(process.env['SHELL'] || '/bin/sh', ['-c', words.join(' ')], options);
}

function notStarted(command: string, child: ChildProcess, cause: NodeJS.ErrnoException): unknown {
  // An error after the start means that a signal could not be sent: the program has just ended.
  if (child.pid !== undefined) return cause;
  if (cause.code === 'ENOENT') {
    return new CommandFailure(exitCodes.programNotFound, `there is no program ${JSON.stringify(command)}`, { cause });
  }
  return new CommandFailure(exitCodes.notExecutable, `cannot run ${JSON.stringify(command)}: ${cause.message}`, { cause });
}
