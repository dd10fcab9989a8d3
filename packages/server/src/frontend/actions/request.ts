/** Requests for actions on instances: their bodies, checked. */

import { administrativeStatuses, frameLimits as limits, RegistryError, type AdministrativeStatus } from '@rollcall/protocol';
import { parseObject } from '../../net/json-body.ts';

export const actionNames = ['drain', 'out_of_service', 'clear', 'weight', 'check', 'deregister', 'restore'] as const;
export type ActionName = (typeof actionNames)[number];

/** Instances of one request: some tens of milliseconds of commits. */
export const instancesMax = 1_000;
/** Characters of a reason; a line of the audit log has about 1,000. */
export const reasonMax = 500;

/** As that of a registration. */
export const weightMax = 65_535;

/** What operators have set on an instance. */
export interface Overrides {
  readonly override: AdministrativeStatus | null;
  readonly weight: number | null;
}

export interface NamedInstance {
  readonly service: string;
  readonly node: string | undefined;
  readonly id: string;
  /** Of `restore`. */
  readonly to?: Overrides;
  /** Of `restore`: it is refused for an instance that has others by now. */
  readonly expected?: Overrides;
}

export interface ActionRequest {
  /** Undefined: that of the caller. */
  readonly namespace: string | undefined;
  readonly action: ActionName;
  readonly instances: readonly NamedInstance[];
  /** Of `weight`; null: that of the instance itself. */
  readonly weight: number | null;
  readonly reason: string;
  readonly dryRun: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws RegistryError `invalid_argument` */
export function readRequest(body: Buffer): ActionRequest {
  const fields = parseObject(body);
  onlyKnown(fields, ['namespace', 'action', 'instances', 'weight', 'reason', 'dryRun'], 'the body');
  const { namespace, action, instances, weight, reason = '', dryRun = false } = fields;
  const found = actionNames.find((each) => each === action);
  if (found === undefined) throw invalid(`action must be one of ${actionNames.join(', ')}`);
  if (namespace !== undefined && typeof namespace !== 'string') throw invalid('namespace must be a text');
  if (typeof reason !== 'string' || reason.length > reasonMax) throw invalid(`reason must be a text of at most ${reasonMax} characters`);
  if (typeof dryRun !== 'boolean') throw invalid('dryRun must be true or false');
  if (!Array.isArray(instances) || instances.length === 0 || instances.length > instancesMax) {
    throw invalid(`instances must be a list of 1 to ${instancesMax}; send several requests for more`);
  }
  if ((weight !== undefined) !== (found === 'weight')) throw invalid('give a weight for the action weight, and for no other');
  return { namespace, action: found, instances: instances.map((each) => instanceIn(each, found)), weight: found === 'weight' && weight !== null ? weightIn(weight) : null, reason, dryRun };
}

function instanceIn(value: unknown, action: ActionName): NamedInstance {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('an instance is an object with service, node and id');
  const fields = value as Fields;
  onlyKnown(fields, action === 'restore' ? ['service', 'node', 'id', 'to', 'expected'] : ['service', 'node', 'id'], 'an instance');
  const named = { service: nameIn(fields, 'service'), node: fields['node'] === undefined ? undefined : nameIn(fields, 'node', true), id: nameIn(fields, 'id') };
  return action === 'restore' ? { ...named, to: overridesIn(fields['to']), ...(fields['expected'] === undefined ? {} : { expected: overridesIn(fields['expected']) }) } : named;
}

function nameIn(fields: Fields, field: string, mayBeEmpty = false): string {
  const value = fields[field];
  if (typeof value !== 'string' || value.length > limits.nameMax || (value === '' && !mayBeEmpty)) throw invalid(`${field} of an instance must be a text of 1 to ${limits.nameMax} characters`);
  return value;
}

function overridesIn(value: unknown): Overrides {
  const { override, weight } = (typeof value === 'object' && value !== null ? value : {}) as Fields;
  const status = override === null ? null : administrativeStatuses.find((each) => each === override);
  if (status === undefined) throw invalid(`override must be null, or one of ${administrativeStatuses.join(', ')}`);
  return { override: status, weight: weight === null ? null : weightIn(weight) };
}

function weightIn(weight: unknown): number {
  if (typeof weight !== 'number' || !(weight >= 0 && weight <= weightMax)) throw invalid(`weight must be a number from 0 to ${weightMax}`);
  return weight;
}

function onlyKnown(fields: Fields, known: readonly string[], what: string): void {
  const unknown = Object.keys(fields).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalid(`${what} has the unknown field ${JSON.stringify(unknown.slice(0, 80))}; there are ${known.join(', ')}`);
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
