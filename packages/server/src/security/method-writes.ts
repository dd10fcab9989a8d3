/** Converts requests for auth methods and binding rules to records. The checks are those of Consul 1.16. */

import { defaultNamespace, isNamespaceName, RegistryError } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import { refused } from './access-error.ts';
import { bindName, isBindName, selectorProblem, type Identity } from './binding.ts';
import { readJwtConfig, secretSettings, type JwtConfig } from './jwt-config.ts';
import { isMethodName, isUuid } from './names.ts';
import { readOidcConfig } from './oidc-config.ts';
import type { AuthMethod, BindingRule, BindingRuleValue, MethodConfig, MethodValue, NamespaceRule } from './records.ts';
import type { AclStore } from './store.ts';
import { templateRules } from './templates.ts';

export interface MethodInput {
  readonly name: string;
  /** `jwt` or `oidc`; absent keeps the type of the existing method. */
  readonly type?: string;
  readonly displayName?: string;
  readonly description?: string;
  /** Lifetime of the tokens in milliseconds; 0 for unlimited. */
  readonly tokenTtlMs?: number;
  /** `local` or `global`; empty is `local`. */
  readonly locality?: string;
  readonly config?: MethodConfig;
  /** For methods of the default namespace only. */
  readonly namespaceRules?: readonly NamespaceRule[];
}

/** @throws RegistryError `invalid_argument` */
export function methodValue(
  namespace: string,
  before: AuthMethod | undefined,
  input: MethodInput,
  limits: { readonly ttlMinMs: number },
): MethodValue {
  const { name, displayName = '', description = '', tokenTtlMs = 0, locality = '' } = input;
  const config = withSecrets(input.config ?? {}, before?.config);
  if (name === '') throw refused('no name', { what: 'auth method' });
  if (!isMethodName(name)) throw refused('bad name', { what: 'auth method' });
  const type = input.type === undefined || input.type === '' ? (before?.type ?? '') : input.type;
  if (before !== undefined && before.type !== type) throw refused('auth method type fixed');
  if (type !== 'jwt' && type !== 'oidc') throw refused('unknown auth method type');
  if (tokenTtlMs !== 0 && tokenTtlMs < limits.ttlMinMs) {
    throw refused('auth method ttl', { ttlMs: tokenTtlMs, leastMs: limits.ttlMinMs });
  }
  if (locality !== '' && locality !== 'local' && locality !== 'global') {
    throw refused('unknown locality');
  }
  const { values, lists } = mappingsOf(type, config);
  const { namespaceRules = [] } = input;
  checkNamespaceRules(namespace, namespaceRules, blankOf(values, lists));
  return {
    ...{ type, displayName, description, tokenTtlMs, locality: locality === 'global' ? 'global' : 'local', config },
    ...(namespaceRules.length === 0 ? {} : { namespaceRules }),
  };
}

/** Answers leave secrets out, so a change that was made from one keeps them. */
function withSecrets(config: MethodConfig, before: MethodConfig = {}): MethodConfig {
  const kept = Object.entries(before).filter(([setting]) => secretSettings.has(setting) && (config[setting] ?? '') === '');
  return { ...config, ...Object.fromEntries(kept) };
}

function mappingsOf(type: string, config: MethodConfig): Pick<JwtConfig, 'values' | 'lists'> {
  return type === 'oidc' ? readOidcConfig(config).jwt : readJwtConfig(config);
}

/** Most namespace rules of one auth method. */
const namespaceRulesMax = 1_000;

/** @throws RegistryError `invalid_argument` */
function checkNamespaceRules(namespace: string, rules: readonly NamespaceRule[], blank: Identity): void {
  if (rules.length === 0) return;
  if (namespace !== defaultNamespace) {
    throw invalid(`an auth method of the namespace ${quote(namespace)} creates tokens in that namespace only, and cannot have namespace rules`);
  }
  if (rules.length > namespaceRulesMax) throw invalid(`${rules.length} namespace rules were given, the limit is ${namespaceRulesMax}`);
  for (const { selector, bindNamespace } of rules) {
    const problem = selectorProblem(selector, blank);
    if (problem !== undefined) throw invalid(`the selector of a namespace rule is invalid: ${problem}`);
    const name = bindName(bindNamespace, filledOf(blank));
    if (!isNamespaceName(name)) {
      throw invalid(`the namespace rule yields ${quote(name)}, which is not a valid namespace name; use letters, digits and inner hyphens`);
    }
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
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
  namespace: string,
  input: BindingRuleInput,
): { before: BindingRule | undefined; value: BindingRuleValue } {
  const { id, description = '', selector = '', bindVariable = '' } = input;
  if (id !== undefined && !isUuid(id)) throw refused('bad id', { what: 'binding rule' });
  const before = id === undefined ? undefined : store.bindingRule(namespace, id);
  if (id !== undefined && before === undefined) throw refused('unknown id', { what: 'binding rule', id });
  const method = input.method === undefined || input.method === '' ? (before?.method ?? '') : input.method;
  if (before !== undefined && before.method !== method) throw refused('binding rule method fixed');
  if (method === '') throw refused('binding rule without method');
  const found = store.method(namespace, method);
  if (found === undefined) throw refused('binding rule of an unknown method', { method });
  const blank = blankIdentity(found);
  const problem = selectorProblem(selector, blank);
  if (problem !== undefined) throw refused('bad selector', { problem });
  if (input.bindType === undefined || input.bindType === '') throw refused('no bind type');
  if (input.bindName === undefined || input.bindName === '') throw refused('no bind name');
  const bindType = bindTypes.find((one) => one === input.bindType);
  if (bindType === undefined) throw refused('unknown bind type', { bindType: input.bindType });
  // If this example gives a valid name, every value of an identity does.
  const example = filledOf(blank);
  if (!isBindName(bindType, bindName(input.bindName, example))) throw refused('bad bind name');
  if (bindType === 'templated-policy') templateRules(input.bindName, bindName(bindVariable, example));
  return { before, value: { method, description, selector, bindType, bindName: input.bindName, bindVariable } };
}

/** An identity with every field that a method maps, all of them empty. */
function blankIdentity({ type, config }: AuthMethod): Identity {
  const { values, lists } = mappingsOf(type, config);
  return blankOf(values, lists);
}

function blankOf(values: JwtConfig['values'], lists: JwtConfig['lists']): Identity {
  return {
    values: Object.fromEntries(Object.values(values).map((name) => [name, ''])),
    lists: Object.fromEntries(Object.values(lists).map((name) => [name, []])),
  };
}

function filledOf(blank: Identity): Identity {
  return { ...blank, values: Object.fromEntries(Object.keys(blank.values).map((name) => [name, 'fake'])) };
}
