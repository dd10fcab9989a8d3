/**
 * Converts records of access control to the objects of Consul's API (`api/acl.go`, MPL-2.0). Pure. Secrets are not
 * stored, so only the calls that have just received a secret show it (`security/README.md`).
 */

import { createHash } from 'node:crypto';
import { findRecord } from '../../../registry/kind/record/find.ts';
import type { Reader } from '../../../registry/reader.ts';
import { policyOf, recordTypes, roleOf } from '../../../security/records.ts';
import type { AuthMethod, BindingRule, Grants, NamespaceDefaults, Policy, Role, Token } from '../../../security/records.ts';
import type { Rules } from '../../../security/rules.ts';
import { nodeIdentityRules, printRules, serviceIdentityRules, templateRules } from '../../../security/templates.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { formatDuration, nsPerMs } from '../wire/go-duration.ts';

/** Shown instead of a secret, as Consul does for callers that may only read. */
export const hiddenSecret = '<hidden>';

/** The secret of the anonymous token is public. */
const anonymousSecret = 'anonymous';

export function tokenJson(state: Reader, token: Token, secret = secretOf(token)): object {
  const { accessorId, secretHash: _kept, created, modified, ...shown } = token;
  return {
    AccessorID: accessorId,
    SecretID: secret,
    Description: token.description,
    ...grantsJson(state, token),
    Local: token.local,
    ...(token.authMethod === '' ? {} : { AuthMethod: token.authMethod }),
    ...(token.authMethodNamespace === undefined ? {} : { AuthMethodNamespace: token.authMethodNamespace }),
    ...(token.expiresAtMs === 0 ? {} : { ExpirationTime: new Date(token.expiresAtMs).toISOString() }),
    CreateTime: new Date(token.createdAtMs).toISOString(),
    Hash: digestOf(shown),
    CreateIndex: created,
    ModifyIndex: modified,
  };
}

function secretOf({ accessorId }: Token): string {
  return accessorId === anonymousAccessor ? anonymousSecret : hiddenSecret;
}

/** What `?expanded` adds: every policy and role of the token, direct or through a role or identity. */
export function expandedJson(state: Reader, token: Token, datacenter: string): object {
  const { namespace } = token;
  const roles = token.roles.map((id) => roleById(state, namespace, id)).filter((role) => role !== undefined);
  const defaults = findRecord(state, namespace, recordTypes.defaults, 'defaults')?.value as NamespaceDefaults | undefined;
  const grants = [token, ...roles];
  const policies = [...new Set(grants.flatMap((grant) => grant.policies))]
    .map((id) => policyById(state, namespace, id))
    .filter((policy) => policy !== undefined);
  return {
    ExpandedPolicies: orNull([
      ...policies.map(policyJson),
      ...grants.flatMap((one) => syntheticPolicies(one, datacenter)),
    ]),
    ExpandedRoles: orNull(roles.map((role) => roleJson(state, role))),
    NamespaceDefaultPolicyIDs: orNull(defaults?.policies ?? []),
    NamespaceDefaultRoleIDs: orNull(defaults?.roles ?? []),
  };
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}

/** Identities as the policies that they represent. */
function syntheticPolicies(grants: Grants, datacenter: string): object[] {
  const { serviceIdentities, nodeIdentities, templatedPolicies } = grants;
  return [
    ...serviceIdentities.map(({ service, datacenters }) =>
      syntheticPolicy(`synthetic policy for service identity "${service}"`, serviceIdentityRules(service), datacenters),
    ),
    ...nodeIdentities.map(({ node }) =>
      syntheticPolicy(`synthetic policy for node identity "${node}"`, nodeIdentityRules(node), [datacenter]),
    ),
    ...templatedPolicies.map(({ template, name, datacenters }) =>
      syntheticPolicy(`${fromTemplate}${template}`, templateRules(template, name), datacenters),
    ),
  ];
}

export const fromTemplate = 'synthetic policy generated from templated policy: ';

/** A policy that is not stored; its id is derived from its rules. */
export function syntheticPolicy(Description: string, rules: Rules, datacenters: readonly string[]): object {
  const text = printRules(rules);
  const ID = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return {
    ID,
    Name: `synthetic-policy-${ID}`,
    Description,
    Rules: text,
    ...some('Datacenters', datacenters),
    Hash: digestOf({ Description, text }),
    CreateIndex: 0,
    ModifyIndex: 0,
  };
}

function grantsJson(state: Reader, grants: Grants & { readonly namespace: string; readonly roles?: readonly string[] }): object {
  const { namespace, policies, roles = [], serviceIdentities, nodeIdentities, templatedPolicies } = grants;
  return {
    ...some('Policies', links(policies, (id) => policyById(state, namespace, id))),
    ...some('Roles', links(roles, (id) => roleById(state, namespace, id))),
    ...some(
      'ServiceIdentities',
      serviceIdentities.map(({ service, datacenters }) => {
        return { ServiceName: service, ...some('Datacenters', datacenters) };
      }),
    ),
    ...some(
      'NodeIdentities',
      nodeIdentities.map(({ node, datacenter }) => ({ NodeName: node, Datacenter: datacenter })),
    ),
    ...some(
      'TemplatedPolicies',
      templatedPolicies.map(({ template, name, datacenters }) => ({
        TemplateName: template,
        ...(name === '' ? {} : { TemplateVariables: { name } }),
        ...some('Datacenters', datacenters),
      })),
    ),
  };
}

/** Links to records that no longer exist are left out. */
function links(ids: readonly string[], named: (id: string) => { readonly name: string } | undefined): object[] {
  return ids.flatMap((ID) => {
    const found = named(ID);
    return found === undefined ? [] : [{ ID, Name: found.name }];
  });
}

function some(name: string, list: readonly unknown[]): object {
  return list.length === 0 ? {} : { [name]: list };
}

function policyById(state: Reader, namespace: string, id: string): Policy | undefined {
  const row = findRecord(state, namespace, recordTypes.policy, id);
  return row === undefined ? undefined : policyOf(row);
}

function roleById(state: Reader, namespace: string, id: string): Role | undefined {
  const row = findRecord(state, namespace, recordTypes.role, id);
  return row === undefined ? undefined : roleOf(row);
}

export function policyJson(policy: Policy): object {
  const { id, name, description, rules, datacenters, created, modified } = policy;
  return {
    ...{ ID: id, Name: name, Description: description, Rules: rules },
    ...some('Datacenters', datacenters),
    ...{ Hash: digestOf({ name, description, rules, datacenters }), CreateIndex: created, ModifyIndex: modified },
  };
}

/** Lists of policies leave their rules out. */
export function policyStubJson(policy: Policy): object {
  const { Rules: _left, ...stub } = policyJson(policy) as Record<string, unknown>;
  const { ID, Name, Description, ...rest } = stub;
  return { ID, Name, Description, ...rest, Datacenters: orNull(policy.datacenters) };
}

export function roleJson(state: Reader, role: Role): object {
  const { id, name, description, created, modified, ...shown } = role;
  return {
    ...{ ID: id, Name: name, Description: description },
    ...grantsJson(state, role),
    ...{ Hash: digestOf({ name, description, ...shown }), CreateIndex: created, ModifyIndex: modified },
  };
}

export function methodStubJson(method: AuthMethod): Record<string, unknown> {
  const { name, type, displayName, description, tokenTtlMs, locality, created, modified } = method;
  return {
    ...(tokenTtlMs === 0 ? {} : { MaxTokenTTL: formatDuration(tokenTtlMs * nsPerMs) }),
    ...{ Name: name, Type: type },
    ...(displayName === '' ? {} : { DisplayName: displayName }),
    ...(description === '' ? {} : { Description: description }),
    ...{ TokenLocality: locality, CreateIndex: created, ModifyIndex: modified },
  };
}

export function methodJson(method: AuthMethod): object {
  const { CreateIndex, ModifyIndex, ...stub } = methodStubJson(method);
  const rules = (method.namespaceRules ?? []).map(({ selector, bindNamespace }) => ({ Selector: selector, BindNamespace: bindNamespace }));
  return { ...stub, Config: method.config, ...some('NamespaceRules', rules), CreateIndex, ModifyIndex };
}

export function bindingRuleJson(rule: BindingRule): object {
  const { id, description, method, selector, bindType, bindName, bindVariable, created, modified } = rule;
  return {
    ...{ ID: id, Description: description, AuthMethod: method, Selector: selector },
    ...{ BindType: bindType, BindName: bindName },
    ...(bindVariable === '' ? {} : { BindVars: { Name: bindVariable } }),
    ...{ CreateIndex: created, ModifyIndex: modified },
  };
}

/** A digest that changes with the content. */
function digestOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('base64');
}
