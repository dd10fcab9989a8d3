/** `rollcall config rollout APP/NAME`: where a rollout is, and what an operator does to it. */

import { Argument, type Command } from 'commander';
import { configSchema, doneSchema, type ShownRollout } from '@rollcall/protocol';
import type { CommandContext } from '../command-context.ts';
import { addAuthorOptions, namedConfig, type ConfigFlags } from '../config-api.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { print, printJson, visible } from '../terminal.ts';

interface RolloutFlags extends ConfigFlags {
  readonly name?: string;
  readonly message?: string;
}

export function addConfigRollout(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('rollout')
    .description('show the rollouts of a configuration, or pause, resume, advance, complete or stop one')
    .argument('<app/name>', 'the configuration')
    .addArgument(new Argument('[action]', 'what to do').choices(['pause', 'resume', 'advance', 'complete', 'stop']))
    .option('--name <name>', 'the rollout, when there are several')
    .option('--message <text>', 'why, for the history')
    .option('--json', 'print the rollouts as the registry has them, or {"done"}');
  addExamples(addAuthorOptions(command), 'rollcall config rollout shop/app.yaml', 'rollcall config rollout shop/app.yaml stop --message "errors in the log"');
  command.action(async (name: string, action: string | undefined, { name: chosen, message, json, ...flags }: RolloutFlags) => {
    const config = await namedConfig(name, flags, terminal);
    const { rollouts = [] } = await config.get('', configSchema);
    if (action === undefined) {
      if (json === true) printJson(terminal, rollouts);
      else if (rollouts.length === 0) print(terminal, `no rollout of ${name} is under way`);
      else for (const rollout of rollouts) print(terminal, sentence(rollout));
      return;
    }
    const rollout = chosen ?? only(name, rollouts);
    const answer = await config.post('/rollout', doneSchema, { rollout, action, ...(message === undefined ? {} : { message }) });
    if (json === true) printJson(terminal, answer);
    if (!answer.done) throw new CommandFailure(exitCodes.failure, `there is nothing to ${action} of rollout ${rollout}`);
    if (json !== true) print(terminal, `rollout ${visible(rollout)} of ${name}: ${action} is done`);
  });
}

function only(name: string, rollouts: readonly ShownRollout[]): string {
  const [first, second] = rollouts;
  if (first === undefined) throw new CommandFailure(exitCodes.notFound, `no rollout of ${name} is under way`);
  if (second !== undefined) throw usage(`${name} has the rollouts ${rollouts.map((each) => each.name).join(', ')}; name one with --name`);
  return first.name;
}

function sentence({ name, release, staged }: ShownRollout): string {
  const begin = `rollout ${visible(name)} gives release ${release}`;
  if (staged === undefined) return `${begin} to the clients that its rule names`;
  const { stages, stage, state, assigned } = staged;
  const now = stages[stage];
  const size = now?.count === undefined ? `${now?.percent ?? 0} % of the clients` : `${assigned?.length ?? 0} of ${now.count} instances`;
  return `${begin} to ${size}: stage ${stage + 1} of ${stages.length}, ${state}`;
}
