/**
 * Rights: from a token to its authorizer. The rules come from the token's policies and roles, which are in its own namespace,
 * from its identities, and from its namespace. Each set of rules is compiled once and shared.
 */

import { defaultNamespace, isRegistryError, RegistryError } from '@rollcall/protocol';
import { LRUCache } from 'lru-cache';
import { compileRules, type Authorizer, type DefaultPolicy, type PlacedRules } from './authorizer.ts';
import type { CallerRules, SourcedRules } from './deciding-rule.ts';
import type { Grants, Policy, Token } from './records.ts';
import { parseRules } from './rule-text.ts';
import type { Rules } from './rules.ts';
import type { AclStore } from './store.ts';
import { nodeIdentityRules, serviceIdentityRules, templateRules } from './templates.ts';

/** Most parsed policies kept. */
const policiesMax = 10_000;
/** Most compiled sets of rules kept. */
const authorizersMax = 1_000;

/** Limits a cache to this many entries. The option `max` would allocate tables for all of them at once. */
export const counted = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 });

/** What has rights: a token, or what a token might be given. */
export type RightsOwner = Pick<Token, 'namespace' | 'roles' | keyof Grants>;

export interface RightsConfig {
  readonly defaultPolicy: DefaultPolicy;
  readonly datacenter: string;
}

export class Rights {
  readonly #store: AclStore;
  readonly #config: RightsConfig;
  readonly #authorizers = new LRUCache<string, Authorizer>(counted(authorizersMax));
  /** By namespace and id of the policy. */
  readonly #rules = new LRUCache<string, { readonly modified: number; readonly rules: Rules }>(counted(policiesMax));

  constructor(store: AclStore, config: RightsConfig) {
    this.#store = store;
    this.#config = config;
  }

  /**
   * Tokens with the same rules get the same authorizer until one of those rules changes.
   * @throws RegistryError `internal` if a policy cannot be read
   */
  authorizerOf(owner: RightsOwner): Authorizer {
    const { namespace } = owner;
    const own = this.#rightsOf(namespace, [owner], owner.roles);
    const defaults = this.#store.namespaceDefaults(namespace);
    const added = this.#rightsOf(defaultNamespace, [{ ...noGrants, policies: defaults.policies }], defaults.roles);
    const key = JSON.stringify([own.name, added.name]);
    const known = this.#authorizers.get(key);
    if (known !== undefined) return known;
    const authorizer = compileRules(own.rules(), this.#config.defaultPolicy, added.rules());
    this.#authorizers.set(key, authorizer);
    return authorizer;
  }

  /**
   * The rules of a token, each with what gives it to the token; for explanations.
   * @throws RegistryError `internal` if a policy cannot be read
   */
  rulesOf({ namespace, roles, ...token }: Token): CallerRules {
    const defaults = this.#store.namespaceDefaults(namespace);
    const adds = namespace === defaultNamespace ? '' : ` of namespace ${namespace}`;
    return {
      direct: [...this.#sourced(namespace, token, ''), ...this.#sourcedRoles(namespace, roles, '')],
      added: [...this.#sourced(defaultNamespace, { ...noGrants, policies: defaults.policies }, adds), ...this.#sourcedRoles(defaultNamespace, defaults.roles, adds)],
    };
  }

  /** The rules of one policy that count in this datacenter; none if it cannot be read. */
  rulesOfPolicy(namespace: string, id: string): readonly Rules[] {
    try {
      return this.#rulesOf(namespace, id);
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      return [];
    }
  }

  #sourcedRoles(namespace: string, ids: readonly string[], after: string): SourcedRules[] {
    const roles = ids.map((id) => this.#store.role(namespace, id)).filter((role) => role !== undefined);
    return roles.flatMap((role) => this.#sourced(namespace, role, ` of role ${role.name}${after}`));
  }

  #sourced(namespace: string, all: Grants, after: string): SourcedRules[] {
    const grants = this.#grantsHere(all);
    const sourced = (source: string, rules: Rules): SourcedRules => ({ namespace, rules, source: `${source}${after}` });
    return [
      ...grants.policies.flatMap((id) => this.#rulesOf(namespace, id).map((rules) => sourced(`policy ${this.#store.policy(namespace, id)?.name ?? id}`, rules))),
      ...grants.serviceIdentities.map(({ service }) => sourced(`service identity ${service}`, serviceIdentityRules(service))),
      ...grants.nodeIdentities.map(({ node }) => sourced(`node identity ${node}`, nodeIdentityRules(node))),
      ...grants.templatedPolicies.map(({ template, name }) => sourced(`templated policy ${template}${name === '' ? '' : ` for ${name}`}`, templateRules(template, name))),
    ];
  }

  /**
   * Collects the rules of grants and roles of one namespace, and a name for the set. Tokens with the same name share an
   * authorizer; a listener compares names to see whether anything has changed.
   */
  #rightsOf(namespace: string, direct: readonly Grants[], roleIds: readonly string[]): NamedRules {
    const roles = roleIds.map((id) => this.#store.role(namespace, id)).filter((role) => role !== undefined);
    const grants = [...direct, ...roles].map((one) => this.#grantsHere(one));
    const policies = [...new Set(grants.flatMap((grant) => grant.policies))].sort();
    const name = [
      namespace,
      // The name contains revisions, so that it changes with the rules.
      policies.map((id) => [id, this.#store.policy(namespace, id)?.modified ?? 0]),
      grants.flatMap((grant) => grant.serviceIdentities.map(({ service }) => service)),
      grants.flatMap((grant) => grant.nodeIdentities.map(({ node }) => node)),
      grants.flatMap((grant) => grant.templatedPolicies.map(({ template, name: variable }) => [template, variable])),
    ];
    const rules = () =>
      [...policies.flatMap((id) => this.#rulesOf(namespace, id)), ...grants.flatMap(identityRules)].map((one) => ({ namespace, rules: one }));
    return { name, rules };
  }

  /** The grants that count in this datacenter. */
  #grantsHere({ policies, serviceIdentities, nodeIdentities, templatedPolicies }: Grants): Grants {
    const here = ({ datacenters }: { datacenters: readonly string[] }) =>
      datacenters.length === 0 || datacenters.includes(this.#config.datacenter);
    return {
      policies,
      serviceIdentities: serviceIdentities.filter(here),
      nodeIdentities: nodeIdentities.filter(({ datacenter }) => datacenter === this.#config.datacenter),
      templatedPolicies: templatedPolicies.filter(here),
    };
  }

  #rulesOf(namespace: string, id: string): Rules[] {
    const policy = this.#store.policy(namespace, id);
    if (policy === undefined) return [];
    if (policy.datacenters.length > 0 && !policy.datacenters.includes(this.#config.datacenter)) return [];
    const key = `${namespace}\0${id}`;
    const known = this.#rules.get(key);
    if (known?.modified === policy.modified) return [known.rules];
    const rules = readPolicy(policy);
    this.#rules.set(key, { modified: policy.modified, rules });
    return [rules];
  }
}

interface NamedRules {
  readonly name: unknown;
  readonly rules: () => PlacedRules[];
}

export const noGrants: Grants = { policies: [], serviceIdentities: [], nodeIdentities: [], templatedPolicies: [] };

function identityRules({ serviceIdentities, nodeIdentities, templatedPolicies }: Grants): Rules[] {
  return [
    ...serviceIdentities.map(({ service }) => serviceIdentityRules(service)),
    ...nodeIdentities.map(({ node }) => nodeIdentityRules(node)),
    ...templatedPolicies.map(({ template, name }) => templateRules(template, name)),
  ];
}

/** An unreadable policy may contain a denial, so the server refuses the tokens that depend on it. */
function readPolicy({ id, rules }: Policy): Rules {
  try {
    return parseRules(rules);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw new RegistryError('internal', `the rules of policy ${id} cannot be read: ${error.message}`, { cause: error });
  }
}
