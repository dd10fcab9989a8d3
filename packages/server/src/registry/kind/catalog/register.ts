/** Decisions that register nodes, instances and checks. */

import { defaultNamespace, RegistryError, type CheckStatus } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { Removal } from '../../removal.ts';
import { sameContent } from '../../same-content.ts';
import type { Steps } from '../../steps.ts';
import { findLiveSession, findSession } from '../session/find.ts';
import type { CheckInput, InstanceInput, Register } from './commands.ts';
import { checksOfInstance, findCheck, findInstance, findNode, nodeWithId } from './find.ts';
import { putInstance } from './instance.ts';
import { checkKey } from './keys.ts';
import { instanceMaintenance, isAdministrative, serfHealth } from './known-checks.ts';
import { clearWay, endSessionsWith, removeCheck, removeInstance, removeNode } from './remove.ts';
import type { CheckRow, NodeRow } from './rows.ts';

const unwritten = { created: 0, modified: 0 } as const;

/** Sessions that end by it may take several steps; then everything is registered in one. */
export function* register(draft: Draft, command: Register, now: number): Steps<boolean> {
  const node = findNode(draft, command.node.name);
  // Sessions that the command itself has ended are no reason to refuse the rest.
  if (command.checked !== true) checkRefusals(draft, command, node);
  for (const _ of registerChecked(draft, command, node, now)) yield () => ({ checked: true });
  return true;
}

/** @param before the node with the name now; no session that ends can change it */
function* registerChecked(draft: Draft, command: Register, before: NodeRow | undefined, now: number): Steps<void> {
  const { namespace } = command;
  const node = command.node.name;
  const checks = (command.checks ?? []).map((check) => placed(command, check));
  const removal = new Removal(draft, now);
  for (const check of checks) yield* clearWay(removal, check, statusOf(draft, check));
  const replaced = command.replaceChecks === true ? [...replacedChecks(draft, command)] : [];
  for (const id of replaced) yield* endSessionsWith(removal, { namespace, node, id });

  // The id identifies a node: one that comes under another name is renamed, and the old name is removed with everything on it.
  const former = formerName(draft, command, before);
  if (former !== undefined) yield* removeNode(removal, { node: former.name });
  putNode(draft, command, before);
  // An instance whose session has just ended is removed with it, and so are its checks.
  for (const instance of command.instances ?? []) {
    if (lives(draft, namespace, instance)) putInstance(draft, command, instance, now);
    else yield* removeInstance(removal, namespace, node, instance.id);
  }
  for (const check of checks) {
    if (isOfSomething(draft, check)) putCheck(draft, check);
    else yield* removeCheck(removal, check.namespace, node, check.id);
  }
  for (const id of replaced) draft.delete(checkKey(namespace, node, id));
}

/** A check with its place in the registry. The input is not copied: that would be half of the cost of a registration. */
interface PlacedCheck {
  readonly input: CheckInput;
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  /** Empty for a check of the node itself. */
  readonly instance: string;
}

/** A check of the node itself is one of every namespace, and is kept in `default`. */
function placed({ namespace, node }: Register, input: CheckInput): PlacedCheck {
  const { id, instance = '' } = input;
  return { input, namespace: instance === '' ? defaultNamespace : namespace, node: node.name, id, instance };
}

/** @throws RegistryError before anything is written or ended */
function checkRefusals(draft: Draft, command: Register, before: NodeRow | undefined): void {
  const { namespace, node, nodeMode, instances = [], checks = [] } = command;
  if ((nodeMode === 'none') !== (node.name === '')) {
    throw new RegistryError('invalid_argument', 'the name of a node is empty exactly when the instances have no node');
  }
  if (nodeMode === 'exists' && before === undefined) {
    throw new RegistryError('not_found', `node ${node.name} is not registered`);
  }
  if (writesNode(nodeMode, before) && before !== undefined) checkName(draft, before, node.id ?? before.id);
  const former = formerName(draft, command, before);
  // A session of the renamed node is removed with the old name, and so are its instances.
  const goes = (session = '') => former !== undefined && findSession(draft, namespace, session)?.node === former.name;
  for (const instance of instances) {
    const { session } = instance;
    if (!lives(draft, namespace, instance) || goes(session)) throw new RegistryError('not_found', `session ${session} does not exist`);
  }
  if (checks.length === 0) return;
  const own = new Set(instances.map(({ id }) => id));
  for (const each of checks) {
    const check = placed(command, each);
    if (!own.has(check.instance) && (!isOfSomething(draft, check) || goes(sessionOf(draft, check)))) {
      throw new RegistryError(
        'not_found',
        `check ${check.id} names instance ${check.instance}, which is not registered on node ${node.name}`,
      );
    }
    refuseReserved(check.id);
    if (nodeMode === 'none' && check.instance === '') {
      throw new RegistryError('invalid_argument', `check ${check.id} names no instance, and there is no node that it could be a check of`);
    }
    const held = findCheck(draft, check.namespace, check.node, check.id);
    // A check that is removed with such a session leaves its id free.
    if (held !== undefined && !goes(sessionOf(draft, held))) refuseForeign(held, check);
  }
}

/**
 * A name may be given to another node when its agent says that it is dead, or never said that it lives, and when it is
 * the name of a node without an id, which gets a new one. As in Consul (`agent/consul/state/catalog.go`, `ensureNodeTxn`).
 */
function checkName(draft: Draft, holder: NodeRow, id: string): void {
  if (id === holder.id || (holder.id === '' && nodeWithId(draft, id) === undefined)) return;
  const alive = findCheck(draft, defaultNamespace, holder.name, serfHealth);
  if (alive === undefined || alive.status === 'critical') return;
  const reserved = `node name ${holder.name} is reserved by node ${holder.id || 'without an id'}`;
  throw new RegistryError('failed_precondition', `${reserved} with name ${holder.name} (${holder.address})`);
}

/** The node that has the id now, under another name. */
function formerName(draft: Draft, { node, nodeMode }: Register, before: NodeRow | undefined): NodeRow | undefined {
  if (node.id === undefined || node.id === '' || !writesNode(nodeMode, before)) return undefined;
  const former = nodeWithId(draft, node.id);
  return former?.name === node.name ? undefined : former;
}

/** @throws RegistryError `failed_precondition` for a check that only the registry itself writes */
export function refuseReserved(check: string): void {
  if (!isAdministrative(check)) return;
  const message = `check ${check} follows the administrative status of its instance; change that status instead`;
  throw new RegistryError('failed_precondition', message);
}

/** An instance must not lose its check to another one: it would pass without being checked. */
function refuseForeign(before: CheckRow, { node, id, instance }: PlacedCheck): void {
  if (before.instance === instance) return;
  const holder = before.instance === '' ? `node ${node}` : `instance ${before.instance} on node ${node}`;
  const message = `check ${id} belongs to ${holder}; give the check another id, or deregister that one first`;
  throw new RegistryError('already_exists', message);
}

function lives(draft: Draft, namespace: string, { session }: InstanceInput): boolean {
  return session === undefined || findLiveSession(draft, namespace, session) !== undefined;
}

/** Whether a check is one of the node, or of an instance that exists. */
function isOfSomething(draft: Draft, { namespace, node, instance }: PlacedCheck): boolean {
  return instance === '' || findInstance(draft, namespace, node, instance) !== undefined;
}

/** The session that vouches for the instance of a check. */
function sessionOf(draft: Draft, { namespace, node, instance }: Pick<CheckRow, 'namespace' | 'node' | 'instance'>): string | undefined {
  return findInstance(draft, namespace, node, instance)?.session;
}

function writesNode(nodeMode: Register['nodeMode'], before: NodeRow | undefined): boolean {
  return nodeMode === 'update' || (nodeMode === 'ensure' && before === undefined);
}

/**
 * The checks that the command does not name. Maintenance stays: an operator has ordered it, not the registrant. The
 * administrative check is written with the row of its instance.
 */
function* replacedChecks(draft: Draft, { namespace, node, instances = [], checks = [] }: Register): Generator<string> {
  const named = new Set(checks.filter(({ instance }) => instance !== undefined).map(({ id }) => id));
  for (const instance of instances) {
    // A new instance has no checks to look for.
    if (findInstance(draft, namespace, node.name, instance.id) === undefined) continue;
    for (const { id } of checksOfInstance(draft, namespace, node.name, instance.id)) {
      if (!named.has(id) && id !== instanceMaintenance(instance.id) && !isAdministrative(id)) yield id;
    }
  }
}

function putNode(draft: Draft, { node, nodeMode }: Register, before: NodeRow | undefined): void {
  if (!writesNode(nodeMode, before)) return;
  draft.put<NodeRow>({
    kind: 'node',
    name: node.name,
    id: node.id ?? before?.id ?? '',
    address: node.address,
    meta: node.meta ?? {},
    ...(node.foreign === undefined ? {} : { foreign: node.foreign }),
    ...unwritten,
  });
}

/** Absent: an existing check keeps its status, a new one starts critical. */
function statusOf(draft: Draft, { input, namespace, node, id }: PlacedCheck): CheckStatus {
  return input.status ?? findCheck(draft, namespace, node, id)?.status ?? 'critical';
}

function putCheck(draft: Draft, check: PlacedCheck): void {
  const { input, namespace, node, instance } = check;
  const before = findCheck(draft, namespace, node, input.id);
  const row: CheckRow = {
    kind: 'check',
    namespace,
    node,
    id: input.id,
    name: input.name,
    status: statusOf(draft, check),
    notes: input.notes ?? '',
    output: input.output ?? before?.output ?? '',
    instance,
    type: input.type ?? 'none',
    definition: input.definition ?? {},
    ...(input.foreign === undefined ? {} : { foreign: input.foreign }),
    ...unwritten,
  };
  const holder = row.type === 'ttl' ? before?.holder : undefined;
  draft.put(heldBy(draft, before, holder === undefined ? row : { ...row, holder }));
}

/**
 * A TTL check gets the node through which it is registered as its holder, in the same write. One that is registered again
 * unchanged keeps its holder: nothing is written.
 */
function heldBy(draft: Draft, before: CheckRow | undefined, row: CheckRow): CheckRow {
  const { nodeId: holder } = draft;
  if (holder === undefined || row.type !== 'ttl') return row;
  if (before !== undefined) draft.keepUnknown(before, row);
  if (before !== undefined && sameContent(before, row)) return row;
  return { ...row, holder };
}
