/**
 * What an action would come to: the instances that are meant, those that it is refused for, and how many get traffic before and after. It reads one state,
 * in steps, and changes nothing. `run.ts` carries it out.
 */

import { getsTraffic, isRegistryError, RegistryError, toRegistryError, type AdministrativeStatus, type ErrorCode } from '@rollcall/protocol';
import { statuses, weightOf } from '../../registry/kind/catalog/effective-status.ts';
import { checksOfInstance, findInstance, instancesOfService } from '../../registry/kind/catalog/find.ts';
import type { CheckRow, InstanceRow } from '../../registry/kind/catalog/rows.ts';
import type { Reader } from '../../registry/reader.ts';
import type { ActionRequest, NamedInstance, Overrides } from './request.ts';

/** An instance for which the action is refused. */
export interface Refusal {
  readonly service: string;
  readonly node: string;
  readonly id: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly error: unknown;
}

export interface Meant {
  readonly row: InstanceRow;
  /** What is to be set; undefined for actions that set nothing. */
  readonly to: Overrides | undefined;
}

export interface Plan {
  readonly meant: readonly Meant[];
  readonly refused: readonly Refusal[];
  readonly of: number;
  readonly leaves: number;
  readonly returns: number;
  readonly left: number;
}

const overrideOf: Readonly<Partial<Record<ActionRequest['action'], AdministrativeStatus>>> = { drain: 'draining', out_of_service: 'out_of_service' };

/** What operators have set on an instance. */
export function overridesOf({ override, weightOverride }: InstanceRow): Overrides {
  return { override: override ?? null, weight: weightOverride ?? null };
}

/**
 * Yields after each instance that it looks at.
 * @param demand throws if the caller may not change a service
 */
export function* plan(reader: Reader, namespace: string, request: ActionRequest, demand: (service: string) => void): Generator<void, Plan, undefined> {
  const meant = new Map<InstanceRow, Meant>();
  const refused: Refusal[] = [];
  const find = finder(reader, namespace);
  for (const named of request.instances) {
    try {
      demand(named.service);
      const row = find(named);
      const one = { row, to: aimOf(row, named, request) };
      if (request.action === 'check') probesOf(reader, row);
      meant.set(row, one);
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      refused.push(refusalOf(named, error));
    }
    yield;
  }
  const statusOf = statuses(reader);
  const serves = (row: InstanceRow): boolean => {
    const status = statusOf(row);
    return getsTraffic(status) && weightOf(row, status) > 0;
  };
  const counts = { of: 0, leaves: 0, returns: 0, left: 0 };
  // A copy of each list, since the state may change between two steps.
  for (const service of new Set([...meant.keys()].map((row) => row.service))) {
    for (const row of [...instancesOfService(reader, namespace, service)]) {
      counts.of++;
      const before = serves(row);
      const one = meant.get(row);
      const after = one === undefined || request.action === 'check' ? before : request.action !== 'deregister' && serves(withOverrides(row, one.to ?? overridesOf(row)));
      if (before && !after) counts.leaves++;
      if (after && !before) counts.returns++;
      if (after) counts.left++;
      yield;
    }
  }
  return { meant: [...meant.values()], refused, ...counts };
}

/** The probes that can be run for an instance. @throws RegistryError `failed_precondition` if there is none */
export function probesOf(reader: Reader, { namespace, node, id, service }: InstanceRow): CheckRow[] {
  const checks = [...checksOfInstance(reader, namespace, node, id)].filter(({ type }) => type !== 'status');
  const probes = checks.filter(({ type }) => type === 'http' || type === 'tcp' || type === 'grpc' || type === 'mcp');
  if (probes.length > 0) return probes;
  const kinds = [...new Set(checks.map(({ type }) => type))];
  const why = kinds.length === 0 ? 'it has no check' : `the registry cannot run its checks (${kinds.join(', ')}): the instance reports them itself`;
  throw new RegistryError('failed_precondition', `instance ${id} of ${service} cannot be checked now: ${why}`);
}

export function refusalOf({ service, node = '', id }: Pick<NamedInstance, 'service' | 'id'> & { readonly node?: string | undefined }, error: unknown): Refusal {
  const { code, message } = toRegistryError(error);
  return { service, node, id, code, message, error };
}

function withOverrides({ override: _override, weightOverride: _weight, ...row }: InstanceRow, { override, weight }: Overrides): InstanceRow {
  return { ...row, ...(override === null ? {} : { override }), ...(weight === null ? {} : { weightOverride: weight }) };
}

/** @throws RegistryError `aborted` when the instance has other overrides by now than those that are to be taken back */
function aimOf(row: InstanceRow, { to, expected }: NamedInstance, { action, weight }: ActionRequest): Overrides | undefined {
  const now = overridesOf(row);
  switch (action) {
    case 'drain':
    case 'out_of_service':
      return { ...now, override: overrideOf[action] ?? null };
    case 'clear':
      return { ...now, override: null };
    case 'weight':
      return { ...now, weight };
    case 'restore':
      if (expected !== undefined && (expected.override !== now.override || expected.weight !== now.weight)) {
        const { by = 'another operator' } = row.overridden ?? {};
        throw new RegistryError('aborted', `the overrides of instance ${row.id} have changed meanwhile (by ${by}); they stay as they are`);
      }
      return to ?? now;
    case 'check':
    case 'deregister':
      return undefined;
  }
}

/** Finds instances by node and id, or by their ids if these are unique in the service. */
function finder(reader: Reader, namespace: string): (named: NamedInstance) => InstanceRow {
  const byId = new Map<string, Map<string, InstanceRow[]>>();
  const withId = (service: string, id: string): readonly InstanceRow[] => {
    let ids = byId.get(service);
    if (ids === undefined) {
      ids = new Map();
      for (const row of instancesOfService(reader, namespace, service)) ids.set(row.id, [...(ids.get(row.id) ?? []), row]);
      byId.set(service, ids);
    }
    return ids.get(id) ?? [];
  };
  return ({ service, node, id }) => {
    const row = node === undefined ? undefined : findInstance(reader, namespace, node, id);
    const found = node === undefined ? withId(service, id) : row?.service === service ? [row] : [];
    const [only] = found;
    if (only === undefined) throw new RegistryError('not_found', `service ${service} has no instance ${id}${node === undefined ? '' : ` on node ${node}`}`);
    if (found.length > 1) {
      const nodes = found.slice(0, 10).map((each) => each.node);
      throw new RegistryError('failed_precondition', `service ${service} has ${found.length} instances ${id}, on the nodes ${nodes.join(', ')}; name one node`);
    }
    return only;
  };
}
