/**
 * `rollcall instances drain`, `undrain`, `weight`, `check` and `deregister`: actions on instances, by the API of actions. It finds the instances that the
 * names mean, and sends requests of 1,000 instances each.
 */

import { actionSchema, defaultNamespace, type ActionAnswer, type Instance } from '@rollcall/protocol';
import { InvalidArgumentError, type Command } from 'commander';
import { askAnswer, namespacedTargetOf } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { askRegistry } from '../registry.ts';
import { addNamespacedOptions, namespaceOf, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { print, printJson, remark, visible, type Terminal } from '../terminal.ts';

interface ActionFlags extends RegistryFlags {
  readonly node?: string;
  readonly reason?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

type Action = 'drain' | 'clear' | 'weight' | 'check' | 'deregister';

/** Of one or several requests. What it would take to undo it is of no use here. */
type Outcome = Omit<ActionAnswer, 'undo' | 'dryRun'>;

/** The registry's limit for one request. */
const atOnce = 1_000;

export function addInstancesActions(parent: Command, { terminal }: CommandContext): void {
  const add = (name: string, description: string): Command => parent.command(name).description(description);
  const finish = (command: Command): Command =>
    addNamespacedOptions(
      command
        .option('--node <name>', 'only instances on this node')
        .option('--reason <text>', 'why, for the audit log and for those who see it later')
        .option('--dry-run', 'say what it would come to, and change nothing')
        .option('--json', 'print {"applied", "of", "leaves", "returns", "left", "clients", "refused"}'),
    );
  const names = ['<service[/id]...>', 'services, or single instances of them'] as const;
  const simple = (name: string, action: Action, description: string, ...examples: readonly string[]): void => {
    addExamples(finish(add(name, description).argument(...names)), ...examples).action((given: readonly string[], flags: ActionFlags) => act(terminal, action, given, flags));
  };
  simple('drain', 'drain', 'give instances no new work; requests in flight may finish', 'rollcall instances drain web/web-1 --reason "kernel update" --dry-run', 'rollcall instances drain web/web-1 --reason "kernel update"');
  simple('undrain', 'clear', 'clear the status that an operator has set: instances get traffic again when their checks pass', 'rollcall instances undrain web/web-1');
  const weight = add('weight', 'override the weights of instances until you clear them').argument('<weight>', 'a number from 0 to 65535; "own" clears the override', weightIn).argument(...names);
  addExamples(finish(weight), 'rollcall instances weight 0.5 web/web-1 --reason "slow disk"', 'rollcall instances weight own web').action((value: number | null, given: readonly string[], flags: ActionFlags) =>
    act(terminal, 'weight', given, flags, value),
  );
  simple('check', 'check', 'run the probes of instances now', 'rollcall instances check web');
  simple('deregister', 'deregister', 'remove instances; those whose clients live register themselves again', 'rollcall instances deregister web/web-1 --reason "its machine is gone"');
}

async function act(terminal: Terminal, action: Action, names: readonly string[], flags: ActionFlags, weight?: number | null): Promise<void> {
  const { reason, dryRun = false, json, node } = flags;
  const meant = await instancesOf(terminal, flags, names, node);
  const target = await namespacedTargetOf(flags, terminal);
  const namespace = namespaceOf(flags, terminal.env);
  const outcomes: Outcome[] = [];
  for (const instances of byService(meant)) {
    const parts: Outcome[] = [];
    for (let from = 0; from < instances.length; from += atOnce) {
      const some = instances.slice(from, from + atOnce).map(({ service, node: on, id }) => ({ service, node: on, id }));
      const body = { namespace, action, instances: some, ...(weight === undefined ? {} : { weight }), ...(reason === undefined ? {} : { reason }), dryRun };
      parts.push(await askAnswer(target, '/rollcall/v1/actions', actionSchema, { method: 'POST', body: JSON.stringify(body) }));
    }
    outcomes.push(ofOneService(parts, dryRun));
  }
  const outcome = together(outcomes);
  if (json === true) printJson(terminal, outcome);
  else show(terminal, action, outcome, dryRun);
  if (outcome.applied === 0) throw new CommandFailure(exitCodes.failure, 'nothing was done');
}

/** @throws CommandFailure `notFound` when a name means no instance */
async function instancesOf(terminal: Terminal, flags: RegistryFlags, names: readonly string[], node: string | undefined): Promise<readonly Instance[]> {
  const wanted = names.map(split);
  const found = new Map<string, Instance>();
  await askRegistry({ terminal, flags, name: 'rollcall instances' }, async (rollcall, signal) => {
    const where = rollcall.namespace === defaultNamespace ? '' : ` in namespace ${rollcall.namespace}`;
    for (const { service, id } of wanted) {
      const all = await rollcall.service(service).instances({ signal });
      const meant = all.filter((each) => (id === undefined || each.id === id) && (node === undefined || each.node === node));
      if (meant.length === 0) throw new CommandFailure(exitCodes.notFound, `service ${JSON.stringify(service)} has no ${id === undefined ? 'instance' : `instance ${JSON.stringify(id)}`}${node === undefined ? '' : ` on node ${JSON.stringify(node)}`}${where}`);
      for (const each of meant) found.set(`${each.service}\0${each.node}\0${each.id}`, each);
    }
  });
  return [...found.values()];
}

/** An id may contain slashes, the name of a service may not. */
function split(name: string): { readonly service: string; readonly id?: string } {
  const slash = name.indexOf('/');
  if (slash < 0) return { service: name };
  const [service, id] = [name.slice(0, slash), name.slice(slash + 1)];
  if (service === '' || id === '') throw usage(`${JSON.stringify(name)} is neither SERVICE nor SERVICE/ID, as in web/web-1`);
  return { service, id };
}

function weightIn(text: string): number | null {
  if (text === 'own') return null;
  const weight = Number(text);
  if (text.trim() === '' || !(weight >= 0 && weight <= 65_535)) throw new InvalidArgumentError('a weight is a number from 0 to 65535, or "own".');
  return weight;
}

function byService(instances: readonly Instance[]): Iterable<readonly Instance[]> {
  const services = new Map<string, Instance[]>();
  for (const instance of instances) {
    const known = services.get(instance.service);
    if (known === undefined) services.set(instance.service, [instance]);
    else known.push(instance);
  }
  return services.values();
}

/** Requests about one service, one after the other, as one. A dry run changes nothing between them. */
function ofOneService(parts: readonly Outcome[], dryRun: boolean): Outcome {
  const [first, last] = [parts[0] as Outcome, parts.at(-1) as Outcome];
  const all = together(parts);
  const before = first.left + first.leaves - first.returns;
  return { ...all, of: first.of, left: dryRun ? before - all.leaves + all.returns : last.left, clients: last.clients };
}

/** Outcomes of several services: the same client may use all of them, so their numbers of clients cannot be added. */
function together(all: readonly Outcome[]): Outcome {
  const sum = (of: (outcome: Outcome) => number): number => all.reduce((total, outcome) => total + of(outcome), 0);
  const checks = all.flatMap((outcome) => outcome.checks ?? []);
  return {
    ...{ applied: sum(({ applied }) => applied), of: sum(({ of }) => of), leaves: sum(({ leaves }) => leaves), returns: sum(({ returns }) => returns), left: sum(({ left }) => left) },
    clients: all.length === 1 ? (all[0]?.clients ?? null) : null,
    refused: all.flatMap(({ refused }) => refused),
    ...(all.every((outcome) => outcome.checks === undefined) ? {} : { checks }),
  };
}

const done: Readonly<Record<Action, readonly [will: string, did: string]>> = {
  drain: ['would be drained', 'drained'],
  clear: ['would be put back', 'put back'],
  weight: ['would be weighed', 'weighed'],
  check: ['would be checked', 'checked'],
  deregister: ['would be deregistered', 'deregistered'],
};

function show(terminal: Terminal, action: Action, { applied, of, leaves, returns, left, clients, refused, checks }: Outcome, dryRun: boolean): void {
  const traffic = leaves > 0 ? `; ${leaves} ${dryRun ? 'leave' : 'left'} the traffic` : returns > 0 ? `; ${returns} ${dryRun ? 'get' : 'got'} traffic again` : '';
  const used = clients === null || action === 'check' ? '' : `; ${clients} ${clients === 1 ? 'client uses' : 'clients use'} the service`;
  print(terminal, `${applied} of ${of} ${done[action][dryRun ? 0 : 1]}${traffic}${action === 'check' ? '' : `, ${left} with traffic ${dryRun ? 'would be left' : 'left'}`}${used}`);
  for (const { service, node, id, message } of refused) remark(terminal, `${visible(service)}/${visible(id)}${node === '' ? '' : ` on ${visible(node)}`}: ${visible(message)}`);
  if (checks !== undefined && checks.length > 0) printTable(terminal, ['INSTANCE', 'NODE', 'CHECK', 'STATUS', 'OUTPUT'], checks.map((each) => [`${each.service}/${each.id}`, each.node, each.check, each.status, each.output.slice(0, 80)]));
}
