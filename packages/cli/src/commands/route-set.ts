/** `rollcall route set SERVICE`: changes words of a route, or sets all of it from a file. */

import { checkRoute, routeLimits, type Route } from '@rollcall/protocol';
import { Option, type Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { given } from '../given.ts';
import { revision } from '../option-values.ts';
import { NamedRoute } from '../route-api.ts';
import { addWordOptions, changed, hasWords, type WordFlags } from '../route-words.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { print, printJson, visible, type Terminal } from '../terminal.ts';

interface SetFlags extends RegistryFlags, WordFlags {
  readonly file?: string;
  readonly cas?: number;
  readonly json?: true;
}

/** How often a change is made again on top of one that came between reading and writing. */
const attemptsMax = 5;

export function addRouteSet(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('set')
    .description('change what the options name of the route of a service; clients follow at once')
    .argument('<service>', 'the service, which may not exist yet')
    .option('--file <file>', 'set the whole route from this file, JSON or YAML; - reads standard input');
  addWordOptions(command)
    .addOption(new Option('--cas <revision>', 'only if the route has this revision; 0: only if there is none. Exit code 1 otherwise').argParser(revision))
    .option('--json', 'print {"done", "revision"}');
  addExamples(
    addNamespacedOptions(command),
    'rollcall route set orders --canary version=2:10% --timeout 2s',
    'rollcall route set orders --canary version=2:50%',
    'rollcall route set orders --unset canary --select version=2',
    'rollcall route set orders --file orders-route.yaml',
  );
  command.action(async (service: string, flags: SetFlags) => {
    const { file, cas, json } = flags;
    const words = hasWords(flags);
    if (words === (file !== undefined)) throw usage(words ? '--file sets the whole route, and goes with no option for a word' : 'name what to change, such as --timeout 2s, or a --file');
    const named = new NamedRoute(await namespacedTargetOf(flags, terminal), service);
    const set = file === undefined ? await change(named, flags) : await named.set(await readRoute(file, terminal), cas);
    if (json === true) printJson(terminal, set);
    if (!set.done) throw new CommandFailure(exitCodes.failure, `the route of ${visible(service)} has another revision by now: ${set.revision}`);
    if (json !== true) print(terminal, `the route of ${visible(service)} has the revision ${set.revision}`);
  });
}

async function change(named: NamedRoute, { cas, ...flags }: SetFlags): Promise<{ readonly done: boolean; readonly revision: number }> {
  for (let attempt = 1; ; attempt++) {
    const { route, revision: seen } = await named.get();
    const found = route === undefined ? 0 : seen;
    if (cas !== undefined && cas !== found) return { done: false, revision: found };
    const set = await named.set(changed(route ?? {}, flags), found);
    if (set.done || cas !== undefined || attempt === attemptsMax) return set;
  }
}

/** @throws CommandFailure `failure` */
async function readRoute(file: string, terminal: Terminal): Promise<Route> {
  const bytes = await given(file === '-' ? file : `@${file}`, { what: 'route', bytesMax: routeLimits.bytesMax * 4, terminal });
  // JSON is YAML, too; loaded here, since other commands do not need it.
  const { parseYaml } = await import('@rollcall/server');
  const parsed = await parseYaml(bytes.toString('utf8'));
  if (!parsed.ok) throw new CommandFailure(exitCodes.failure, `${file} is neither JSON nor YAML: ${parsed.fault.message} in line ${parsed.fault.line ?? 1}`);
  const checked = checkRoute(parsed.value);
  if (!checked.ok) throw new CommandFailure(exitCodes.failure, `${file}: ${checked.message}`);
  return checked.route;
}
