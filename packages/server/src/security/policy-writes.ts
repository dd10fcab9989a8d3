/** Converts requests for policies and roles to records. The checks are those of Consul (`acl_endpoint.go` of 1.16). */

import { refused } from './access-error.ts';
import { readGrants, type GrantsInput } from './grants.ts';
import { isRoleName, isUuid, policyNameProblem } from './names.ts';
import type { Policy, PolicyValue, Role, RoleValue } from './records.ts';
import { assertRules } from './rule-text.ts';
import type { AclStore } from './store.ts';
import { builtinPolicies } from './templates.ts';

export interface PolicyInput {
  /** Absent for a new policy. */
  readonly id?: string;
  readonly name: string;
  readonly description?: string;
  readonly rules?: string;
  readonly datacenters?: readonly string[];
}

/** @throws RegistryError `invalid_argument` */
export function policyValue(store: AclStore, namespace: string, input: PolicyInput): { before: Policy | undefined; value: PolicyValue } {
  const { id, name, description = '', rules = '', datacenters = [] } = input;
  if (name === '') throw refused('no name', { what: 'policy' });
  const before = id === undefined ? undefined : store.policy(namespace, id);
  const problem = before?.name === name ? undefined : policyNameProblem(name);
  if (problem !== undefined) throw problem;
  if (id !== undefined && !isUuid(id)) throw refused('bad id', { what: 'policy' });
  if (id !== undefined && before === undefined) throw refused('unknown id', { what: 'policy', id });
  const taken = store.policyByName(namespace, name);
  if (taken !== undefined && taken.id !== id) throw refused('name taken', { what: 'policy', name, isNew: id === undefined });
  const builtin = builtinPolicies.find((one) => one.id === id);
  if (builtin !== undefined && datacenters.length > 0) throw refused('built-in datacenters', { policy: builtin.name });
  if (builtin !== undefined && rules !== before?.rules) throw refused('built-in rules', { policy: builtin.name });
  assertRules(rules, namespace);
  return { before, value: { name, description, rules, datacenters: [...datacenters] } };
}

/** @throws RegistryError `invalid_argument` for a built-in policy, which cannot be deleted */
export function checkPolicyDeletion(id: string): void {
  const builtin = builtinPolicies.find((one) => one.id === id);
  if (builtin !== undefined) throw refused('built-in policy stays', { policy: builtin.name });
}

export interface RoleInput extends GrantsInput {
  /** Absent for a new role. */
  readonly id?: string;
  readonly name: string;
  readonly description?: string;
}

/** @throws RegistryError `invalid_argument` */
export function roleValue(store: AclStore, namespace: string, input: RoleInput): { before: Role | undefined; value: RoleValue } {
  const { id, name, description = '' } = input;
  if (name === '') throw refused('no name', { what: 'role' });
  if (!isRoleName(name)) throw refused('bad name', { what: 'role' });
  if (id !== undefined && !isUuid(id)) throw refused('bad id', { what: 'role' });
  const before = id === undefined ? undefined : store.role(namespace, id);
  if (id !== undefined && before === undefined) throw refused('unknown id', { what: 'role', id });
  const taken = store.roleByName(namespace, name);
  if (taken !== undefined && taken.id !== id) throw refused('name taken', { what: 'role', name, isNew: id === undefined });
  return { before, value: { ...readGrants(store, namespace, input, 'role'), name, description } };
}
