/** The command line as a process: its streams, its exit code, and one line for every failure. */

import { CommanderError } from 'commander';
import { acceptAgentStyle } from './consul-agent-flags.ts';
import { acceptConsulStyle } from './consul-style.ts';
import { CommandFailure, exitCodes, fileProblem } from './failure.ts';
import { createProgram } from './program.ts';
import { flushed, remark, type Terminal } from './terminal.ts';

/** Runs the command line of `process` and ends it with the command's exit code. */
export async function runProcess(process: NodeJS.Process): Promise<void> {
  const unread = new AbortController();
  let unwritten: Error | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') unwritten ??= error;
    unread.abort();
  });
  // The reader of stderr has closed it: remarks are dropped.
  process.stderr.on('error', () => {});
  const terminal: Terminal = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    unread: unread.signal,
  };
  const exitCode = await runCommand(process.argv.slice(2), terminal);
  if (!unread.signal.aborted) await flushed(terminal);
  if (unwritten === undefined || exitCode !== exitCodes.ok) process.exit(exitCode);
  remark(terminal, `the result could not be written: ${fileProblem('standard output', unwritten)}`);
  process.exit(exitCodes.failure);
}

/** @returns the exit code */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok;
  try {
    const program = await createProgram({ terminal, setExitCode: (code) => (exitCode = code) }, args[0]);
    await program.parseAsync(acceptAgentStyle(acceptConsulStyle(args, program)), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { message, exitCode: failed } = toFailure(error);
    for (const line of message.split('\n')) remark(terminal, line);
    return failed;
  }
}

function toFailure(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new CommandFailure(exitCodes.failure, message, { cause: error });
}
