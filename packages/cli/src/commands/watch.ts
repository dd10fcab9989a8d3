/**
 * `rollcall watch`: prints a view after each change. `watch NAME` shows the instances of a service to people; `watch --type`
 * is Consul's watch, which prints JSON or runs a program for each change.
 */

import { Option, type Command } from 'commander';
import { namespacedTargetOf } from '../admin-call.ts';
import { changesAt } from '../blocking-query.ts';
import { startWords, type Child } from '../child.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { filterOption, filterQuery } from '../filter.ts';
import { printInstances } from '../instances-table.ts';
import { collect } from '../option-values.ts';
import { followRegistry } from '../registry.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { signalNumber, stopSignals } from '../signals.ts';
import { counted, print, printJson, remark, written, type Terminal } from '../terminal.ts';
import { viewOf, viewTypes, type ViewFlags, type ViewType } from '../watched-view.ts';

interface WatchFlags extends RegistryFlags, Omit<ViewFlags, 'type'> {
  readonly type?: ViewType;
  readonly filter?: string;
  readonly once?: true;
  readonly shell?: boolean;
  readonly json?: true;
}

export function addWatch(parent: Command, context: CommandContext): void {
  const command = parent
    .command('watch')
    .description('print a view of the registry now and after every change, or run a program with it, until stopped')
    .argument('[name]', 'without --type: the service, which may not exist yet')
    .argument('[handler...]', 'a program to run after each change, with the view as JSON on standard input, after "--"; a single word is run by the shell')
    .addOption(new Option('--type <type>', 'what to watch').choices(viewTypes))
    .option('--key <key>', 'the key; with --type key')
    .option('--prefix <prefix>', 'prefix of the keys; with --type keyprefix')
    .option('--service <name>', 'the service; with --type service or checks')
    .addOption(new Option('--tag <tag>', 'only instances with this tag; with --type service; may be repeated').argParser(collect).default([], 'none'))
    .option('--passingonly', 'only passing instances; with --type service')
    .option('--state <state>', 'only checks in this state: any, passing, warning or critical; with --type checks')
    .option('--name <name>', 'only events of this name; with --type event')
    .addOption(filterOption())
    .option('--once', 'end after the first output')
    .option('--shell', 'run the handler in a shell, even if it has several words')
    .option('--no-shell', 'run the handler without a shell')
    .option('--json', 'without --type: print one line of {"service", "revision", "instances", "stale", "ageMs"} per change');
  addExamples(
    addNamespacedOptions(command),
    'rollcall watch web',
    'rollcall watch web -- ./reload-proxy.sh',
    "rollcall watch --type key --key config/web -- 'cat > web.json'",
    'rollcall watch --type checks --state critical --once',
  );
  command.action(async (name: string | undefined, rest: readonly string[], flags: WatchFlags) => {
    const { type, service, ...other } = flags;
    if (type !== undefined) return watch({ ...flags, type }, name === undefined ? [] : [name, ...rest], context);
    if (name === undefined) throw usage('name a service, or give --type');
    if (service !== undefined) throw usage(`--service goes with --type; without it, the service is ${JSON.stringify(name)}`);
    const plain = rest.length === 0 && other.once !== true;
    if (!plain) return watch({ ...flags, type: 'service', service: name }, rest, context);
    const strange = (['key', 'prefix', 'passingonly', 'state', 'name', 'filter'] as const).find((each) => flags[each] !== undefined);
    if (strange !== undefined || (flags.tag ?? []).length > 0) throw usage(`--${strange ?? 'tag'} goes with --type`);
    await showInstances(name, flags, context.terminal);
  });
}

async function showInstances(name: string, { json, ...flags }: WatchFlags, terminal: Terminal): Promise<void> {
  await followRegistry({ terminal, flags, name: 'rollcall watch', tellsOutages: true }, async (rollcall, signal) => {
    const service = rollcall.service(name);
    // Fails at once without permission; a watch would wait for the permission.
    await service.instances({ signal });
    for await (const snapshot of service.watch({ signal })) {
      if (json === true) {
        printJson(terminal, snapshot);
        continue;
      }
      const { instances, revision, stale } = snapshot;
      const passing = instances.filter(({ status }) => status === 'passing').length;
      const known = stale ? ', last known: the registry cannot be reached' : '';
      print(terminal, `${name} at revision ${revision}: ${counted(instances.length, 'instance')}, ${passing} passing${known}`);
      if (instances.length > 0) printInstances(terminal, instances);
      print(terminal, '');
    }
  });
}

async function watch(
  { filter, once, shell, ...flags }: WatchFlags & { readonly type: ViewType },
  handler: readonly string[],
  { terminal, setExitCode }: CommandContext,
): Promise<void> {
  const view = viewOf(flags, await filterQuery(filter, terminal));
  const target = await namespacedTargetOf(flags, terminal);
  const stopped = new AbortController();
  const { signal } = stopped;
  terminal.unread.addEventListener('abort', () => stopped.abort());
  let running: Child | undefined;
  if (handler.length > 0) {
    void stopSignals().first.then((received) => {
      setExitCode(128 + signalNumber(received));
      running?.signal(received);
      stopped.abort();
    });
  }
  for await (const answer of changesAt(target, view.path, { signal, tell: (line) => remark(terminal, line) })) {
    const data = view.dataOf(answer);
    if (data === undefined) continue;
    if (handler.length === 0) await written(terminal, `${data.trimEnd()}\n`);
    else {
      running = await startWords(handler, { shell, input: Buffer.from(data), env: { CONSUL_INDEX: answer.index } });
      const exitCode = await running.ended;
      running = undefined;
      if (signal.aborted) return;
      // A failed handler ends the watch; the supervisor of this process decides what to do next.
      if (exitCode !== 0) throw new CommandFailure(exitCodes.failure, `the handler has ended with exit code ${exitCode}`);
    }
    if (once === true) return;
  }
}
