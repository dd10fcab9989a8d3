/** Decisions that register nodes, instances and checks. */

import { RegistryError } from '@rollcall/protocol';
import type { CheckInput, InstanceInput, Register } from './command.ts';
import { deregisterCheck, writeCheck } from './decide-remove.ts';
import type { Draft } from './draft.ts';
import { instanceMaintenance } from './known-checks.ts';
import { find } from './reader.ts';
import type { CheckRow } from './rows.ts';

const unwritten = { created: 0, modified: 0 } as const;

export function register(draft: Draft, command: Register, now: number): boolean {
  putNode(draft, command);
  const node = command.node.name;
  for (const instance of command.instances ?? []) putInstance(draft, node, instance);
  for (const check of command.checks ?? []) putCheck(draft, node, check, now);
  if (command.replaceChecks === true) replaceChecks(draft, command, now);
  return true;
}

/** Removes the checks that the command does not name. Maintenance stays: an operator has ordered it, not the registrant. */
function replaceChecks(draft: Draft, { node, instances = [], checks = [] }: Register, now: number): void {
  const named = new Set(checks.map((check) => check.id));
  for (const { id } of instances) {
    for (const check of [...find.checksOfInstance(draft, node.name, id)]) {
      if (named.has(check.id) || check.id === instanceMaintenance(id)) continue;
      deregisterCheck(draft, node.name, check.id, now);
    }
  }
}

function putNode(draft: Draft, { node, nodeMode }: Register): void {
  const before = find.node(draft, node.name);
  if (nodeMode === 'ensure' && before !== undefined) return;
  if (nodeMode === 'exists') {
    if (before === undefined) throw new RegistryError('not_found', `node ${node.name} is not registered`);
    return;
  }
  const id = node.id ?? before?.id ?? '';
  if (before !== undefined && before.id !== '' && id !== before.id) {
    throw new RegistryError(
      'failed_precondition',
      `node name ${node.name} is reserved by node ${before.id} with name ${before.name}`,
    );
  }
  draft.put({
    kind: 'node',
    name: node.name,
    id,
    address: node.address,
    meta: node.meta ?? {},
    ...(node.foreign === undefined ? {} : { foreign: node.foreign }),
    ...unwritten,
  });
}

function putInstance(draft: Draft, node: string, input: InstanceInput): void {
  if (input.session !== undefined && find.session(draft, input.session) === undefined) {
    throw new RegistryError('not_found', `session ${input.session} does not exist`);
  }
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

function putCheck(draft: Draft, node: string, input: CheckInput, now: number): void {
  const instance = input.instance ?? '';
  if (instance !== '' && find.instance(draft, node, instance) === undefined) {
    throw new RegistryError(
      'not_found',
      `check ${input.id} names instance ${instance}, which is not registered on node ${node}`,
    );
  }
  const before = find.check(draft, node, input.id);
  // Without its check, the instance that holds it would pass unseen.
  if (before !== undefined && before.instance !== instance) {
    const holder = before.instance === '' ? `node ${node}` : `instance ${before.instance} on node ${node}`;
    const message = `check ${input.id} belongs to ${holder}; give the check another id, or deregister that one first`;
    throw new RegistryError('already_exists', message);
  }
  const row: CheckRow = {
    kind: 'check',
    node,
    id: input.id,
    name: input.name,
    status: input.status ?? before?.status ?? 'critical',
    notes: input.notes ?? '',
    output: input.output ?? before?.output ?? '',
    instance,
    type: input.type ?? 'none',
    definition: input.definition ?? {},
    ...(input.foreign === undefined ? {} : { foreign: input.foreign }),
    ...unwritten,
  };
  writeCheck(draft, row, before?.status, now);
}
