/** Decisions that register nodes, instances and checks. */

import { RegistryError, type CheckStatus } from '@rollcall/protocol';
import type { CheckInput, InstanceInput, Register } from './command.ts';
import { Removal } from './decide-remove.ts';
import type { Draft } from './draft.ts';
import { instanceMaintenance, serfHealth } from './known-checks.ts';
import { find } from './reader.ts';
import { keys, type NodeRow } from './rows.ts';
import type { Steps } from './steps.ts';

const unwritten = { created: 0, modified: 0 } as const;

/** Sessions that end by it may take several steps; then everything is registered in one. */
export function* register(draft: Draft, command: Register, now: number): Steps<boolean> {
  // What it has ended itself is no reason to refuse the rest of it.
  if (command.checked !== true) checkRefusals(draft, command);
  for (const _ of registerChecked(draft, command, now)) yield () => ({ checked: true });
  return true;
}

function* registerChecked(draft: Draft, command: Register, now: number): Steps<void> {
  const node = command.node.name;
  const checks = command.checks ?? [];
  const removal = new Removal(draft, now);
  for (const check of checks) yield* removal.clearWay(node, { id: check.id, status: statusOf(draft, node, check) });
  for (const id of replacedChecks(draft, command)) yield* removal.sessionsWithCheck(node, id);

  // A node is its id: one that comes under another name is renamed, and the old name goes with everything on it.
  const former = formerName(draft, command);
  if (former !== undefined) yield* removal.node({ node: former.name });
  putNode(draft, command);
  // An instance whose session has just ended goes with it, and so do its checks.
  for (const instance of command.instances ?? []) {
    if (lives(draft, instance)) putInstance(draft, node, instance);
    else yield* removal.instance(node, instance.id);
  }
  for (const check of checks) {
    if (isOfSomething(draft, node, check)) putCheck(draft, node, check);
    else yield* removal.check(node, check.id);
  }
  for (const id of replacedChecks(draft, command)) draft.delete(keys.check(node, id));
}

/** @throws RegistryError before anything is written or ended */
function checkRefusals(draft: Draft, command: Register): void {
  const { node, nodeMode, instances = [], checks = [] } = command;
  const before = find.node(draft, node.name);
  if (nodeMode === 'exists' && before === undefined) {
    throw new RegistryError('not_found', `node ${node.name} is not registered`);
  }
  if (writesNode(nodeMode, before) && before !== undefined) checkName(draft, before, node.id ?? before.id);
  const former = formerName(draft, command);
  // A session of the node that is renamed goes with its old name, and so does what it vouches for.
  const goes = (session = '') => former !== undefined && find.session(draft, session)?.node === former.name;
  for (const instance of instances) {
    const { session } = instance;
    if (!lives(draft, instance) || goes(session)) throw new RegistryError('not_found', `session ${session} does not exist`);
  }
  const own = new Set(instances.map(({ id }) => id));
  for (const check of checks) {
    const held = find.instance(draft, node.name, check.instance ?? '');
    if (!own.has(check.instance ?? '') && (!isOfSomething(draft, node.name, check) || goes(held?.session))) {
      throw new RegistryError(
        'not_found',
        `check ${check.id} names instance ${check.instance}, which is not registered on node ${node.name}`,
      );
    }
    refuseForeign(draft, node.name, check);
  }
}

/**
 * A name may be given to another node when its agent says that it is dead, or never said that it lives, and when it is
 * the name of a node without an id, which gets a new one. As in Consul (`agent/consul/state/catalog.go`, `ensureNodeTxn`).
 */
function checkName(draft: Draft, holder: NodeRow, id: string): void {
  if (id === holder.id || (holder.id === '' && find.nodeWithId(draft, id) === undefined)) return;
  const alive = find.check(draft, holder.name, serfHealth);
  if (alive === undefined || alive.status === 'critical') return;
  const reserved = `node name ${holder.name} is reserved by node ${holder.id || 'without an id'}`;
  throw new RegistryError('failed_precondition', `${reserved} with name ${holder.name} (${holder.address})`);
}

/** The node that has the id now, under another name. */
function formerName(draft: Draft, { node, nodeMode }: Register): NodeRow | undefined {
  if (node.id === undefined || node.id === '' || !writesNode(nodeMode, find.node(draft, node.name))) return undefined;
  const former = find.nodeWithId(draft, node.id);
  return former?.name === node.name ? undefined : former;
}

/** Without its check, the instance that holds it would pass unseen. */
function refuseForeign(draft: Draft, node: string, { id, instance = '' }: CheckInput): void {
  const before = find.check(draft, node, id);
  if (before === undefined || before.instance === instance) return;
  const holder = before.instance === '' ? `node ${node}` : `instance ${before.instance} on node ${node}`;
  const message = `check ${id} belongs to ${holder}; give the check another id, or deregister that one first`;
  throw new RegistryError('already_exists', message);
}

function lives(draft: Draft, { session }: InstanceInput): boolean {
  return session === undefined || find.liveSession(draft, session) !== undefined;
}

/** Whether a check is one of the node, or of an instance that exists. */
function isOfSomething(draft: Draft, node: string, { instance = '' }: CheckInput): boolean {
  return instance === '' || find.instance(draft, node, instance) !== undefined;
}

function writesNode(nodeMode: Register['nodeMode'], before: NodeRow | undefined): boolean {
  return nodeMode === 'update' || (nodeMode === 'ensure' && before === undefined);
}

/** The checks that the command does not name. Maintenance stays: an operator has ordered it, not the registrant. */
function* replacedChecks(draft: Draft, { node, instances = [], checks = [], replaceChecks }: Register): Generator<string> {
  if (replaceChecks !== true) return;
  const named = new Set(checks.map((check) => check.id));
  for (const instance of instances) {
    for (const { id } of find.checksOfInstance(draft, node.name, instance.id)) {
      if (!named.has(id) && id !== instanceMaintenance(instance.id)) yield id;
    }
  }
}

function putNode(draft: Draft, { node, nodeMode }: Register): void {
  const before = find.node(draft, node.name);
  if (!writesNode(nodeMode, before)) return;
  draft.put({
    kind: 'node',
    name: node.name,
    id: node.id ?? before?.id ?? '',
    address: node.address,
    meta: node.meta ?? {},
    ...(node.foreign === undefined ? {} : { foreign: node.foreign }),
    ...unwritten,
  });
}

function putInstance(draft: Draft, node: string, input: InstanceInput): void {
  draft.put({
    kind: 'instance',
    node,
    id: input.id,
    service: input.service,
    address: input.address ?? '',
    port: input.port ?? 0,
    tags: input.tags ?? [],
    meta: input.meta ?? {},
    weights: input.weights ?? { passing: 1, warning: 1 },
    ...(input.session === undefined ? {} : { session: input.session }),
    ...(input.foreign === undefined ? {} : { foreign: input.foreign }),
    ...unwritten,
  });
}

/** Absent: an existing check keeps its status, a new one starts critical. */
function statusOf(draft: Draft, node: string, { id, status }: CheckInput): CheckStatus {
  return status ?? find.check(draft, node, id)?.status ?? 'critical';
}

function putCheck(draft: Draft, node: string, input: CheckInput): void {
  const before = find.check(draft, node, input.id);
  draft.put({
    kind: 'check',
    node,
    id: input.id,
    name: input.name,
    status: statusOf(draft, node, input),
    notes: input.notes ?? '',
    output: input.output ?? before?.output ?? '',
    instance: input.instance ?? '',
    type: input.type ?? 'none',
    definition: input.definition ?? {},
    ...(input.foreign === undefined ? {} : { foreign: input.foreign }),
    ...unwritten,
  });
}
