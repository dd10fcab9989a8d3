/** Policies and roles from requests to records, with Consul's checks and words (`acl_endpoint.go` of 1.16). */

import { defaultNamespace } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import { readGrants, refused, type GrantsInput } from './grants.ts';
import { isRoleName, isUuid, policyNameProblem } from './names.ts';
import type { Policy, PolicyValue, Role, RoleValue } from './records.ts';
import { assertRules } from './rules.ts';
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
export function policyValue(store: AclStore, input: PolicyInput): { before: Policy | undefined; value: PolicyValue } {
  const { id, name, description = '', rules = '', datacenters = [] } = input;
  if (name === '') throw refused('Invalid Policy: no Name is set');
  const before = id === undefined ? undefined : store.policy(id);
  const problem = before?.name === name ? undefined : policyNameProblem(name);
  if (problem !== undefined) throw refused(problem);
  if (id !== undefined && !isUuid(id)) throw refused('Policy ID invalid UUID');
  if (id !== undefined && before === undefined) throw refused(`cannot find policy ${id}`);
  const taken = store.policyByName(name);
  if (taken !== undefined && taken.id !== id) {
    throw refused(`Invalid Policy: A ${id === undefined ? 'Policy with Name' : 'policy with name'} ${quote(name)} already exists`);
  }
  const builtin = builtinPolicies.find((one) => one.id === id);
  if (builtin !== undefined && datacenters.length > 0) {
    throw refused(`Changing the Datacenters of the ${builtin.name} policy is not permitted`);
  }
  if (builtin !== undefined && rules !== before?.rules) {
    throw refused(`Changing the Rules for the builtin ${builtin.name} policy is not permitted`);
  }
  assertRules(rules, defaultNamespace);
  return { before, value: { name, description, rules, datacenters: [...datacenters] } };
}

/** @throws RegistryError `invalid_argument` for a built-in policy, which stays */
export function checkPolicyDeletion(id: string): void {
  const builtin = builtinPolicies.find((one) => one.id === id);
  if (builtin !== undefined) throw refused(`Delete operation not permitted on the builtin ${builtin.name} policy`);
}

export interface RoleInput extends GrantsInput {
  /** Absent for a new role. */
  readonly id?: string;
  readonly name: string;
  readonly description?: string;
}

/** @throws RegistryError `invalid_argument` */
export function roleValue(store: AclStore, input: RoleInput): { before: Role | undefined; value: RoleValue } {
  const { id, name, description = '' } = input;
  if (name === '') throw refused('Invalid Role: no Name is set');
  if (!isRoleName(name)) {
    throw refused("Invalid Role: invalid Name. Only alphanumeric characters, '-' and '_' are allowed");
  }
  if (id !== undefined && !isUuid(id)) throw refused('Role ID invalid UUID');
  const before = id === undefined ? undefined : store.role(id);
  if (id !== undefined && before === undefined) throw refused(`cannot find role ${id}`);
  const taken = store.roleByName(name);
  if (taken !== undefined && taken.id !== id) {
    throw refused(`Invalid Role: A ${id === undefined ? 'Role with Name' : 'role with name'} ${quote(name)} already exists`);
  }
  return { before, value: { ...readGrants(store, input, 'role'), name, description } };
}
