/** `rollcall migrate`: moves a registry to another store while no node serves it. */

import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Engine, Migrated } from '@rollcall/server';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes, failingWith, usage } from '../failure.ts';
import { engineSetting, type EngineSetting } from '../settings/engine.ts';
import { assertUsed, etcdSettings, openEngine, storeRefusals } from '../settings/open-engine.ts';
import { resolveSettings } from '../settings/resolve.ts';
import { settingOption } from '../settings/setting-option.ts';
import { settingsTable, type Settings } from '../settings/table.ts';
import { print, printJson, remark, type Terminal } from '../terminal.ts';

interface MigrateFlags extends Record<string, unknown> {
  readonly from: string;
  readonly to: string;
  readonly json?: true;
}

export function addMigrate(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('migrate')
    .description('move a registry to another store while no node serves it; its revisions go on above those that it had')
    .requiredOption('--from <engine>', 'where it is: embedded:DIR or etcd:URL[,URL]')
    .requiredOption('--to <engine>', 'where it goes; must be empty, or a store that it has left')
    .option('--json', 'print the result as JSON');
  for (const key of etcdSettings) command.addOption(settingOption(key));
  command.action((flags: MigrateFlags) => migrate(flags, terminal));
}

async function migrate(flags: MigrateFlags, terminal: Terminal): Promise<void> {
  const places = [placeOf('--from', flags.from), placeOf('--to', flags.to)] as const;
  const [from] = places;
  // Other settings in the environment are for `rollcall serve`.
  const given = Object.fromEntries(etcdSettings.map((key) => [key, flags[key]]));
  const env = Object.fromEntries(etcdSettings.map((key) => settingsTable[key].env ?? key).map((name) => [name, terminal.env[name]]));
  const { settings } = resolveSettings({ flags: given, env, folder: process.cwd(), readFile: () => '{}', limitNames: [] });
  assertUsed(settings, places);
  if (from.kind === 'embedded' && !existsSync(from.dir)) throw new CommandFailure(exitCodes.storeRefused, `there is no ${from.dir} to move from`);
  const moved = await failingWith(exitCodes.storeRefused, () => moveBetween(places, settings, flags), storeRefusals);
  if (flags.json === true) return printJson(terminal, moved);
  print(terminal, `moved ${moved.records} records; the registry is at revision ${moved.revision} in ${flags.to}`);
  remark(terminal, `${flags.from} has its copy still, and a note that it has moved: no node serves it any more`);
}

async function moveBetween(places: readonly EngineSetting[], settings: Settings, names: Pick<MigrateFlags, 'from' | 'to'>): Promise<Migrated> {
  const { migrateStore, stderrLog } = await import('@rollcall/server');
  const engines: Engine[] = [];
  try {
    for (const place of places) engines.push(await openEngine(place, settings, stderrLog('warn')));
    return await migrateStore(engines[0] as Engine, engines[1] as Engine, { from: names.from, to: names.to });
  } finally {
    for (const engine of engines) await engine.close();
  }
}

function placeOf(option: string, value: string): EngineSetting {
  let place: EngineSetting;
  try {
    place = engineSetting(value, process.cwd());
  } catch (error) {
    throw usage(`${option}: ${(error as Error).message}`);
  }
  if (place.kind === 'node') throw usage(`${option}: another node has that store; name the store itself, embedded:DIR or etcd:URL`);
  if (place.kind === 'memory') throw usage(`${option}: what is in memory is gone when its server stops; name embedded:DIR or etcd:URL`);
  return place;
}
