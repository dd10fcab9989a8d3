/** Records of access control as this API shows them: names beside ids, and never a secret. Pure. */

import type { ShownAuthMethod, ShownBindingRule, ShownPolicy, ShownRole, ShownToken } from '@rollcall/protocol';
import type { AuthMethod, BindingRule, Grants, Policy, Role, Token } from '../../security/records.ts';
import type { AclStore } from '../../security/store.ts';
import { builtinPolicies } from '../../security/templates.ts';
import { secretSettings } from '../../security/jwt-config.ts';
import { anonymousAccessor } from '../../security/well-known.ts';

/** @param own accessor of the caller's token */
export function shownToken(store: AclStore, token: Token, own: string): ShownToken {
  const { namespace, accessorId, description, roles, authMethod, createdAtMs, expiresAtMs } = token;
  return {
    accessorId,
    description,
    ...shownGrants(store, namespace, token),
    roles: roles.map((id) => ({ id, name: store.role(namespace, id)?.name ?? '' })),
    method: authMethod,
    createdAtMs,
    expiresAtMs: expiresAtMs === 0 ? null : expiresAtMs,
    isOwn: accessorId === own,
    isBuiltIn: accessorId === anonymousAccessor,
  };
}

/** A link to a policy that was deleted has no name: it grants nothing. */
function shownGrants(store: AclStore, namespace: string, { policies, serviceIdentities, nodeIdentities, templatedPolicies }: Grants): Pick<ShownRole, 'policies' | 'serviceIdentities' | 'others'> {
  return {
    policies: policies.map((id) => ({ id, name: store.policy(namespace, id)?.name ?? '' })),
    serviceIdentities: serviceIdentities.map(({ service }) => service),
    others: nodeIdentities.length + templatedPolicies.length,
  };
}

export function shownPolicy({ id, name, description, rules }: Policy): ShownPolicy {
  return { id, name, description, rules, isBuiltIn: builtinPolicies.some((builtin) => builtin.id === id) };
}

export function shownRole(store: AclStore, role: Role): ShownRole {
  const { id, name, description, namespace } = role;
  return { id, name, description, ...shownGrants(store, namespace, role) };
}

export function shownMethod(store: AclStore, { namespace, name, type, displayName, description, tokenTtlMs, config }: AuthMethod): ShownAuthMethod {
  const entries = Object.entries(config);
  return {
    ...{ name, type, displayName, description, tokenTtlMs },
    config: Object.fromEntries(entries.filter(([setting]) => !secretSettings.has(setting))),
    hasSecret: entries.some(([setting, value]) => secretSettings.has(setting) && value !== ''),
    rules: store.bindingRules(namespace, name).map(shownRule),
  };
}

export function shownRule({ id, method, description, selector, bindType, bindName, bindVariable }: BindingRule): ShownBindingRule {
  return { id, method, description, selector, bindType, bindName, bindVariable };
}
