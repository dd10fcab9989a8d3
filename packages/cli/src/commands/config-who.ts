/** `rollcall config who APP/NAME`: which live instances get which release. */

import type { Command } from 'commander';
import { configReadersSchema, type ShownConfigReader } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addConfigOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { printTable } from '../table.ts';
import { print, printJson, remark } from '../terminal.ts';

interface WhoFlags extends ConfigFlags {
  readonly service?: string;
}

export function addConfigWho(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('who')
    .description('list the instances of the app and the connected clients, and the release that each gets and has applied')
    .argument('<app/name>', 'the configuration')
    .option('--service <name>', 'the service that has the instances; the app when not given')
    .option('--json', 'print {"readers": [{"instance", "address", "release", "rollout", "applied", "unhealthy", "error", "reader"}], "count", "missing"}');
  addConfigOptions(command).action(async (name: string, { service, json, ...flags }: WhoFlags) => {
    const found = await (await namedConfig(name, flags, terminal)).get('/who', configReadersSchema, service === undefined ? {} : { service });
    const { readers: members, missing } = found;
    if (missing.length > 0) remark(terminal, `clients of ${missing.join(', ')} are left out: no answer`);
    if (json === true) printJson(terminal, found);
    else if (members.length === 0) print(terminal, `the service ${service ?? name.slice(0, name.indexOf('/'))} has no instance`);
    else printTable(terminal, ['INSTANCE', 'ADDRESS', 'RELEASE', 'APPLIED', 'ROLLOUT', 'STATUS'], members.map((member) => [member.instance, member.address, String(member.release), String(member.applied ?? ''), member.rollout ?? '', status(member)]));
  });
}

function status({ error, unhealthy }: ShownConfigReader): { readonly text: string; readonly tone: 'good' | 'bad' | 'plain' } {
  if (error !== undefined) return { text: `error: ${error}`, tone: 'bad' };
  if (unhealthy === undefined) return { text: '', tone: 'plain' };
  return unhealthy ? { text: 'unhealthy', tone: 'bad' } : { text: 'healthy', tone: 'good' };
}
