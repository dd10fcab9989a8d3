/**
 * The rules of policies, as data. `rule-text.ts` reads them from text; `authorizer.ts` decides permissions.
 */

/** The level of a rule, in rising order; `deny` overrides all others. `list` exists for keys only. */
export type Level = 'deny' | 'read' | 'list' | 'write';

/** What a rule about configurations allows besides reading and editing; each is granted separately. */
export const configGrants = ['approve', 'publish', 'reveal'] as const;
export type ConfigGrant = (typeof configGrants)[number];

/** The resource whose verb `write` is a grant. */
export type GrantedResource = `config-${ConfigGrant}`;

/** What rules about configurations say, and the permission that each word gives. */
export const configWords = {
  read: { resource: 'config', verb: 'read' },
  edit: { resource: 'config', verb: 'write' },
  approve: { resource: 'config-approve', verb: 'write' },
  publish: { resource: 'config-publish', verb: 'write' },
  reveal: { resource: 'config-reveal', verb: 'write' },
} as const;

/** The word of rules for a permission on a configuration; undefined for others. */
export function configWordOf(resource: string, verb: Verb): string | undefined {
  return Object.entries(configWords).find(([, of]) => of.resource === resource && of.verb === verb)?.[0];
}

/** The verb of a permission. */
export type Verb = 'read' | 'list' | 'write';

export const scalarResources = ['acl', 'keyring', 'mesh', 'operator', 'peering'] as const;
export const namedResources = ['agent', 'config', 'event', 'identity', 'key', 'lock', 'node', 'query', 'service', 'session', 'znode'] as const;

/** Resources without names. */
export type ScalarResource = (typeof scalarResources)[number];
/** Resources with names. */
export type NamedResource = (typeof namedResources)[number];

export interface NamedRule {
  readonly resource: NamedResource;
  readonly name: string;
  /** Whether the rule is for every name that starts with `name`. */
  readonly prefix: boolean;
  readonly level: Level;
  /** For services only: the level for intentions to them. */
  readonly intentions?: Level;
  /** For configurations only. */
  readonly grants?: readonly ConfigGrant[];
}

/** A resource without names, or `namespace`: the level of a namespace block for the definition of the namespace. */
export type ScopeScalar = ScalarResource | 'namespace';

/** Rules that count for one namespace. */
export interface ScopeRules {
  readonly scalar: Readonly<Partial<Record<ScopeScalar, Level>>>;
  readonly named: readonly NamedRule[];
}

/** `namespace "team-a" { … }` or `namespace_prefix "team-" { … }`. */
export interface NamespaceRules {
  readonly name: string;
  /** Whether the rules are for every namespace whose name starts with `name`. */
  readonly prefix: boolean;
  readonly rules: ScopeRules;
}

/** A policy. Rules outside of its namespace blocks count in the namespace of the policy. */
export interface Rules extends ScopeRules {
  readonly namespaces: readonly NamespaceRules[];
  /** Unknown keys. Stored policies may contain them; `assertRules` refuses a new policy that does. */
  readonly ignored: readonly Ignored[];
}

/** Whether all namespaces share the resource: rules about it count in the default namespace only. */
export function isShared(resource: NamedResource | ScopeScalar | 'intention' | GrantedResource, verb: Verb): boolean {
  switch (resource) {
    case 'agent':
    case 'event':
    case 'keyring':
    case 'mesh':
    case 'operator':
    case 'peering':
      return true;
    case 'node':
      return verb === 'write';
    default:
      return false;
  }
}

export interface Ignored {
  readonly key: string;
  readonly line: number;
  readonly column: number;
  /** Keys that are allowed at this place. */
  readonly known: readonly string[];
}
