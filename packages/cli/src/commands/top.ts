/** `rollcall top`: the services with their health, and the requests that clients send to them: live on a terminal, or once for scripts. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { duration } from '../option-values.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { printJson, remark, type Terminal } from '../terminal.ts';
import { cellsOf, heads } from '../top/cells.ts';
import { filtered } from '../top/frame.ts';
import { Live } from '../top/live.ts';
import { Reading, type Read } from '../top/reading.ts';
import { sorted, sortings, type Sorting } from '../top/rows.ts';

interface TopFlags extends RegistryFlags {
  readonly sort: Sorting;
  readonly filter: string;
  readonly interval: number;
  readonly once?: true;
  readonly json?: true;
}

export function addTop(parent: Command, context: CommandContext): void {
  const { terminal } = context;
  const command = parent
    .command('top')
    .description('show services with their health and the rates of requests to them, live until q; without a terminal, once')
    .addOption(new Option('--sort <order>', 'order of the services').choices(sortings).default('name'))
    .option('--filter <text>', 'only services with this text in their name', '')
    .addOption(new Option('--interval <duration>', 'pause between two looks').argParser(duration).default(1_000, '1s'))
    .option('--once', 'print a table, and end')
    .option('--json', 'print {"services", "missing"} on one line after each look, until stopped; with --once, once');
  addExamples(addNamespacedOptions(command), 'rollcall top', 'rollcall top --sort failures', 'rollcall top --once --json');
  command.action(async ({ sort, filter, interval, once, json, ...flags }: TopFlags) => {
    const target = await namespacedTargetOf(flags, terminal);
    const reading = new Reading(target);
    // A registry that cannot be reached is an error; one that is lost later is waited for.
    const first = await reading.read();
    if (json === true) await printAll(first, reading, { sort, filter, interval, once, terminal });
    else if (once === true || terminal.stdout.isTTY !== true || terminal.stdin.isTTY !== true) printRows(terminal, first, sort, filter);
    else context.setExitCode(await new Live({ terminal, target, reading, intervalMs: interval, sorting: sort, filter }).run(first));
  });
}

interface Printing {
  readonly sort: Sorting;
  readonly filter: string;
  readonly interval: number;
  readonly once: true | undefined;
  readonly terminal: Terminal;
}

async function printAll(first: Read, reading: Reading, { sort, filter, interval, once, terminal }: Printing): Promise<void> {
  const { unread } = terminal;
  const show = ({ rows, missing }: Read) => printJson(terminal, { services: sorted(filtered(rows, filter), sort), missing });
  show(first);
  if (once === true) return;
  while (!unread.aborted) {
    await sleep(interval, undefined, { signal: unread }).catch(() => undefined);
    if (!unread.aborted) show(await reading.read(unread));
  }
}

function printRows(terminal: Terminal, { rows, missing }: Read, sort: Sorting, filter: string): void {
  const shown = sorted(filtered(rows, filter), sort);
  if (missing.length > 0) remark(terminal, `not answered: ${missing.join(', ')}; their clients are left out`);
  if (shown.length === 0) remark(terminal, rows.length === 0 ? 'no services are registered' : `no service has ${JSON.stringify(filter)} in its name`);
  else printTable(terminal, heads, shown.map(cellsOf));
}
