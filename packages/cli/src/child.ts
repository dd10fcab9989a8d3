/** A program that runs in our place: with our terminal, our signals, and its exit code as ours. */

import { spawn, type ChildProcess } from 'node:child_process';
import { CommandFailure, exitCodes } from './failure.ts';
import { signalNumber } from './signals.ts';

export interface Child {
  /** The exit code; 128 + the signal's number when a signal ended it. */
  readonly ended: Promise<number>;
  signal(signal: NodeJS.Signals): void;
}

/**
 * Resolves once the program runs.
 * @throws CommandFailure `programNotFound` or `notExecutable`
 */
export function startChild(command: string, args: readonly string[]): Promise<Child> {
  const child = spawn(command, args, { stdio: 'inherit' });
  const ended = new Promise<number>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : 128 + signalNumber(signal)));
  });
  return new Promise((resolve, reject) => {
    child.on('spawn', () => resolve({ ended, signal: (signal) => void child.kill(signal) }));
    child.on('error', (error: NodeJS.ErrnoException) => reject(notStarted(command, child, error)));
  });
}

function notStarted(command: string, child: ChildProcess, cause: NodeJS.ErrnoException): unknown {
  // An error after the start is that of a signal that could not be sent: the program has just ended.
  if (child.pid !== undefined) return cause;
  if (cause.code === 'ENOENT') {
    return new CommandFailure(exitCodes.programNotFound, `there is no program ${JSON.stringify(command)}`, { cause });
  }
  return new CommandFailure(exitCodes.notExecutable, `cannot run ${JSON.stringify(command)}: ${cause.message}`, { cause });
}
