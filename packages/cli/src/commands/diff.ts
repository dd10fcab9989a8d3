/** `rollcall diff --from 10m`: what was added, removed and changed between two times. */

import { historyDiffSchema, type HistoryChange, type HistoryDiff } from '@rollcall/protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { usage } from '../failure.ts';
import { count } from '../option-values.ts';
import { PastRegistry, when, whenWords, type When } from '../past.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { colorsFor, print, printJson, remark, visible, type Terminal } from '../terminal.ts';

interface DiffFlags extends RegistryFlags {
  readonly from?: When;
  readonly to: When;
  readonly limit?: number;
  readonly json?: true;
}

export function addDiff(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('diff')
    .description('show what was added, removed and changed between two times: services, instances, keys, configurations, routes and locks')
    .requiredOption('--from <time>', `the earlier time: ${whenWords}`, when)
    .option('--to <time>', 'the later one', when, { agoMs: 0 })
    .option('--limit <number>', 'most changes to show; 1000 when not given', count(10_000))
    .option('--json', 'print {"from", "to", "changes": [{"kind", "change", "name", "service", "node", "fields": [{"field", "before", "after"}]}], "truncated"}');
  addExamples(addNamespacedOptions(command), 'rollcall diff --from 10m', 'rollcall diff --from 2026-01-31T12:00:00Z --to 1h --json');
  command.action(async ({ from, to, limit, json, ...flags }: DiffFlags) => {
    if (from === undefined) throw usage('--from is missing: since when?');
    const past = await PastRegistry.of(flags, terminal);
    const [begin = '', end = ''] = await past.moments(from, to);
    const diff = await past.get('/diff', historyDiffSchema, { from: begin, to: end, ...(limit === undefined ? {} : { limit: String(limit) }) });
    if (json === true) printJson(terminal, diff);
    else if (diff.changes.length === 0) remark(terminal, 'nothing differs');
    else printChanges(terminal, diff);
    if (diff.truncated === true && json !== true) remark(terminal, 'there are more changes; raise --limit, or choose times that are closer together');
  });
}

const signs = { added: '+', removed: '-', changed: '~' } as const;

function printChanges(terminal: Terminal, { from, to, changes }: HistoryDiff): void {
  const colors = colorsFor(terminal.stdout, terminal.env);
  const timeOf = ({ atMs, revision }: HistoryDiff['from']) => `${new Date(atMs).toISOString()} (r${revision})`;
  print(terminal, colors.dim(`${timeOf(from)} … ${timeOf(to)}`));
  for (const change of changes) {
    const line = `${signs[change.change]} ${change.kind} ${visible(nameOf(change))}`;
    print(terminal, change.change === 'added' ? colors.green(line) : change.change === 'removed' ? colors.red(line) : line);
    if (change.change !== 'changed') continue;
    for (const { field, before, after } of change.fields) print(terminal, `    ${field}: ${shown(before)} → ${shown(after)}`);
  }
}

function nameOf({ kind, name, service = '', node = '', cluster }: HistoryChange): string {
  if (kind === 'instance') return `${service} ${name}${node === '' ? '' : ` on ${node}`}`;
  return cluster === undefined ? name : `${name} (${cluster})`;
}

function shown(value: unknown): string {
  return value === undefined ? 'none' : visible(typeof value === 'string' ? value : JSON.stringify(value));
}
