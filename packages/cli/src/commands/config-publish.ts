/** `rollcall config publish APP/NAME`: proposes the draft, and publishes it if it has the approvals that it needs. */

import { Option, type Command } from 'commander';
import { draftSchema, formatOfName, publishedSchema, type Published, type RolloutRule } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags, type NamedConfig } from '../config-api.ts';
import { nextOf, propose, timeOf } from '../config-proposal.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { given } from '../given.ts';
import { count } from '../option-values.ts';
import { alarm, rolloutOf, rule, stage, type PlanFlags } from '../rollout-plan.ts';
import { print, printJson, type Terminal } from '../terminal.ts';
import { contentBytesMax } from './config-set.ts';

interface PublishFlags extends ConfigFlags, PlanFlags {
  readonly content?: string;
  readonly format?: string;
  readonly proposal?: number;
  readonly message?: string;
  readonly at?: string;
  readonly confirm?: true;
  readonly rule?: RolloutRule;
  readonly replace?: true;
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
    .option('--rule <kind:what>', 'only for clients that it names, by app:A,B, address:10.0.0.0/8, label:KEY=V1,V2, instance:NODE/ID or expression:TEXT; without --stage until "rollcall config rollout" stops or completes it', rule)
    .option('--replace', 'void the open proposal of the draft with another rollout or time, and its approvals')
    .option('--confirm', 'content that is emptied or halved is meant')
    .option('--json', 'print {"done", "release", "rollout"}, or {"done", "number", "missing"} for a proposal that waits');
  addExamples(
    addAuthorOptions(command),
    'rollcall config publish shop/app.yaml --message "longer timeouts"',
    'rollcall config publish shop/app.yaml --stage 1:10m --stage 50%:10m --alarm unhealthy:0.5',
    'rollcall config publish shop/app.yaml --rule label:ring=beta --stage 50%:10m',
    'rollcall config publish shop/app.yaml --content @beta.yaml --rule label:ring=beta',
  );
  command.action(async (name: string, flags: PublishFlags) => {
    const { content, proposal, at, json } = flags;
    if (proposal !== undefined && (rolloutOf(flags) !== undefined || flags.replace === true)) throw usage('a proposal is published as it was approved; to change its rollout, propose the draft again with --replace');
    if ([content, proposal, at].filter((each) => each !== undefined).length > 1) throw usage('give one of --content, --proposal and --at');
    const config = await namedConfig(name, flags, terminal);
    const told = (published: Published) => {
      if (json === true) printJson(terminal, published);
      if (!published.done) throw new CommandFailure(exitCodes.failure, whyNot(name, published, proposal));
      if (json === true) return;
      if (published.removed === true) print(terminal, `clients get nothing of ${name} any more; its history stays`);
      else print(terminal, `release ${published.release} of ${name} ${published.rollout === undefined ? 'is published' : 'begins its rollout'}`);
    };
    if (proposal !== undefined) told(await config.post('/proposal/publish', publishedSchema, { number: proposal, ...messageOf(flags) }));
    else if (content !== undefined) told(await config.post('/publish', publishedSchema, await contentOf(name, content, flags, terminal)));
    else await publishDraft(config, flags, { terminal, told });
  });
}

/** Why nothing was published, in words. */
function whyNot(name: string, { state }: Published, proposal: number | undefined): string {
  switch (state) {
    case 'void':
      return `proposal${proposal === undefined ? '' : ` ${proposal}`} of ${name} was not published: its draft was changed, thrown away or proposed anew, so the proposal and its approvals are void; "rollcall config publish ${name}" proposes the draft again`;
    case 'published':
    case 'withdrawn':
      return `proposal${proposal === undefined ? '' : ` ${proposal}`} of ${name} was not published: it ${state === 'published' ? 'is published already' : 'was withdrawn'}`;
    default:
      return `${name} was not published: it has changed meanwhile`;
  }
}

function messageOf({ message }: PublishFlags): object {
  return message === undefined ? {} : { message };
}

async function contentOf(name: string, argument: string, flags: PublishFlags, terminal: Terminal): Promise<Readonly<Record<string, unknown>>> {
  const { format = formatOfName(name), confirm } = flags;
  const rollout = rolloutOf(flags);
  return {
    content: (await given(argument, { what: 'content', bytesMax: contentBytesMax, terminal })).toString('utf8'),
    ...(format === undefined ? {} : { format }),
    ...(confirm === undefined ? {} : { confirmed: true }),
    ...(rollout === undefined ? {} : { rollout }),
    ...messageOf(flags),
  };
}

interface Telling {
  readonly terminal: Terminal;
  readonly told: (published: Published) => void;
}

async function publishDraft(config: NamedConfig, flags: PublishFlags, { terminal, told }: Telling): Promise<void> {
  const { at, confirm, json, message, replace } = flags;
  const notBeforeMs = timeOf(at);
  const { revision } = await config.get('/draft', draftSchema);
  const proposed = await propose(config, { draft: revision, message, notBeforeMs, confirmed: confirm, rollout: rolloutOf(flags), replace });
  const { number, missing } = proposed;
  if (missing === 0 && notBeforeMs === undefined) told(await config.post('/proposal/publish', publishedSchema, { number, ...messageOf(flags) }));
  else if (json === true) printJson(terminal, { done: false, number, missing });
  else print(terminal, `proposal ${number} of ${config.name} ${nextOf(config, proposed, notBeforeMs)}`);
}
