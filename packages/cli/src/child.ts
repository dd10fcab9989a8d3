/** A program that this one starts: with our output and environment, and an exit code as shells count. */

import { spawn, type ChildProcess } from 'node:child_process';
import { CommandFailure, exitCodes } from './failure.ts';
import { signalNumber } from './signals.ts';

export interface ChildOptions {
  /** What it finds on its standard input; ours when not given. */
  readonly input?: Buffer | 'nothing';
  /** Added to our environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Child {
  /** The exit code; 128 + the signal's number when a signal ended it. */
  readonly ended: Promise<number>;
  signal(signal: NodeJS.Signals): void;
}

/**
 * Resolves once the program runs.
 * @throws CommandFailure `programNotFound` or `notExecutable`
 */
export function startChild(command: string, args: readonly string[], { input, env }: ChildOptions = {}): Promise<Child> {
  const stdin = input === undefined ? 'inherit' : input === 'nothing' ? 'ignore' : 'pipe';
  const child = spawn(command, args, { stdio: [stdin, 'inherit', 'inherit'], env: { ...process.env, ...env } });
  // It need not read all of it.
  child.stdin?.on('error', () => undefined).end(input);
  const ended = new Promise<number>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + signalNumber(signal)));
  });
  return new Promise((resolve, reject) => {
    child.on('spawn', () => resolve({ ended, signal: (signal) => void child.kill(signal) }));
    child.on('error', (error: NodeJS.ErrnoException) => reject(notStarted(command, child, error)));
  });
}

/**
 * How to start what stands on a command line: one word is for the shell, several are a program and its arguments.
 * @param shell what an option says of it
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
  // An error after the start is that of a signal that could not be sent: the program has just ended.
  if (child.pid !== undefined) return cause;
  if (cause.code === 'ENOENT') {
    return new CommandFailure(exitCodes.programNotFound, `there is no program ${JSON.stringify(command)}`, { cause });
  }
  return new CommandFailure(exitCodes.notExecutable, `cannot run ${JSON.stringify(command)}: ${cause.message}`, { cause });
}
