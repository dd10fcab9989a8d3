/** `rollcall config environment`: the order and the rules of environments, which are namespaces, and who has changed them. */

import { InvalidArgumentError, Option, type Command } from 'commander';
import { doneSchema, environmentHistorySchema, environmentListSchema, type ConfigEnvironment, type ConfigPolicy, type Done, type EnvironmentRules, type EnvironmentStep } from '@rollcall/protocol';
import { askAnswer, targetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { revision as number } from '../option-values.ts';
import { alarm, planOf, stage, type PlanFlags } from '../rollout-plan.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { print, printJson, type Terminal } from '../terminal.ts';

interface Flags extends RegistryFlags {
  readonly json?: true;
  readonly by?: string;
  readonly message?: string;
}

interface SetFlags extends Flags, Omit<PlanFlags, 'stage' | 'webhook'> {
  readonly order?: number;
  readonly approvals?: number;
  readonly fourEyes?: boolean;
  readonly schemaRequired?: boolean;
  readonly freeze: readonly Freeze[];
  readonly freezes?: false;
  readonly webhook?: string;
  readonly stage: PlanFlags['stage'];
  readonly stages?: false;
  readonly alarmWebhook?: string;
  readonly historyMax?: number | 'forever';
  readonly historyDays?: number;
}

type Freeze = NonNullable<ConfigPolicy['freezes']>[number];

const dayMs = 86_400_000;

export function addConfigEnvironment(parent: Command, { terminal }: CommandContext): void {
  const environments = parent.command('environment').description('show and change the order of environments, and their rules for publishing');

  const list = environments.command('list').description('list the environments in their order, with their rules').option('--json', 'print [{"environment", "order", "policy", "revision"}]');
  addRegistryOptions(list).action(async (flags: Flags) => {
    const all = await environmentsOf(flags, terminal);
    if (flags.json === true) printJson(terminal, all);
    else printTable(terminal, ['ENVIRONMENT', 'ORDER', 'RULES'], all.map(({ environment, order, policy }) => [environment, String(order), summary(policy)]));
  });

  const get = environments.command('get').description('print the order and the rules of an environment as JSON').argument('<environment>', 'the namespace');
  addRegistryOptions(get).action(async (name: string, flags: Flags) => printJson(terminal, await environmentOf(name, flags, terminal)));

  const set = environments
    .command('set')
    .description('change rules of an environment; those that no option names stay as they are')
    .argument('<environment>', 'the namespace')
    .option('--order <number>', 'its place in lists', number)
    .option('--approvals <number>', 'approvals that a proposal needs; 0: content is published at once', number)
    .option('--four-eyes', 'approvals of the editors of a proposal do not count')
    .option('--no-four-eyes', 'they count')
    .addOption(new Option('--freeze <from/to=why>', 'a time in which nothing is published, such as "2030-12-24T00:00Z/2031-01-02T00:00Z=holidays"; may be repeated, and replaces all others').argParser(freeze).default([], 'none'))
    .option('--no-freezes', 'remove all of these times')
    .option('--schema-required', 'a configuration needs a schema before it is published')
    .option('--no-schema-required', 'it needs none')
    .option('--webhook <url>', 'a program that must agree to each content; an empty text removes it')
    .addOption(new Option('--stage <size:time>', 'a stage in which each release reaches clients, such as 10%:5m; may be repeated, and replaces all others').argParser(stage).default([], 'none'))
    .option('--alarm <what:share>', 'with --stage: the alarm, such as unhealthy:0.5', alarm)
    .option('--alarm-webhook <url>', 'with --stage: the webhook of the alarm')
    .option('--service <name>', 'with --stage: the service that has the instances; the app when not given')
    .option('--no-stages', 'releases reach all clients at once')
    .option('--history-max <number>', 'steps of the history that are kept, or forever: all, as long as there is room; 0: the usual 100', steps)
    .option('--history-days <number>', 'days for which a step is kept; 0: no limit', number)
    .option('--message <text>', 'why, for the history')
    .option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given');
  addExamples(
    addRegistryOptions(set),
    'rollcall config environment set production --order 2 --approvals 1 --four-eyes',
    'rollcall config environment set production --stage 1:10m --stage 50%:10m --alarm unhealthy:0.5',
    'rollcall config environment set production --history-max forever',
  );
  set.action(async (name: string, flags: SetFlags) => {
    const { order, policy, revision } = await environmentOf(name, flags, terminal);
    const changed = { order: flags.order ?? order, policy: changedPolicy(policy, flags) };
    const { done } = await change(name, 'PUT', flags, terminal, { ...changed, cas: revision, ...(flags.message === undefined ? {} : { message: flags.message }) });
    if (!done) throw new CommandFailure(exitCodes.failure, `the rules of ${name} were changed by another client meanwhile; run it again`);
    print(terminal, `the rules of ${name} are: ${summary(changed.policy) || 'none'}`);
  });

  const remove = environments
    .command('delete')
    .description('take the rules and the order of an environment away; its configurations stay')
    .argument('<environment>', 'the namespace')
    .option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given');
  addRegistryOptions(remove).action(async (name: string, flags: Flags) => {
    const { done } = await change(name, 'DELETE', flags, terminal);
    if (!done) throw new CommandFailure(exitCodes.notFound, `${name} has no rules`);
    print(terminal, `${name} has no rules any more`);
  });

  const history = environments
    .command('history')
    .description('list the changes of the rules of an environment, the newest first')
    .argument('<environment>', 'the namespace')
    .option('--json', 'print [{"number", "before", "after", "atMs", "by", "message"}]');
  addRegistryOptions(history).action(async (name: string, flags: Flags) => {
    const steps = await askAnswer(await targetOf(flags, terminal), `/rollcall/v1/config/environment/history?${new URLSearchParams({ environment: name }).toString()}`, environmentHistorySchema);
    if (flags.json === true) printJson(terminal, steps);
    else printTable(terminal, ['NUMBER', 'TIME', 'BY', 'BEFORE', 'AFTER', 'WHY'], steps.map(cells));
  });
}

function cells({ number: at, before, after, atMs, by = '', message = '' }: EnvironmentStep): string[] {
  return [String(at), new Date(atMs).toISOString(), by, rulesOf(before), rulesOf(after), message];
}

function rulesOf(rules: EnvironmentRules | undefined): string {
  return rules === undefined ? 'none' : [`order ${rules.order}`, summary(rules.policy)].filter((part) => part !== '').join(', ');
}

/** What a policy asks for, in one line; JSON has the whole. */
function summary(policy: ConfigPolicy): string {
  const asked = Object.entries(policy).filter(([, value]) => value !== false && value !== 0 && !(Array.isArray(value) && value.length === 0));
  return asked.map(([rule, value]) => (typeof value === 'number' || typeof value === 'string' ? `${rule} ${value}` : rule)).join(', ');
}

async function environmentsOf(flags: RegistryFlags, terminal: Terminal): Promise<readonly ConfigEnvironment[]> {
  return askAnswer(await targetOf(flags, terminal), '/rollcall/v1/config/environments', environmentListSchema);
}

/** @throws CommandFailure `notFound` */
async function environmentOf(name: string, flags: RegistryFlags, terminal: Terminal): Promise<ConfigEnvironment> {
  const found = (await environmentsOf(flags, terminal)).find(({ environment }) => environment === name);
  if (found === undefined) throw new CommandFailure(exitCodes.notFound, `there is no namespace ${name}, or the token may not see it; "rollcall namespaces create ${name}" creates one`);
  return found;
}

async function change(name: string, method: 'PUT' | 'DELETE', { by: given, ...flags }: Flags, terminal: Terminal, body?: object): Promise<Done> {
  const by = given ?? terminal.env['USER'];
  const query = new URLSearchParams({ environment: name, ...(by === undefined ? {} : { by }) });
  return askAnswer(await targetOf(flags, terminal), `/rollcall/v1/config/environment?${query.toString()}`, doneSchema, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

/** @throws CommandFailure `usage` when options are against each other */
function changedPolicy(policy: ConfigPolicy, flags: SetFlags): ConfigPolicy {
  const { approvals, fourEyes, freeze: freezes, schemaRequired, webhook, stage: stages, alarmWebhook, historyMax, historyDays } = flags;
  if (freezes.length > 0 && flags.freezes === false) throw usage('give --freeze or --no-freezes, not both');
  if (stages.length > 0 && flags.stages === false) throw usage('give --stage or --no-stages, not both');
  if (stages.length === 0 && (flags.alarm ?? alarmWebhook ?? flags.service) !== undefined) throw usage('--alarm, --alarm-webhook and --service are for --stage');
  const rollout = planOf({ stage: stages, ...(flags.alarm === undefined ? {} : { alarm: flags.alarm }), ...(alarmWebhook === undefined ? {} : { webhook: alarmWebhook }), ...(flags.service === undefined ? {} : { service: flags.service }) });
  const changes = {
    ...(approvals === undefined ? {} : { approvals }),
    ...(fourEyes === undefined ? {} : { fourEyes }),
    ...(schemaRequired === undefined ? {} : { schemaRequired }),
    ...(freezes.length > 0 || flags.freezes === false ? { freezes } : {}),
    ...(webhook === undefined ? {} : { webhook: webhook === '' ? undefined : webhook }),
    ...(rollout !== undefined || flags.stages === false ? { rollout } : {}),
    ...(historyMax === undefined ? {} : { historyMax: historyMax === 0 ? undefined : historyMax }),
    ...(historyDays === undefined ? {} : { historyMs: historyDays === 0 ? undefined : historyDays * dayMs }),
  };
  // JSON leaves out what is undefined.
  return Object.fromEntries(Object.entries({ ...policy, ...changes }).filter(([, value]) => value !== undefined));
}

/** @throws InvalidArgumentError for what is neither a number nor `forever` */
function steps(text: string): number | 'forever' {
  return text === 'forever' ? text : number(text);
}

/** `FROM/TO=WHY`, which may be repeated. */
function freeze(text: string, before: readonly Freeze[]): readonly Freeze[] {
  const [, from = '', to = '', why = ''] = /^([^/=]+)\/([^/=]+)=(.+)$/s.exec(text) ?? [];
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
  if (Number.isNaN(fromMs) || Number.isNaN(toMs) || fromMs >= toMs) throw new InvalidArgumentError('write FROM/TO=WHY, such as "2030-12-24T00:00Z/2031-01-02T00:00Z=holidays".');
  return [...before, { fromMs, toMs, why }];
}
