/** Auth methods and binding rules from requests to records. The checks are those of Consul 1.16. */

import { refused } from './access-error.ts';
import { bindName, isBindName, selectorProblem, type Identity } from './binding.ts';
import { readJwtConfig } from './jwt-config.ts';
import { isMethodName, isUuid } from './names.ts';
import type { AuthMethod, BindingRule, BindingRuleValue, MethodConfig, MethodValue } from './records.ts';
import type { AclStore } from './store.ts';
import { templateRules } from './templates.ts';

export interface MethodInput {
  readonly name: string;
  /** `jwt`; that of the existing method when absent. */
  readonly type?: string;
  readonly displayName?: string;
  readonly description?: string;
  /** Milliseconds; 0 for tokens without an end. */
  readonly tokenTtlMs?: number;
  /** `local` or `global`; empty is `local`. */
  readonly locality?: string;
  readonly config?: MethodConfig;
}

/** @throws RegistryError `invalid_argument` */
export function methodValue(
  before: AuthMethod | undefined,
  input: MethodInput,
  limits: { readonly ttlMinMs: number },
): MethodValue {
  const { name, displayName = '', description = '', tokenTtlMs = 0, locality = '', config = {} } = input;
  if (name === '') throw refused('no name', { what: 'auth method' });
  if (!isMethodName(name)) throw refused('bad name', { what: 'auth method' });
  const type = input.type === undefined || input.type === '' ? (before?.type ?? '') : input.type;
  if (before !== undefined && before.type !== type) throw refused('auth method type fixed');
  if (type !== 'jwt') throw refused('unknown auth method type');
  if (tokenTtlMs !== 0 && tokenTtlMs < limits.ttlMinMs) {
    throw refused('auth method ttl', { ttlMs: tokenTtlMs, leastMs: limits.ttlMinMs });
  }
  if (locality !== '' && locality !== 'local' && locality !== 'global') {
    throw refused('unknown locality');
  }
  readJwtConfig(config);
  return { type, displayName, description, tokenTtlMs, locality: locality === 'global' ? 'global' : 'local', config };
}

export interface BindingRuleInput {
  /** Absent for a new rule. */
  readonly id?: string;
  readonly method?: string;
  readonly description?: string;
  readonly selector?: string;
  readonly bindType?: string;
  readonly bindName?: string;
  readonly bindVariable?: string;
}

const bindTypes = ['service', 'node', 'role', 'policy', 'templated-policy'] as const;

/** @throws RegistryError `invalid_argument` */
export function bindingRuleValue(
  store: AclStore,
  input: BindingRuleInput,
): { before: BindingRule | undefined; value: BindingRuleValue } {
  const { id, description = '', selector = '', bindVariable = '' } = input;
  if (id !== undefined && !isUuid(id)) throw refused('bad id', { what: 'binding rule' });
  const before = id === undefined ? undefined : store.bindingRule(id);
  if (id !== undefined && before === undefined) throw refused('unknown id', { what: 'binding rule', id });
  const method = input.method === undefined || input.method === '' ? (before?.method ?? '') : input.method;
  if (before !== undefined && before.method !== method) throw refused('binding rule method fixed');
  if (method === '') throw refused('binding rule without method');
  const found = store.method(method);
  if (found === undefined) throw refused('binding rule of an unknown method', { method });
  const blank = blankIdentity(found);
  const problem = selectorProblem(selector, blank);
  if (problem !== undefined) throw refused('bad selector', { problem });
  if (input.bindType === undefined || input.bindType === '') throw refused('no bind type');
  if (input.bindName === undefined || input.bindName === '') throw refused('no bind name');
  const bindType = bindTypes.find((one) => one === input.bindType);
  if (bindType === undefined) throw refused('unknown bind type', { bindType: input.bindType });
  // Any value that an identity may have makes a name, if this one does.
  const example = { ...blank, values: Object.fromEntries(Object.keys(blank.values).map((name) => [name, 'fake'])) };
  if (!isBindName(bindType, bindName(input.bindName, example))) throw refused('bad bind name');
  if (bindType === 'templated-policy') templateRules(input.bindName, bindName(bindVariable, example));
  return { before, value: { method, description, selector, bindType, bindName: input.bindName, bindVariable } };
}

/** An identity with every field that a method maps, all of them empty. */
export function blankIdentity({ config }: AuthMethod): Identity {
  const { values, lists } = readJwtConfig(config);
  return {
    values: Object.fromEntries(Object.values(values).map((name) => [name, ''])),
    lists: Object.fromEntries(Object.values(lists).map((name) => [name, []])),
  };
}
