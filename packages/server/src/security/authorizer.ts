/**
 * Authorizer: the permissions of one caller, in every namespace. It selects the rules of the namespace in
 * question; `scope.ts` decides between rules of one namespace.
 *
 * Where rules count (https://developer.hashicorp.com/consul/docs/security/acl/acl-rules#namespace-rules):
 *
 *  - rules of a policy in the default namespace: outside of namespace blocks for the default namespace, inside of them
 *    for the namespaces that the block names;
 *  - rules of a policy in another namespace: for that namespace only;
 *  - rules about resources that all namespaces share (agents, events, the keyring, the mesh, the operator, and
 *    writing nodes): in the default namespace only, for requests of every namespace.
 *
 * The most specific block with a rule for the name decides. If a block has no rule for it, the next block decides.
 * So a denial in `namespace_prefix ""` counts until a more specific block has a rule. Consul's documentation
 * does not specify this.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { PrefixTable } from './prefix-table.ts';
import { isShared, type GrantedResource, type NamedResource, type Rules, type ScalarResource, type ScopeRules, type Verb } from './rules.ts';
import { MergedRules, Scope } from './scope.ts';

export type { Verb } from './rules.ts';

/** The `intentions` of service rules decide about `intention`, the grants of rules about configurations about `config-approve` and so on. */
export type Resource = ScalarResource | NamedResource | 'intention' | GrantedResource;

export type DefaultPolicy = 'allow' | 'deny';

export interface Authorizer {
  /**
   * Whether the verb is allowed. Takes tens of nanoseconds and allocates nothing.
   * @param namespace of the request
   * @param name of the key, service, node …; for sessions and agents, the name of the node. Ignored for resources without names
   */
  allows(namespace: string, resource: Resource, verb: Verb, name?: string): boolean;

  /** Whether the verb is allowed on every name, also on names that do not exist yet. */
  allowsAll(namespace: string, resource: NamedResource, verb: Verb): boolean;

  /** Whether the verb is allowed on every key under a prefix; to delete or read a whole tree. */
  allowsKeyTree(namespace: string, prefix: string, verb: 'read' | 'write'): boolean;

  /**
   * Whether the caller may read or write the definition of a namespace: by a rule for it, or by `operator`. A caller that
   * may do something in the namespace may also read its definition.
   */
  allowsNamespace(namespace: string, verb: 'read' | 'write'): boolean;
}

/** Allows everything: for servers without access control, and for commands of the server itself. */
export const unrestricted: Authorizer = {
  allows: () => true,
  allowsAll: () => true,
  allowsKeyTree: () => true,
  allowsNamespace: () => true,
};

/** Rules, with the namespace of their policy, token or role. */
export interface PlacedRules {
  readonly namespace: string;
  readonly rules: Rules;
}

/**
 * Compiles the rules of any number of policies.
 * @param added rules that a namespace adds to its tokens; used only for names for which `direct` has no rule
 */
export function compileRules(
  direct: Iterable<PlacedRules>,
  defaultPolicy: DefaultPolicy,
  added: Iterable<PlacedRules> = [],
): Authorizer {
  const layers = [new Layer(direct), new Layer(added)];
  const scopes: Scope[] = [];
  const make = (rules: readonly MergedRules[]): Scope => {
    const [first = nothing, ...rest] = rules;
    return new Scope(first, rest.length === 0 ? undefined : make(rest), defaultPolicy === 'allow');
  };
  const number = (rules: readonly MergedRules[]): number => scopes.push(make(rules));
  const names = new Set(layers.flatMap(({ exact }) => [...exact.keys()]));
  const prefixes = new Set(layers.flatMap((layer) => [...layer.prefixes.keys()]));
  const exact = new Map([...names].map((name) => [name, number(layers.flatMap((layer) => layer.of(name)))]));
  const byPrefix = new Map([...prefixes].map((prefix) => [prefix, number(layers.flatMap((layer) => layer.under(prefix)))]));
  return new CompiledAuthorizer(scopes, new PrefixTable(exact, byPrefix), make([]));
}

const nothing = new MergedRules([]);

/** Rules, by the namespaces for which they count. */
class Layer {
  readonly exact = new Map<string, MergedRules>();
  readonly prefixes = new Map<string, MergedRules>();

  constructor(placed: Iterable<PlacedRules>) {
    const exact = new Map<string, ScopeRules[]>();
    const prefixes = new Map<string, ScopeRules[]>();
    for (const { namespace, rules } of placed) {
      collect(exact, namespace, rules);
      // A policy in another namespace counts there only.
      if (namespace !== defaultNamespace) continue;
      for (const block of rules.namespaces) collect(block.prefix ? prefixes : exact, block.name, block.rules);
    }
    for (const [name, rules] of exact) this.exact.set(name, new MergedRules(rules));
    for (const [prefix, rules] of prefixes) this.prefixes.set(prefix, new MergedRules(rules));
  }

  /** The rules that count for a namespace, the most specific first. */
  of(namespace: string): MergedRules[] {
    const own = this.exact.get(namespace);
    return [...(own === undefined ? [] : [own]), ...this.under(namespace)];
  }

  /** The rules for all namespaces whose names start with `prefix`, the longest prefix first. */
  under(prefix: string): MergedRules[] {
    const fitting = [...this.prefixes].filter(([other]) => prefix.startsWith(other));
    return fitting.sort(([a], [b]) => b.length - a.length).map(([, rules]) => rules);
  }
}

function collect(into: Map<string, ScopeRules[]>, name: string, rules: ScopeRules): void {
  const known = into.get(name);
  if (known === undefined) into.set(name, [rules]);
  else known.push(rules);
}

class CompiledAuthorizer implements Authorizer {
  readonly #scopes: readonly Scope[];
  /** Maps names and prefixes of namespaces to the numbers of their scopes, from 1. */
  readonly #numbers: PrefixTable;
  readonly #none: Scope;
  readonly #default: Scope;

  constructor(scopes: readonly Scope[], numbers: PrefixTable, none: Scope) {
    this.#scopes = scopes;
    this.#numbers = numbers;
    this.#none = none;
    this.#default = this.#find(defaultNamespace);
  }

  allows(namespace: string, resource: Resource, verb: Verb, name = ''): boolean {
    const scope = namespace === defaultNamespace ? this.#default : this.#scope(namespace, resource, verb);
    return scope.allows(resource, verb, name);
  }

  allowsAll(namespace: string, resource: NamedResource, verb: Verb): boolean {
    return this.#scope(namespace, resource, verb).allowsUnder(resource, '', verb);
  }

  allowsKeyTree(namespace: string, prefix: string, verb: 'read' | 'write'): boolean {
    return this.#scope(namespace, 'key', verb).allowsUnder('key', prefix, verb);
  }

  allowsNamespace(namespace: string, verb: 'read' | 'write'): boolean {
    const scope = this.#find(namespace);
    if (scope.scalar('namespace') !== 0) return scope.allows('namespace', verb, '');
    return this.#default.allows('operator', verb, '') || (verb === 'read' && scope.allowsSomething());
  }

  #scope(namespace: string, resource: Resource, verb: Verb): Scope {
    return namespace === defaultNamespace || isShared(resource, verb) ? this.#default : this.#find(namespace);
  }

  #find(namespace: string): Scope {
    return this.#scopes[this.#numbers.get(namespace) - 1] ?? this.#none;
  }
}
