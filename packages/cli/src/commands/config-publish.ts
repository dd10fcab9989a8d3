/** `rollcall config publish APP/NAME`: proposes the draft, and publishes it if it has the approvals that it needs. */

import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, formatOf, namedConfig, type ConfigFlags, type NamedConfig } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { given } from '../given.ts';
import { count } from '../option-values.ts';
import { alarm, planOf, stage, type PlanFlags } from '../rollout-plan.ts';
import { print, printJson, type Terminal } from '../terminal.ts';
import { contentBytesMax } from './config-set.ts';

interface PublishFlags extends ConfigFlags, PlanFlags {
  readonly content?: string;
  readonly format?: string;
  readonly proposal?: number;
  readonly message?: string;
  readonly at?: string;
  readonly confirm?: true;
}

interface Published {
  readonly done: boolean;
  readonly release?: number;
}

export function addConfigPublish(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('publish')
    .description('publish the draft, or content at once; where approvals are asked for, propose it')
    .argument('<app/name>', 'the configuration')
    .option('--content <content>', 'this content and not the draft; - reads it from stdin, @FILE from a file')
    .option('--format <format>', 'its format; by the ending of the name when not given')
    .option('--proposal <number>', 'this proposal, which has its approvals by now', count(Number.MAX_SAFE_INTEGER))
    .option('--message <text>', 'why, for the history')
    .option('--at <time>', 'publish the draft at this time, such as 2030-01-31T08:00:00Z, if it is approved by then')
    .addOption(new Option('--stage <size:time>', 'a stage of the rollout, such as 10%:5m or 3:10m for three instances; may be repeated').argParser(stage).default([], 'none'))
    .option('--alarm <what:share>', 'take it back when this share of its instances, above that of the others, is unhealthy or reports an error: unhealthy:0.5', alarm)
    .option('--webhook <url>', 'take it back when this URL says so')
    .option('--service <name>', 'the service that has the instances; the app when not given')
    .option('--confirm', 'content that is emptied or halved is meant')
    .option('--json', 'print {"done", "release"}, or {"done", "number", "missing"} for a proposal that waits');
  addExamples(
    addAuthorOptions(command),
    'rollcall config publish shop/app.yaml --message "longer timeouts"',
    'rollcall config publish shop/app.yaml --stage 1:10m --stage 50%:10m --alarm unhealthy:0.5',
  );
  command.action(async (name: string, flags: PublishFlags) => {
    const { content, proposal, at, json } = flags;
    if ([content, proposal, at].filter((each) => each !== undefined).length > 1) throw usage('give one of --content, --proposal and --at');
    const config = await namedConfig(name, flags, terminal);
    const told = (published: Published) => {
      if (json === true) printJson(terminal, published);
      if (!published.done) throw new CommandFailure(exitCodes.failure, `${name} was not published: it has changed meanwhile`);
      if (json !== true) print(terminal, `release ${published.release} of ${name} ${flags.stage.length > 0 ? 'begins its rollout' : 'is published'}`);
    };
    if (proposal !== undefined) told(await config.post<Published>('/proposal/publish', { number: proposal, ...messageOf(flags) }));
    else if (content !== undefined) told(await config.post<Published>('/publish', await contentOf(name, content, flags, terminal)));
    else await publishDraft(config, flags, { terminal, told });
  });
}

function messageOf({ message }: PublishFlags): object {
  return message === undefined ? {} : { message };
}

async function contentOf(name: string, argument: string, flags: PublishFlags, terminal: Terminal): Promise<Readonly<Record<string, unknown>>> {
  const { format = formatOf(name), confirm } = flags;
  const plan = planOf(flags);
  return {
    content: (await given(argument, { what: 'content', bytesMax: contentBytesMax, terminal })).toString('utf8'),
    ...(format === undefined ? {} : { format }),
    ...(confirm === undefined ? {} : { confirmed: true }),
    ...(plan === undefined ? {} : { rollout: { name: 'release', plan } }),
    ...messageOf(flags),
  };
}

interface Telling {
  readonly terminal: Terminal;
  readonly told: (published: Published) => void;
}

async function publishDraft(config: NamedConfig, flags: PublishFlags, { terminal, told }: Telling): Promise<void> {
  const { at, confirm, json } = flags;
  const notBeforeMs = at === undefined ? undefined : Date.parse(at);
  if (Number.isNaN(notBeforeMs)) throw usage(`${JSON.stringify(at)} is no time, such as 2030-01-31T08:00:00Z`);
  const { revision } = await config.get<{ readonly revision: number }>('/draft');
  const plan = planOf(flags);
  const { done, number } = await config.post<{ readonly done: boolean; readonly number?: number }>('/propose', {
    draft: revision,
    ...messageOf(flags),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(confirm === undefined ? {} : { confirmed: true }),
    ...(plan === undefined ? {} : { rollout: plan }),
  });
  if (!done || number === undefined) throw new CommandFailure(exitCodes.failure, `the draft of ${config.name} has changed meanwhile`);
  const { missing } = await config.get<{ readonly missing: number }>('/proposal', { number: String(number) });
  if (missing === 0 && notBeforeMs === undefined) {
    told(await config.post<Published>('/proposal/publish', { number, ...messageOf(flags) }));
    return;
  }
  if (json === true) printJson(terminal, { done: false, number, missing });
  else if (missing > 0) print(terminal, `proposal ${number} of ${config.name} waits for ${missing} approval${missing === 1 ? '' : 's'}: rollcall config approve ${config.name} ${number}`);
  else print(terminal, `proposal ${number} of ${config.name} is published at ${new Date(notBeforeMs ?? 0).toISOString()}`);
}
