/**
 * AclStore: reads tokens, policies, roles, auth methods and binding rules from the registry's state.
 *
 * It keeps indexes over the state and updates them in `observe`: tokens by the hash of their secret, policies and roles by
 * name. Every record is in a namespace; secrets and accessor ids are unique across all of them. It writes nothing.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { namespaceNames } from '../registry/kind/namespace/find.ts';
import { namespaceKey } from '../registry/kind/namespace/keys.ts';
import { findRecord, recordsOfType } from '../registry/kind/record/find.ts';
import type { RowChange, RowOf } from '../registry/kinds.ts';
import type { State } from '../registry/state.ts';
import {
  bindingRuleOf,
  methodOf,
  policyOf,
  recordTypes,
  roleOf,
  tokenOf,
  type AuthMethod,
  type BindingRule,
  type NamespaceDefaults,
  type Policy,
  type Role,
  type Token,
  type TokenValue,
} from './records.ts';

interface TokenPlace {
  readonly namespace: string;
  readonly accessorId: string;
}

const noDefaults = { policies: [], roles: [], modified: 0 };

export interface Ending {
  readonly accessorId: string;
  readonly expiresAtMs: number;
}

/** The effect of a batch of changes on access control. */
export interface AclChange {
  /**
   * Namespaces in which policies, roles or added rules changed: the permissions of their tokens must be computed again.
   * A change in the default namespace may concern the tokens of every namespace.
   */
  readonly rules: ReadonlySet<string>;
  /** Hashes of the secrets of tokens that were written or deleted, or whose auth method was deleted. */
  readonly secretHashes: ReadonlySet<string>;
  /** Tokens with an expiry that were written or deleted. */
  readonly expiring: readonly Ending[];
  readonly gone: readonly Ending[];
}

/** Names of policies or of roles to ids, by namespace. */
type Names = Map<string, ReadonlyMap<string, string>>;

export class AclStore {
  readonly #state: State;
  readonly #bySecret = new Map<string, TokenPlace>();
  /** Namespaces of tokens, by accessor id. Tokens of the default namespace, which are most, are left out. */
  readonly #elsewhere = new Map<string, string>();
  /** Built on first use; dropped when a record of the type changes in the namespace. */
  readonly #policyNames: Names = new Map();
  readonly #roleNames: Names = new Map();

  constructor(state: State) {
    this.#state = state;
  }

  /** Builds the indexes. Call it once the state is loaded. */
  load(): AclChange {
    const rows = [...namespaceNames(this.#state)].flatMap((namespace) => [...recordsOfType(this.#state, namespace, recordTypes.token)]);
    return { ...this.#index(rows.map((after) => ({ before: undefined, after }))), rules: new Set() };
  }

  /** Builds the indexes again after the whole state was replaced. */
  reload(): AclChange {
    this.#bySecret.clear();
    this.#elsewhere.clear();
    this.#policyNames.clear();
    this.#roleNames.clear();
    return this.load();
  }

  /** Applies changes to the indexes. Undefined if none of them concerns access control. */
  observe(changes: readonly RowChange[]): AclChange | undefined {
    const tokens: { before: RowOf<'record'> | undefined; after: RowOf<'record'> | undefined }[] = [];
    const rules = new Set<string>();
    const ended: Pick<AuthMethod, 'namespace' | 'name'>[] = [];
    for (const { before, after } of changes) {
      const row = after ?? before;
      if (row?.kind !== 'record') continue;
      switch (row.type) {
        case recordTypes.token:
          tokens.push({ before: before as RowOf<'record'> | undefined, after: after as RowOf<'record'> | undefined });
          break;
        case recordTypes.method:
          if (after === undefined) ended.push({ namespace: row.namespace, name: row.id });
          break;
        case recordTypes.policy:
        case recordTypes.role:
        case recordTypes.defaults:
          rules.add(row.namespace);
      }
    }
    if (rules.size === 0 && tokens.length === 0 && ended.length === 0) return undefined;
    for (const namespace of rules) {
      this.#policyNames.delete(namespace);
      this.#roleNames.delete(namespace);
    }
    const { secretHashes, ...rest } = this.#index(tokens);
    const orphans = ended.flatMap((method) => this.tokensOfMethod(method)).map(({ secretHash }) => secretHash);
    return { ...rest, secretHashes: new Set([...secretHashes, ...orphans]), rules };
  }

  /** The token with a secret whose SHA-256 this is; it may have expired. */
  tokenBySecretHash(secretHash: string): Token | undefined {
    const place = this.#bySecret.get(secretHash);
    return place === undefined ? undefined : this.token(place.namespace, place.accessorId);
  }

  token(namespace: string, accessorId: string): Token | undefined {
    return found(findRecord(this.#state, namespace, recordTypes.token, accessorId), tokenOf);
  }

  /** The token with this accessor id, in any namespace: accessor ids are unique. */
  tokenAnywhere(accessorId: string): Token | undefined {
    return this.token(this.#elsewhere.get(accessorId) ?? defaultNamespace, accessorId);
  }

  tokens(namespace: string): Token[] {
    return [...recordsOfType(this.#state, namespace, recordTypes.token)].map(tokenOf);
  }

  /** The same one by one, for callers that look at a few. */
  *eachToken(namespace: string): Generator<Token, void, undefined> {
    for (const row of recordsOfType(this.#state, namespace, recordTypes.token)) yield tokenOf(row);
  }

  /** Tokens of logins by an auth method, in all namespaces. */
  tokensOfMethod({ namespace, name }: Pick<AuthMethod, 'namespace' | 'name'>): Token[] {
    const all = [...namespaceNames(this.#state)].flatMap((one) => this.tokens(one));
    return all.filter(({ authMethod, authMethodNamespace = defaultNamespace }) => authMethod === name && authMethodNamespace === namespace);
  }

  policy(namespace: string, id: string): Policy | undefined {
    return found(findRecord(this.#state, namespace, recordTypes.policy, id), policyOf);
  }

  policyByName(namespace: string, name: string): Policy | undefined {
    const id = namesIn(this.#policyNames, namespace, () => this.policies(namespace)).get(name);
    return id === undefined ? undefined : this.policy(namespace, id);
  }

  policies(namespace: string): Policy[] {
    return [...recordsOfType(this.#state, namespace, recordTypes.policy)].map(policyOf);
  }

  role(namespace: string, id: string): Role | undefined {
    return found(findRecord(this.#state, namespace, recordTypes.role, id), roleOf);
  }

  roleByName(namespace: string, name: string): Role | undefined {
    const id = namesIn(this.#roleNames, namespace, () => this.roles(namespace)).get(name);
    return id === undefined ? undefined : this.role(namespace, id);
  }

  roles(namespace: string): Role[] {
    return [...recordsOfType(this.#state, namespace, recordTypes.role)].map(roleOf);
  }

  method(namespace: string, name: string): AuthMethod | undefined {
    return found(findRecord(this.#state, namespace, recordTypes.method, name), methodOf);
  }

  methods(namespace: string): AuthMethod[] {
    return [...recordsOfType(this.#state, namespace, recordTypes.method)].map(methodOf);
  }

  bindingRule(namespace: string, id: string): BindingRule | undefined {
    return found(findRecord(this.#state, namespace, recordTypes.bindingRule, id), bindingRuleOf);
  }

  /** The binding rules of one auth method, or of all. */
  bindingRules(namespace: string, method?: string): BindingRule[] {
    const all = [...recordsOfType(this.#state, namespace, recordTypes.bindingRule)].map(bindingRuleOf);
    return method === undefined ? all : all.filter((rule) => rule.method === method);
  }

  /** The policies and roles that the namespace adds to its tokens. */
  namespaceDefaults(namespace: string): NamespaceDefaults & { readonly modified: number } {
    const row = findRecord(this.#state, namespace, recordTypes.defaults, 'defaults');
    return row === undefined ? noDefaults : { ...(row.value as NamespaceDefaults), modified: row.modified };
  }

  /** Whether the namespace exists; the default one always does. */
  hasNamespace(namespace: string): boolean {
    return namespace === defaultNamespace || this.#state.get(namespaceKey(namespace)) !== undefined;
  }

  /** The revision of the last bootstrap; 0 when there was none. */
  bootstrapRevision(): number {
    return findRecord(this.#state, defaultNamespace, recordTypes.bootstrap, 'bootstrap')?.modified ?? 0;
  }

  #index(
    tokens: readonly { readonly before: RowOf<'record'> | undefined; readonly after: RowOf<'record'> | undefined }[],
  ): Omit<AclChange, 'rules'> {
    const secretHashes = new Set<string>();
    const expiring: Ending[] = [];
    const gone: Ending[] = [];
    for (const { before, after } of tokens) {
      if (before !== undefined) {
        const { secretHash, expiresAtMs } = before.value as TokenValue;
        secretHashes.add(secretHash);
        if (expiresAtMs > 0) gone.push({ accessorId: before.id, expiresAtMs });
        if (this.#bySecret.get(secretHash)?.accessorId === before.id) this.#bySecret.delete(secretHash);
        if (this.#elsewhere.get(before.id) === before.namespace) this.#elsewhere.delete(before.id);
      }
      if (after === undefined) continue;
      const { secretHash, expiresAtMs } = after.value as TokenValue;
      secretHashes.add(secretHash);
      this.#bySecret.set(secretHash, { namespace: after.namespace, accessorId: after.id });
      if (after.namespace !== defaultNamespace) this.#elsewhere.set(after.id, after.namespace);
      if (expiresAtMs > 0) expiring.push({ accessorId: after.id, expiresAtMs });
    }
    return { secretHashes, expiring, gone };
  }
}

function found<T>(row: RowOf<'record'> | undefined, decode: (row: RowOf<'record'>) => T): T | undefined {
  return row === undefined ? undefined : decode(row);
}

function namesIn(names: Names, namespace: string, read: () => Parameters<typeof byName>[0]): ReadonlyMap<string, string> {
  const known = names.get(namespace);
  if (known !== undefined) return known;
  const records = read();
  const made = byName(records);
  // Requests may name any namespace, so empty indexes are not cached.
  if (records.length > 0) names.set(namespace, made);
  return made;
}

/** If two nodes gave one name to two records at once, the older record gets it, on every node. */
function byName(records: readonly { readonly id: string; readonly name: string; readonly created: number }[]) {
  const names = new Map<string, string>();
  const newestFirst = [...records].sort((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
  for (const { id, name } of newestFirst) names.set(name, id);
  return names;
}
