/** `rollcall snapshot inspect FILE`: prints the content of a snapshot or a backup in figures. Needs no registry. */

import { isRegistryError } from '@rollcall/protocol';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { count } from '../option-values.ts';
import { sentFile } from '../sent-file.ts';
import { printTable } from '../table.ts';
import { print, printJson } from '../terminal.ts';

interface InspectFlags {
  readonly kvdetails?: true;
  readonly kvdepth?: number;
  readonly kvfilter?: string;
  readonly json?: true;
}

interface Group {
  readonly name: string;
  readonly count: number;
  readonly bytes: number;
}

/** Limit of the unpacked file, which is held in memory. */
const backupBytesMax = 4_294_967_296;

/** As Consul's: two levels of keys make a group. */
const depthUsual = 2;

export function addSnapshotInspect(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('inspect')
    .description('check a snapshot or a backup as a restore would, and print counts and sizes of its content')
    .argument('<file>', 'file of "rollcall snapshot save" or "rollcall backup", "-" for standard input')
    .option('--kvdetails', 'print the sizes of keys, grouped by their beginning')
    .addOption(new Option('--kvdepth <count>', 'how many parts of a key, between slashes, define its group (default 2)').argParser(count(100)))
    .option('--kvfilter <prefix>', 'only keys that begin with it')
    .option('--json', 'print {"revision", "kinds"}, and "keys" with --kvdetails');
  addExamples(command, 'rollcall snapshot inspect registry.snap', 'rollcall snapshot inspect --kvdetails --kvfilter config/ registry.snap');
  command.action(async (file: string, { kvdetails, kvdepth, kvfilter, json }: InspectFlags) => {
    if (kvdetails === undefined && (kvdepth !== undefined || kvfilter !== undefined)) throw usage('--kvdepth and --kvfilter need --kvdetails');
    const { inspectBackup } = await import('@rollcall/server');
    const source = await sentFile(file, 'snapshot', terminal);
    const { revision, kinds, keys } = await inspectBackup(source, backupBytesMax).catch((error: unknown) => {
      if (!isRegistryError(error)) throw error;
      throw new CommandFailure(exitCodes.failure, `${file}: ${error.message}`, { cause: error });
    });
    const groups = kvdetails === true ? grouped(keys, { depth: kvdepth ?? depthUsual, prefix: kvfilter ?? '' }) : undefined;
    if (json === true) {
      printJson(terminal, { revision, kinds, ...(groups === undefined ? {} : { keys: groups }) });
      return;
    }
    print(terminal, `made at revision ${revision}`);
    for (const [title, rows] of [['KIND', kinds.map(({ kind, ...sum }) => ({ name: kind, ...sum }))], ['KEYS', groups]] as const) {
      if (rows === undefined) continue;
      print(terminal, '');
      const total = { name: 'in all', count: sum(rows, 'count'), bytes: sum(rows, 'bytes') };
      printTable(terminal, [title, 'COUNT', 'BYTES'], [...rows, total].map((row) => [row.name, String(row.count), String(row.bytes)]));
    }
  });
}

/** The largest first. */
function grouped(keys: readonly { readonly key: string; readonly bytes: number }[], { depth, prefix }: { depth: number; prefix: string }): Group[] {
  const groups = new Map<string, Group>();
  for (const { key, bytes } of keys.filter((each) => each.key.startsWith(prefix))) {
    const name = key.split('/').slice(0, depth).join('/');
    const before = groups.get(name);
    groups.set(name, { name, count: (before?.count ?? 0) + 1, bytes: (before?.bytes ?? 0) + bytes });
  }
  return [...groups.values()].toSorted((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1));
}

function sum(rows: readonly Group[], of: 'count' | 'bytes'): number {
  return rows.reduce((total, row) => total + row[of], 0);
}
