/**
 * AclStore: tokens, policies, roles, auth methods and binding rules as they stand in the registry's state.
 *
 * The state is the truth; what is kept here are indexes over it (token by the hash of its secret, policy
 * and role by name), moved along by `observe`. Nothing here writes.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { find } from '../registry/reader.ts';
import type { RowChange, RowOf } from '../registry/rows.ts';
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
  type Policy,
  type Role,
  type Token,
  type TokenValue,
} from './records.ts';

export interface Ending {
  readonly accessorId: string;
  readonly expiresAtMs: number;
}

/** What a batch of changes meant for access control. */
export interface AclChange {
  /** Policies or roles changed, or an auth method went: what any token may do is open again. */
  readonly rules: boolean;
  /** Hashes of the secrets of tokens that changed, came or went. */
  readonly secretHashes: ReadonlySet<string>;
  /** Tokens with an end that came, and that went. */
  readonly expiring: readonly Ending[];
  readonly gone: readonly Ending[];
}

export class AclStore {
  readonly #state: State;
  readonly #bySecret = new Map<string, string>();
  /** Ids by name; made when asked for, dropped when a record of the type changes. */
  #policyNames: Map<string, string> | undefined;
  #roleNames: Map<string, string> | undefined;

  constructor(state: State) {
    this.#state = state;
  }

  /** Indexes what the state holds; to be called when it has been loaded. */
  load(): AclChange {
    return this.#index([...find.records(this.#state, defaultNamespace, recordTypes.token)].map((after) => ({ before: undefined, after })));
  }

  /** The same for a state that was replaced as a whole. */
  reload(): AclChange {
    this.#bySecret.clear();
    this.#policyNames = undefined;
    this.#roleNames = undefined;
    return this.load();
  }

  /** Follows applied changes. Undefined when none of them concerns access control. */
  observe(changes: readonly RowChange[]): AclChange | undefined {
    const tokens: { before: RowOf<'record'> | undefined; after: RowOf<'record'> | undefined }[] = [];
    let rules = false;
    for (const { before, after } of changes) {
      const row = after ?? before;
      if (row?.kind !== 'record') continue;
      if (row.type === recordTypes.policy || row.type === recordTypes.role) rules = true;
      else if (row.type === recordTypes.method && after === undefined) rules = true;
      else if (row.type === recordTypes.token) {
        tokens.push({ before: before as RowOf<'record'> | undefined, after: after as RowOf<'record'> | undefined });
      }
    }
    if (!rules && tokens.length === 0) return undefined;
    if (rules) {
      this.#policyNames = undefined;
      this.#roleNames = undefined;
    }
    return { ...this.#index(tokens), rules };
  }

  /** The token with a secret whose SHA-256 this is; it may have expired. */
  tokenBySecretHash(secretHash: string): Token | undefined {
    const accessorId = this.#bySecret.get(secretHash);
    return accessorId === undefined ? undefined : this.token(accessorId);
  }

  token(accessorId: string): Token | undefined {
    return found(find.record(this.#state, defaultNamespace, recordTypes.token, accessorId), tokenOf);
  }

  tokens(): Token[] {
    return [...find.records(this.#state, defaultNamespace, recordTypes.token)].map(tokenOf);
  }

  policy(id: string): Policy | undefined {
    return found(find.record(this.#state, defaultNamespace, recordTypes.policy, id), policyOf);
  }

  policyByName(name: string): Policy | undefined {
    this.#policyNames ??= byName(this.policies());
    const id = this.#policyNames.get(name);
    return id === undefined ? undefined : this.policy(id);
  }

  policies(): Policy[] {
    return [...find.records(this.#state, defaultNamespace, recordTypes.policy)].map(policyOf);
  }

  role(id: string): Role | undefined {
    return found(find.record(this.#state, defaultNamespace, recordTypes.role, id), roleOf);
  }

  roleByName(name: string): Role | undefined {
    this.#roleNames ??= byName(this.roles());
    const id = this.#roleNames.get(name);
    return id === undefined ? undefined : this.role(id);
  }

  roles(): Role[] {
    return [...find.records(this.#state, defaultNamespace, recordTypes.role)].map(roleOf);
  }

  method(name: string): AuthMethod | undefined {
    return found(find.record(this.#state, defaultNamespace, recordTypes.method, name), methodOf);
  }

  methods(): AuthMethod[] {
    return [...find.records(this.#state, defaultNamespace, recordTypes.method)].map(methodOf);
  }

  bindingRule(id: string): BindingRule | undefined {
    return found(find.record(this.#state, defaultNamespace, recordTypes.bindingRule, id), bindingRuleOf);
  }

  /** Of one auth method, or all. */
  bindingRules(method?: string): BindingRule[] {
    const all = [...find.records(this.#state, defaultNamespace, recordTypes.bindingRule)].map(bindingRuleOf);
    return method === undefined ? all : all.filter((rule) => rule.method === method);
  }

  /** The revision of the last bootstrap; 0 when there was none. */
  bootstrapRevision(): number {
    return find.record(this.#state, defaultNamespace, recordTypes.bootstrap, 'bootstrap')?.modified ?? 0;
  }

  #index(
    tokens: readonly { readonly before: RowOf<'record'> | undefined; readonly after: RowOf<'record'> | undefined }[],
  ): AclChange {
    const secretHashes = new Set<string>();
    const expiring: Ending[] = [];
    const gone: Ending[] = [];
    for (const { before, after } of tokens) {
      if (before !== undefined) {
        const { secretHash, expiresAtMs } = before.value as TokenValue;
        secretHashes.add(secretHash);
        if (expiresAtMs > 0) gone.push({ accessorId: before.id, expiresAtMs });
        if (this.#bySecret.get(secretHash) === before.id) this.#bySecret.delete(secretHash);
      }
      if (after === undefined) continue;
      const { secretHash, expiresAtMs } = after.value as TokenValue;
      secretHashes.add(secretHash);
      this.#bySecret.set(secretHash, after.id);
      if (expiresAtMs > 0) expiring.push({ accessorId: after.id, expiresAtMs });
    }
    return { rules: false, secretHashes, expiring, gone };
  }
}

function found<T>(row: RowOf<'record'> | undefined, decode: (row: RowOf<'record'>) => T): T | undefined {
  return row === undefined ? undefined : decode(row);
}

/** Two nodes may have given out one name at once: the older record has it, on every node alike. */
function byName(records: readonly { readonly id: string; readonly name: string; readonly created: number }[]) {
  const names = new Map<string, string>();
  const newestFirst = [...records].sort((a, b) => b.created - a.created || (a.id < b.id ? 1 : -1));
  for (const { id, name } of newestFirst) names.set(name, id);
  return names;
}
