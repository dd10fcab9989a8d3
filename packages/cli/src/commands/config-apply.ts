/** `rollcall config plan DIR` and `apply DIR`: make an environment like the files of a directory, as a repository has them. */

import { Option, type Command } from 'commander';
import { doneSchema, draftSavedSchema, formatOfName, publishedSchema, type ListedConfig } from '@rollcall/protocol';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { configAt, type ConfigFlags, type NamedConfig } from '../config-api.ts';
import { nextOf, proposeOnce, type Proposed } from '../config-proposal.ts';
import { changesOf, listed, placeOf, readTree, type Change } from '../config-tree.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes } from '../failure.ts';
import { addNamespacedOptions } from '../servers.ts';
import { counted, print, printJson, type Terminal } from '../terminal.ts';

interface ApplyFlags extends ConfigFlags {
  readonly prune?: true;
  readonly owner?: 'git';
  readonly propose?: true;
  readonly message?: string;
  readonly confirm?: true;
}

interface Plan {
  readonly changes: readonly Change[];
  /** Configurations that the repository does not own yet. */
  readonly unowned: readonly string[];
  readonly named: (name: string) => NamedConfig;
}

export function addConfigPlan(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('plan')
    .description('show what apply would do')
    .argument('<dir>', 'the directory, with the files APP/NAME and APP/@CLUSTER/NAME')
    .option('--prune', 'remove configurations that have no file, of every cluster')
    .option('--json', 'print [{"name", "kind"}]');
  addExamples(addNamespacedOptions(command), 'rollcall config plan ./config --namespace production');
  command.action(async (folder: string, flags: ApplyFlags) => {
    const { changes } = await planOf(folder, flags, terminal);
    if (flags.json === true) printJson(terminal, changes.map(({ name, kind }) => ({ name, kind })));
    else if (changes.length === 0) print(terminal, 'nothing to do');
    else for (const { name, kind } of changes) print(terminal, `${kind} ${name}`);
  });
}

export function addConfigApply(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('apply')
    .description('publish the files of a directory that differ from what clients get')
    .argument('<dir>', 'the directory, with the files APP/NAME and APP/@CLUSTER/NAME')
    .option('--prune', 'remove configurations that have no file, of every cluster')
    .addOption(new Option('--owner <owner>', 'lock the configurations for other editors').choices(['git']))
    .option('--propose', 'draft and propose each change, where approvals are asked for; it takes the place of a present draft')
    .option('--message <text>', 'why, for the history, such as the commit')
    .option('--confirm', 'content that is emptied or halved is meant')
    .option('--by <name>', 'who does it, for the history, while access control is off; the name in USER when not given');
  addExamples(addNamespacedOptions(command), 'rollcall config apply ./config --namespace production --owner git --message "commit 4f1c2a"');
  command.action(async (folder: string, flags: ApplyFlags) => {
    const plan = await planOf(folder, flags, terminal);
    for (const change of plan.changes) {
      const config = plan.named(change.name);
      if (flags.propose === true) {
        const proposed = await proposedChange(config, change, flags);
        print(terminal, `proposal ${proposed.number}, to ${change.kind} ${change.name}, ${nextOf(config, proposed)}`);
      } else {
        await applied(config, change, flags);
        print(terminal, `${change.kind} ${change.name}`);
      }
    }
    if (flags.owner === 'git') for (const name of plan.unowned) await plan.named(name).post('/settings', doneSchema, { owner: 'git' });
    print(terminal, plan.changes.length === 0 ? 'nothing to do' : `${counted(plan.changes.length, 'change')} ${flags.propose === true ? 'proposed' : 'done'}`);
  });
}

async function planOf(folder: string, flags: ApplyFlags, terminal: Terminal): Promise<Plan> {
  const files = await readTree(folder);
  const present: ReadonlyMap<string, ListedConfig> = await listed(await namespacedTargetOf(flags, terminal));
  const names = new Set([...files.keys(), ...present.keys()]);
  const configs = new Map<string, NamedConfig>();
  for (const name of names) configs.set(name, await configAt(placeOf(name), flags, terminal));
  const named = (name: string) => configs.get(name) as NamedConfig;
  return { changes: await changesOf(files, present, flags.prune === true, named), unowned: [...files.keys()].filter((name) => present.get(name)?.owner !== 'git'), named };
}

/** Drafts a change and proposes that, unless the same is proposed already. */
async function proposedChange(config: NamedConfig, change: Change, { message, confirm }: ApplyFlags): Promise<Proposed> {
  const { revision = 0 } = await config.post('/draft/save', draftSavedSchema, { source: 'git', own: true, ...(change.kind === 'remove' ? { remove: true } : contentOf(config, change)) });
  return proposeOnce(config, { draft: revision, message, confirmed: confirm });
}

function contentOf({ name }: NamedConfig, { content }: Change): object {
  const format = formatOfName(name);
  return { content, ...(format === undefined ? {} : { format }) };
}

async function applied(config: NamedConfig, change: Change, { message, confirm }: ApplyFlags): Promise<void> {
  const why = { source: 'git', ...(message === undefined ? {} : { message }) };
  if (change.kind === 'remove') {
    await config.post('/remove', doneSchema, why);
    return;
  }
  const confirmed = confirm === undefined ? {} : { confirmed: true };
  const { done } = await config.post('/publish', publishedSchema, { ...contentOf(config, change), cas: change.md5, ...why, ...confirmed });
  if (!done) throw new CommandFailure(exitCodes.failure, `${config.name} was changed by another client meanwhile; run it again`);
}
