/** `rollcall members`: lists the agents that the registry knows and whether they are alive. */

import { Option, type Command } from 'commander';
import { askJson, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { filterOption, filterQuery } from '../filter.ts';
import { hostPort } from '../instances-table.ts';
import { pattern } from '../option-values.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { printTable, type Cell } from '../table.ts';
import { printJson } from '../terminal.ts';

interface MembersFlags extends RegistryFlags {
  readonly detailed?: true;
  readonly filter?: string;
  readonly status?: RegExp;
  readonly json?: true;
}

/** As `/v1/agent/members` gives it. */
interface Member {
  readonly Name: string;
  readonly Addr: string;
  readonly Port: number;
  readonly Tags: Readonly<Record<string, string>>;
  readonly Status: number;
}

/** Serf's numbers (`serf.MemberStatus`). */
const statuses: Readonly<Record<number, string>> = { 1: 'alive', 2: 'leaving', 3: 'left', 4: 'failed' };

export function addMembers(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('members')
    .description('list the agents that the registry knows: its own and those of its clients')
    .option('--detailed', 'show all tags of each')
    .addOption(new Option('--status <pattern>', 'only those whose status matches: alive, failed').argParser(pattern))
    .addOption(filterOption())
    .option('--json', 'print an array of members, as /v1/agent/members gives them');
  addExamples(addRegistryOptions(command), 'rollcall members', "rollcall members --status failed --json", "rollcall members --filter 'Tags.role == consul'");
  command.action(async ({ detailed, filter, status, json, ...flags }: MembersFlags) => {
    const target = await targetOf(flags, terminal);
    const query = await filterQuery(filter, terminal);
    const all = await askJson<Member[]>(target, `/v1/agent/members?${query.toString()}`);
    const found = all.filter((member) => status === undefined || status.test(nameOf(member.Status)));
    if (json === true) printJson(terminal, found);
    else if (detailed === true) printTable(terminal, ['NODE', 'ADDRESS', 'STATUS', 'TAGS'], found.map(detailedRow));
    else if (found.length > 0) printTable(terminal, ['NODE', 'ADDRESS', 'STATUS', 'TYPE', 'BUILD', 'DC'], found.map(row));
    if (found.length === 0) throw new CommandFailure(exitCodes.notFound, 'no member matches');
  });
}

function nameOf(status: number): string {
  return statuses[status] ?? 'unknown';
}

function head({ Name, Addr, Port, Status }: Member): (string | Cell)[] {
  return [Name, hostPort(Addr, Port), { text: nameOf(Status), tone: Status === 1 ? 'good' : 'bad' }];
}

function row(member: Member): (string | Cell)[] {
  const { role, build = '', dc = '' } = member.Tags;
  return [...head(member), role === 'consul' ? 'server' : 'client', build.split(':')[0] ?? '', dc];
}

function detailedRow(member: Member): (string | Cell)[] {
  const tags = Object.entries(member.Tags).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [...head(member), tags.map(([name, value]) => `${name}=${value}`).join(',')];
}
