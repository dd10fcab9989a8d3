/**
 * Scope: the rules that count in one namespace, compiled for fast look-ups. `authorizer.ts` decides which namespace a
 * question is about, and which resources all namespaces share.
 *
 * Scopes form a chain: from the rules for the namespace itself to those for shorter and shorter prefixes of its name, and
 * from the rules of a token to those that its namespace adds:
 *
 *   namespace "team-a" ─► namespace_prefix "team-" ─► namespace_prefix "" ─► default policy
 *
 * The first scope with a rule for the name decides, by its exact rule, else by the rule of the longest prefix. Rules of
 * several policies for one name are merged before: deny beats write, write beats list, list beats read. If no scope has
 * a rule, the default policy decides, but never for `acl`. A rule about configurations decides about each grant as well: the most
 * specific rule of a name is the only one that counts, so it takes away the grants that it does not name. (`acl/policy_authorizer.go`, `policy_merger.go` and
 * `static_authorizer.go` of Consul 1.16.)
 */

import { PrefixTable } from './prefix-table.ts';
import { configGrants, namedResources, type ConfigGrant, type GrantedResource, type Level, type NamedResource, type NamedRule, type ScopeRules, type ScopeScalar, type Verb } from './rules.ts';

/** The `intentions` of service rules decide about `intention`. */
export type Named = NamedResource | 'intention' | GrantedResource;

/** Levels as numbers: a higher one allows more, deny allows nothing. 0 stands for "no rule". */
const rank: Readonly<Record<Level, number>> = { deny: 1, read: 2, list: 3, write: 4 };
const deny = rank.deny;

/** The level that wins if two rules are for the same name. */
function stronger(one: number, other: number): number {
  return one === deny || other === deny ? deny : Math.max(one, other);
}

class Tables {
  readonly exact = new Map<string, number>();
  readonly prefixes = new Map<string, number>();

  add(name: string, prefix: boolean, value: number): void {
    const map = prefix ? this.prefixes : this.exact;
    map.set(name, stronger(map.get(name) ?? 0, value));
  }

  seal(): PrefixTable {
    return new PrefixTable(this.exact, this.prefixes);
  }
}

/** The merged rules of all policies of one caller, for one namespace or for one prefix of namespace names. */
export class MergedRules {
  readonly scalars: ReadonlyMap<ScopeScalar, number>;
  readonly tables: Readonly<Record<Named, PrefixTable>>;

  constructor(all: Iterable<ScopeRules>) {
    const scalars = new Map<ScopeScalar, number>();
    const tables = new Map<Named, Tables>();
    for (const resource of [...namedResources, 'intention' as const, ...configGrants.map(granted)]) tables.set(resource, new Tables());
    // The levels for intentions are merged separately, as in Consul.
    const intentions = new Tables();
    for (const { scalar, named } of all) {
      for (const [resource, level] of Object.entries(scalar) as [ScopeScalar, Level][]) {
        scalars.set(resource, stronger(scalars.get(resource) ?? 0, rank[level]));
      }
      for (const rule of named) {
        tables.get(rule.resource)?.add(rule.name, rule.prefix, rank[rule.level]);
        if (rule.resource === 'config') for (const grant of configGrants) tables.get(granted(grant))?.add(rule.name, rule.prefix, grantValue(rule, grant));
        if (rule.intentions !== undefined) intentions.add(rule.name, rule.prefix, rank[rule.intentions]);
      }
    }
    addIntentions(tables, intentions);
    this.scalars = scalars;
    this.tables = Object.fromEntries([...tables].map(([resource, table]) => [resource, table.seal()])) as Record<Named, PrefixTable>;
  }
}

function granted(grant: ConfigGrant): GrantedResource {
  return `config-${grant}`;
}

/** A rule without the grant decides against it, but another policy's rule for the same name may still give it. */
function grantValue({ level, grants = [] }: NamedRule, grant: ConfigGrant): number {
  return level === 'deny' ? deny : grants.includes(grant) ? rank.write : rank.read;
}

/** A caller that may read a service may read its intentions, unless a rule about intentions decides otherwise. */
function addIntentions(tables: ReadonlyMap<Named, Tables>, said: Tables): void {
  const services = tables.get('service') as Tables;
  const target = tables.get('intention') as Tables;
  for (const prefix of [false, true]) {
    const explicit = prefix ? said.prefixes : said.exact;
    for (const [name, value] of prefix ? services.prefixes : services.exact) {
      target.add(name, prefix, explicit.get(name) ?? (value === deny ? deny : rank.read));
    }
  }
}

export class Scope {
  readonly #acl: number;
  readonly #keyring: number;
  readonly #mesh: number;
  readonly #namespace: number;
  readonly #operator: number;
  readonly #peering: number;
  readonly #agent: PrefixTable;
  readonly #approve: PrefixTable;
  readonly #config: PrefixTable;
  readonly #event: PrefixTable;
  readonly #identity: PrefixTable;
  readonly #intention: PrefixTable;
  readonly #key: PrefixTable;
  readonly #lock: PrefixTable;
  readonly #node: PrefixTable;
  readonly #publish: PrefixTable;
  readonly #query: PrefixTable;
  readonly #reveal: PrefixTable;
  readonly #service: PrefixTable;
  readonly #session: PrefixTable;
  readonly #znode: PrefixTable;
  readonly #next: Scope | undefined;
  readonly #defaultAllows: boolean;

  /** @param next decides where these rules are silent; without it, the default policy does */
  constructor({ scalars, tables }: MergedRules, next: Scope | undefined, defaultAllows: boolean) {
    this.#acl = scalars.get('acl') ?? 0;
    this.#keyring = scalars.get('keyring') ?? 0;
    this.#mesh = scalars.get('mesh') ?? 0;
    this.#namespace = scalars.get('namespace') ?? 0;
    this.#operator = scalars.get('operator') ?? 0;
    this.#peering = scalars.get('peering') ?? 0;
    this.#agent = tables.agent;
    this.#approve = tables['config-approve'];
    this.#config = tables.config;
    this.#event = tables.event;
    this.#identity = tables.identity;
    this.#intention = tables.intention;
    this.#key = tables.key;
    this.#lock = tables.lock;
    this.#node = tables.node;
    this.#publish = tables['config-publish'];
    this.#query = tables.query;
    this.#reveal = tables['config-reveal'];
    this.#service = tables.service;
    this.#session = tables.session;
    this.#znode = tables.znode;
    this.#next = next;
    this.#defaultAllows = defaultAllows;
  }

  allows(resource: ScopeScalar | Named, verb: Verb, name: string): boolean {
    switch (resource) {
      case 'acl':
        // A default policy of allow does not allow access control itself.
        return this.scalar('acl') >= rank[verb];
      case 'mesh':
      case 'peering':
        return this.#decide(this.scalar(resource) || this.scalar('operator'), verb);
      case 'keyring':
      case 'namespace':
      case 'operator':
        return this.#decide(this.scalar(resource), verb);
      case 'intention':
        if (name === '*') return verb === 'write' ? this.allowsUnder(resource, '', verb) : this.#allowsAny(resource, verb);
        break;
      default:
    }
    const value = this.#table(resource).get(name);
    return value === 0 && this.#next !== undefined ? this.#next.allows(resource, verb, name) : this.#decide(value, verb);
  }

  /**
   * Whether the verb is allowed on every name that starts with `prefix`, also on names that do not exist yet.
   * @param before tables of the scopes that decide first
   */
  allowsUnder(resource: Named, prefix: string, verb: Verb, before: readonly PrefixTable[] = []): boolean {
    const table = this.#table(resource);
    const isAnswered = (name: string, isPrefix: boolean) => before.some((one) => (isPrefix ? one.longestPrefix(name) : one.get(name)) !== 0);
    if (!table.everyUnder(prefix, (value, name, isPrefix) => value >= rank[verb] || isAnswered(name, isPrefix))) return false;
    const whole = table.longestPrefix(prefix);
    if (whole !== 0) return whole >= rank[verb];
    return this.#next?.allowsUnder(resource, prefix, verb, [...before, table]) ?? this.#defaultAllows;
  }

  /** The level of a resource without names; 0 if no rule is about it. */
  scalar(resource: ScopeScalar): number {
    let value = this.#scalar(resource);
    for (let next = this.#next; value === 0 && next !== undefined; next = next.#next) value = next.#scalar(resource);
    return value;
  }

  /** Whether any rule allows something. */
  allowsSomething(): boolean {
    const { read } = rank;
    if (Math.max(this.#acl, this.#namespace) >= read) return true;
    for (const resource of namedResources) if (this.#table(resource).reaches(read)) return true;
    return this.#next?.allowsSomething() ?? false;
  }

  #allowsAny(resource: Named, verb: Verb): boolean {
    const table = this.#table(resource);
    if (table.reaches(rank[verb])) return true;
    if (table.longestPrefix('') !== 0) return false;
    return this.#next === undefined ? this.#defaultAllows : this.#next.#allowsAny(resource, verb);
  }

  #decide(value: number, verb: Verb): boolean {
    // Deny is lower than every verb.
    return value === 0 ? this.#defaultAllows : value >= rank[verb];
  }

  #scalar(resource: ScopeScalar): number {
    switch (resource) {
      case 'acl':
        return this.#acl;
      case 'keyring':
        return this.#keyring;
      case 'mesh':
        return this.#mesh;
      case 'namespace':
        return this.#namespace;
      case 'operator':
        return this.#operator;
      case 'peering':
        return this.#peering;
    }
  }

  #table(resource: Named): PrefixTable {
    switch (resource) {
      case 'agent':
        return this.#agent;
      case 'config':
        return this.#config;
      case 'config-approve':
        return this.#approve;
      case 'config-publish':
        return this.#publish;
      case 'config-reveal':
        return this.#reveal;
      case 'event':
        return this.#event;
      case 'identity':
        return this.#identity;
      case 'intention':
        return this.#intention;
      case 'key':
        return this.#key;
      case 'lock':
        return this.#lock;
      case 'node':
        return this.#node;
      case 'query':
        return this.#query;
      case 'service':
        return this.#service;
      case 'session':
        return this.#session;
      case 'znode':
        return this.#znode;
    }
  }
}
