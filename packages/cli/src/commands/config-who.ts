/** `rollcall config who APP/NAME`: which live instances get which release. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addConfigOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { printTable } from '../table.ts';
import { print, printJson } from '../terminal.ts';

interface WhoFlags extends ConfigFlags {
  readonly service?: string;
}

interface Member {
  readonly instance: string;
  readonly address: string;
  readonly release: number;
  readonly rollout?: string;
  readonly unhealthy: boolean;
  readonly error?: string;
}

export function addConfigWho(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('who')
    .description('list the instances of the app, and the release that each gets')
    .argument('<app/name>', 'the configuration')
    .option('--service <name>', 'the service that has the instances; the app when not given')
    .option('--json', 'print [{"instance", "address", "release", "rollout", "unhealthy", "error"}]');
  addConfigOptions(command).action(async (name: string, { service, json, ...flags }: WhoFlags) => {
    const members = await (await namedConfig(name, flags, terminal)).get<readonly Member[]>('/who', service === undefined ? {} : { service });
    if (json === true) printJson(terminal, members);
    else if (members.length === 0) print(terminal, `the service ${service ?? name.slice(0, name.indexOf('/'))} has no instance`);
    else printTable(terminal, ['INSTANCE', 'ADDRESS', 'RELEASE', 'ROLLOUT', 'STATUS'], members.map((member) => [member.instance, member.address, String(member.release), member.rollout ?? '', status(member)]));
  });
}

function status({ error, unhealthy }: Member): { readonly text: string; readonly tone: 'good' | 'bad' } {
  if (error !== undefined) return { text: `error: ${error}`, tone: 'bad' };
  return unhealthy ? { text: 'unhealthy', tone: 'bad' } : { text: 'healthy', tone: 'good' };
}
