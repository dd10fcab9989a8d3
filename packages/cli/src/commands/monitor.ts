/** `rollcall monitor`: the registry's log, line by line, until it is stopped. */

import { finished } from 'node:stream/promises';
import { Option, type Command } from 'commander';
import { adminCall, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';

interface MonitorFlags extends RegistryFlags {
  readonly logLevel: string;
  readonly logJson?: true;
}

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'err'] as const;

export function addMonitor(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('monitor')
    .description("print the registry's log as it is written, until it is stopped")
    .addOption(
      new Option('--log-level <level>', "least severe line to print; the registry writes no lines below its own log level").choices(levels).default('info'),
    )
    .option('--log-json', 'print each line as JSON');
  addExamples(addRegistryOptions(command), 'rollcall monitor', 'rollcall monitor --log-level warn --log-json');
  command.action(async ({ logLevel, logJson, ...flags }: MonitorFlags) => {
    const target = await targetOf(flags, terminal);
    const query = new URLSearchParams({ loglevel: logLevel, ...(logJson === true ? { logjson: '' } : {}) });
    // A log may be silent for hours.
    const log = await adminCall({ ...target, path: `/v1/agent/monitor?${query.toString()}`, expect: 'text/plain; charset=utf-8', silenceMs: 0 });
    terminal.unread.addEventListener('abort', () => log.destroy());
    log.pipe(terminal.stdout, { end: false });
    await finished(log).catch((error: unknown) => {
      if (terminal.unread.aborted) return;
      throw new CommandFailure(exitCodes.unreachable, `the registry stopped sending its log: ${(error as Error).message}`, { cause: error });
    });
    if (!terminal.unread.aborted) throw new CommandFailure(exitCodes.unreachable, 'the registry has ended the log: it is stopping, or the token lost its permission');
  });
}
