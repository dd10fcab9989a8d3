/** Converts links and identities of requests to stored grants: checked, without duplicates, by id. Links refer to records of the same namespace. */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import { refused } from './access-error.ts';
import { isIdentityName } from './names.ts';
import type { Grants, NodeIdentity, ServiceIdentity, TemplatedPolicy } from './records.ts';
import type { AclStore } from './store.ts';
import { templateRules } from './templates.ts';

/** A policy or role by id or, without one, by name. */
export interface Link {
  readonly id?: string;
  readonly name?: string;
}

export interface GrantsInput {
  readonly policies?: readonly Link[];
  readonly serviceIdentities?: readonly ServiceIdentity[];
  readonly nodeIdentities?: readonly NodeIdentity[];
  readonly templatedPolicies?: readonly TemplatedPolicy[];
}

/** Most links of each kind on one token or role. */
const linksMax = 1_000;

/**
 * @param namespace of the token or role
 * @param owner for messages
 * @throws AccessError for grants that are invalid or do not exist
 */
export function readGrants(store: AclStore, namespace: string, input: GrantsInput, owner: 'token' | 'role'): Grants {
  return {
    policies: readPolicyLinks(store, namespace, input.policies ?? []),
    serviceIdentities: readServiceIdentities(input.serviceIdentities ?? [], owner),
    nodeIdentities: readNodeIdentities(namespace, input.nodeIdentities ?? [], owner),
    templatedPolicies: readTemplates(input.templatedPolicies ?? []),
  };
}

/** Ids of policies. @throws AccessError for a policy that does not exist */
export function readPolicyLinks(store: AclStore, namespace: string, links: readonly Link[]): string[] {
  return readLinks(links, 'policy', (id) => store.policy(namespace, id), (name) => store.policyByName(namespace, name));
}

/** Ids of roles. @throws AccessError for a role that does not exist */
export function readRoleLinks(store: AclStore, namespace: string, links: readonly Link[]): string[] {
  return readLinks(links, 'role', (id) => store.role(namespace, id), (name) => store.roleByName(namespace, name));
}

function readLinks(
  links: readonly Link[],
  kind: 'policy' | 'role',
  byId: (id: string) => { readonly id: string } | undefined,
  byName: (name: string) => { readonly id: string } | undefined,
): string[] {
  bounded(links, `links to a ${kind}`);
  const ids = new Set<string>();
  for (const { id = '', name = '' } of links) {
    const target = id === '' ? byName(name) : byId(id);
    if (target === undefined) throw refused('unknown link', { what: kind, id, name });
    ids.add(target.id);
  }
  return [...ids];
}

function bounded(list: readonly unknown[], what: string): void {
  if (list.length <= linksMax) return;
  throw new RegistryError('invalid_argument', `${list.length} ${what} were given, the limit is ${linksMax}`);
}

/** Merges the identities of one service into one with all their datacenters. */
function readServiceIdentities(identities: readonly ServiceIdentity[], owner: 'token' | 'role'): ServiceIdentity[] {
  bounded(identities, 'service identities');
  const services = new Map<string, readonly string[]>();
  for (const { service, datacenters } of identities) {
    if (service === '') throw refused('service identity without service', { owner });
    if (!isIdentityName(service)) throw refused('bad service identity', { service });
    services.set(service, [...new Set([...(services.get(service) ?? []), ...datacenters])].sort());
  }
  return [...services].map(([service, datacenters]) => ({ service, datacenters }));
}

function readNodeIdentities(namespace: string, identities: readonly NodeIdentity[], owner: 'token' | 'role'): NodeIdentity[] {
  bounded(identities, 'node identities');
  if (identities.length > 0 && namespace !== defaultNamespace) {
    const message = `a ${owner} of the namespace ${quote(namespace)} cannot have node identities, since all namespaces share nodes; give them in "default"`;
    throw new RegistryError('invalid_argument', message);
  }
  const known = new Map<string, NodeIdentity>();
  for (const { node, datacenter } of identities) {
    if (node === '') throw refused('node identity without node', { owner });
    if (datacenter === '') throw refused('node identity without datacenter', { owner });
    if (!isIdentityName(node)) throw refused('bad node identity');
    known.set(JSON.stringify([node, datacenter]), { node, datacenter });
  }
  return [...known.values()];
}

function readTemplates(policies: readonly TemplatedPolicy[]): TemplatedPolicy[] {
  bounded(policies, 'templated policies');
  const known = new Map<string, TemplatedPolicy>();
  for (const { template, name, datacenters } of policies) {
    templateRules(template, name);
    known.set(JSON.stringify([template, name]), { template, name, datacenters: [...datacenters] });
  }
  return [...known.values()];
}
