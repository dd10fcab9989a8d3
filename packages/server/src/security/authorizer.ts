/**
 * Authorizer: what the rules of all policies of one caller allow, compiled for one question.
 *
 * For a name the exact rule holds, otherwise the one of the longest prefix; where several policies have a
 * rule for the same name or prefix, deny beats write beats list beats read. Where no rule holds the
 * default policy does, but never for `acl`. These are Consul's rules (`acl/policy_authorizer.go`,
 * `policy_merger.go`, `static_authorizer.go` of 1.16).
 */

import { PrefixTable } from './prefix-table.ts';
import { namedResources, scalarResources, type Level, type NamedResource, type Rules, type ScalarResource } from './rules.ts';

export type Verb = 'read' | 'list' | 'write';

/** `intention` is ruled by `intentions` of service rules. */
export type Resource = ScalarResource | NamedResource | 'intention';

export type DefaultPolicy = 'allow' | 'deny';

export interface Authorizer {
  /**
   * Whether the verb is allowed. Costs some tens of nanoseconds and allocates nothing.
   * @param name of the key, service, node …; the node's name for sessions and agents. Not looked at for
   *   scalar resources
   */
  allows(resource: Resource, verb: Verb, name?: string): boolean;

  /** Whether the verb is allowed on every name, those that nobody has thought of included. */
  allowsAll(resource: NamedResource, verb: Verb): boolean;

  /** Whether the verb is allowed on some name. */
  allowsAny(resource: NamedResource, verb: Verb): boolean;

  /** Whether the verb is allowed on every key under a prefix: for deleting a tree, or reading one whole. */
  allowsKeyTree(prefix: string, verb?: 'read' | 'write'): boolean;
}

/** What everything may be done with: for servers without access control, and for their own work. */
export const unrestricted: Authorizer = {
  allows: () => true,
  allowsAll: () => true,
  allowsAny: () => true,
  allowsKeyTree: () => true,
};

/** Levels as numbers: higher allows more, but for deny. 0 is "no rule". */
const rank: Readonly<Record<Level, number>> = { deny: 1, read: 2, list: 3, write: 4 };
const deny = rank.deny;

/** Of two levels for the same name the one that holds. */
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

/** Compiles the rules of any number of policies. */
export function compileRules(policies: Iterable<Rules>, defaultPolicy: DefaultPolicy): Authorizer {
  const scalars = new Map<ScalarResource, number>();
  const tables = new Map<NamedResource | 'intention', Tables>();
  for (const resource of [...namedResources, 'intention' as const]) tables.set(resource, new Tables());
  /** What rules say of intentions; merged apart from their level, as Consul does. */
  const intentions = new Tables();
  for (const { scalar, named } of policies) {
    for (const resource of scalarResources) {
      const level = scalar[resource];
      if (level !== undefined) scalars.set(resource, stronger(scalars.get(resource) ?? 0, rank[level]));
    }
    for (const rule of named) {
      tables.get(rule.resource)?.add(rule.name, rule.prefix, rank[rule.level]);
      if (rule.intentions !== undefined) intentions.add(rule.name, rule.prefix, rank[rule.intentions]);
    }
  }
  addIntentions(tables, intentions);
  return new CompiledAuthorizer(scalars, tables, defaultPolicy === 'allow');
}

/** Who may see a service may read its intentions, unless the rules say more. */
function addIntentions(tables: Map<NamedResource | 'intention', Tables>, said: Tables): void {
  const services = tables.get('service') as Tables;
  const target = tables.get('intention') as Tables;
  for (const prefix of [false, true]) {
    const explicit = prefix ? said.prefixes : said.exact;
    for (const [name, value] of prefix ? services.prefixes : services.exact) {
      target.add(name, prefix, explicit.get(name) ?? (value === deny ? deny : rank.read));
    }
  }
}

class CompiledAuthorizer implements Authorizer {
  readonly #acl: number;
  readonly #operator: number;
  readonly #mesh: number;
  readonly #peering: number;
  readonly #keyring: number;
  readonly #agent: PrefixTable;
  readonly #event: PrefixTable;
  readonly #identity: PrefixTable;
  readonly #intention: PrefixTable;
  readonly #key: PrefixTable;
  readonly #node: PrefixTable;
  readonly #query: PrefixTable;
  readonly #service: PrefixTable;
  readonly #session: PrefixTable;
  readonly #defaultAllows: boolean;

  constructor(
    scalars: ReadonlyMap<ScalarResource, number>,
    tables: ReadonlyMap<NamedResource | 'intention', Tables>,
    defaultAllows: boolean,
  ) {
    const table = (resource: NamedResource | 'intention') => (tables.get(resource) as Tables).seal();
    this.#acl = scalars.get('acl') ?? 0;
    this.#keyring = scalars.get('keyring') ?? 0;
    this.#operator = scalars.get('operator') ?? 0;
    this.#mesh = scalars.get('mesh') ?? this.#operator;
    this.#peering = scalars.get('peering') ?? this.#operator;
    this.#agent = table('agent');
    this.#event = table('event');
    this.#identity = table('identity');
    this.#intention = table('intention');
    this.#key = table('key');
    this.#node = table('node');
    this.#query = table('query');
    this.#service = table('service');
    this.#session = table('session');
    this.#defaultAllows = defaultAllows;
  }

  allows(resource: Resource, verb: Verb, name = ''): boolean {
    switch (resource) {
      case 'acl':
        // An open default policy does not open the door to itself.
        return this.#acl >= rank[verb];
      case 'keyring':
        return this.#decide(this.#keyring, verb);
      case 'mesh':
        return this.#decide(this.#mesh, verb);
      case 'operator':
        return this.#decide(this.#operator, verb);
      case 'peering':
        return this.#decide(this.#peering, verb);
      case 'intention':
        if (name === '*') return verb === 'write' ? this.#all(this.#intention, verb) : this.#any(this.#intention, verb);
        return this.#decide(this.#intention.get(name), verb);
      default:
        return this.#decide(this.#table(resource).get(name), verb);
    }
  }

  allowsAll(resource: NamedResource, verb: Verb): boolean {
    return this.#all(this.#table(resource), verb);
  }

  allowsAny(resource: NamedResource, verb: Verb): boolean {
    return this.#any(this.#table(resource), verb);
  }

  allowsKeyTree(prefix: string, verb: 'read' | 'write' = 'write'): boolean {
    if (!this.#decide(this.#key.longestPrefix(prefix), verb)) return false;
    return this.#key.everyUnder(prefix, (value) => value >= rank[verb]);
  }

  #decide(value: number, verb: Verb): boolean {
    // Deny is below every verb.
    return value === 0 ? this.#defaultAllows : value >= rank[verb];
  }

  #all(table: PrefixTable, verb: Verb): boolean {
    if (!this.#decide(table.longestPrefix(''), verb)) return false;
    return table.everyUnder('', (value) => value >= rank[verb]);
  }

  #any(table: PrefixTable, verb: Verb): boolean {
    return table.some((value) => value >= rank[verb]) || this.#decide(table.longestPrefix(''), verb);
  }

  #table(resource: NamedResource): PrefixTable {
    switch (resource) {
      case 'agent':
        return this.#agent;
      case 'event':
        return this.#event;
      case 'identity':
        return this.#identity;
      case 'key':
        return this.#key;
      case 'node':
        return this.#node;
      case 'query':
        return this.#query;
      case 'service':
        return this.#service;
      case 'session':
        return this.#session;
    }
  }
}
