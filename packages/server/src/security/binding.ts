/**
 * Binding rules: decide which grants the identity of a login gives to its token. A rule whose selector matches the identity
 * adds a role, a policy or an identity. Its name may contain values of the identity.
 */

import { isRegistryError } from '@rollcall/protocol';
import { compile } from '../filter/filter.ts';
import { list, map, struct, text } from '../filter/shape.ts';
import { refused } from './access-error.ts';
import type { GrantsInput, Link } from './grants.ts';
import { isIdentityName, isRoleName, policyNameProblem } from './names.ts';
import type { AuthMethod, BindingRule, BindingRuleValue } from './records.ts';
import type { AclStore } from './store.ts';

/** The claims that a login proved. Has every mapped name; a value is empty if the token lacks the claim. */
export interface Identity {
  readonly values: Readonly<Record<string, string>>;
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

export interface Bindings extends GrantsInput {
  readonly roles: readonly Link[];
  /** True if the bindings grant nothing. */
  readonly none: boolean;
}

/** Returns what is wrong with a selector; undefined if it is valid. */
export function selectorProblem(selector: string, identity: Identity): string | undefined {
  if (selector === '') return undefined;
  try {
    const filter = compile(selector, shape);
    filter(identity);
    return undefined;
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return error.message;
  }
}

/** The fields that selectors can use: `value.name == web`, `"admins" in list.groups`. An unmapped name matches nothing, as in Consul. */
const shape = struct({
  value: [map(text), (identity) => (identity as Identity).values],
  list: [map(list(text)), (identity) => (identity as Identity).lists],
});

/**
 * Computes the name that a rule gives to an identity; values are converted to lower case.
 * @throws RegistryError `invalid_argument` for an unknown variable
 */
export function bindName(template: string, identity: Identity): string {
  return template.replaceAll(/\$\{([^}]*)\}/g, (_, inner: string) => {
    const name = /^\s*value\.([^\s]+)\s*$/.exec(inner)?.[1] ?? '';
    if (!Object.hasOwn(identity.values, name)) throw refused('unknown variable', { name: inner.trim() });
    return (identity.values[name] ?? '').toLowerCase();
  });
}

/** Whether the name is valid for the bind type. */
export function isBindName(bindType: BindingRuleValue['bindType'], name: string): boolean {
  switch (bindType) {
    case 'service':
    case 'node':
      return isIdentityName(name);
    case 'role':
      return isRoleName(name);
    case 'policy':
      return name !== '' && (policyNameProblem(name) === undefined || name.startsWith('builtin/'));
    case 'templated-policy':
      return name !== '';
  }
}

/**
 * Collects the grants of all matching rules. Skips roles and policies that do not exist.
 * @param namespace of the token that the login creates
 */
export function bind(store: AclStore, namespace: string, rules: readonly BindingRule[], identity: Identity, datacenter: string): Bindings {
  const roles: Link[] = [];
  const policies: Link[] = [];
  const serviceIdentities: { service: string; datacenters: string[] }[] = [];
  const nodeIdentities: { node: string; datacenter: string }[] = [];
  const templatedPolicies: { template: string; name: string; datacenters: string[] }[] = [];
  for (const rule of rules) {
    if (!selects(rule.selector, identity)) continue;
    const name = bindName(rule.bindName, identity);
    if (!isBindName(rule.bindType, name)) {
      throw refused('bad computed name', { bindType: rule.bindType, name });
    }
    switch (rule.bindType) {
      case 'service':
        serviceIdentities.push({ service: name, datacenters: [] });
        break;
      case 'node':
        nodeIdentities.push({ node: name, datacenter });
        break;
      case 'role':
        if (store.roleByName(namespace, name) !== undefined) roles.push({ name });
        break;
      case 'policy':
        if (store.policyByName(namespace, name) !== undefined) policies.push({ name });
        break;
      case 'templated-policy':
        templatedPolicies.push({ template: name, name: bindName(rule.bindVariable, identity), datacenters: [] });
    }
  }
  const counts = [roles, policies, serviceIdentities, nodeIdentities, templatedPolicies].map(({ length }) => length);
  const none = counts.every((count) => count === 0);
  return { roles, policies, serviceIdentities, nodeIdentities, templatedPolicies, none };
}

/** The namespace in which a login creates its token: that of the first matching namespace rule, else that of the method. */
export function bindNamespace({ namespace, namespaceRules = [] }: AuthMethod, identity: Identity): string {
  const rule = namespaceRules.find(({ selector }) => selects(selector, identity));
  return rule === undefined ? namespace : bindName(rule.bindNamespace, identity);
}

/** A selector that is invalid, or exceeds its limit of steps, matches nothing. */
function selects(selector: string, identity: Identity): boolean {
  if (selector === '') return true;
  try {
    return compile(selector, shape)(identity);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return false;
  }
}
