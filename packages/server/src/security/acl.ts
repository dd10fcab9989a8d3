/**
 * Acl: who a caller is and what it may do. The one answer for every protocol.
 *
 *   secret ── SHA-256 ──► token ──► policies, roles, identities ──► Authorizer, compiled once for each
 *                                                                   set of them and shared
 *
 * `resolve` costs a hash and two look-ups while nothing changes. A change of a token, policy or role is
 * felt by the next `resolve` in the same turn of the event loop, and told to listeners, so that parked
 * queries and streams can ask again. Writes are in `admin.ts`.
 */

import { defaultNamespace, type RegistryError } from '@rollcall/protocol';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { RowChange } from '../registry/rows.ts';
import { refused } from './access-error.ts';
import { unrestricted, type Authorizer, type DefaultPolicy, type Resource, type Verb } from './authorizer.ts';
import { ExpiryTimer } from './expiry-timer.ts';
import { shownNamespace } from './hidden-namespace.ts';
import type { Denial } from './reasons.ts';
import { hasEnded, hashSecret, type Token } from './records.ts';
import { counted, Rights } from './rights.ts';
import { AclStore, type AclChange } from './store.ts';
import { anonymousAccessor, anonymousSecret } from './well-known.ts';

export interface AclConfig {
  /** Off by default: every caller may do everything. */
  readonly enabled: boolean;
  /** What holds where no rule does; `deny` unless said otherwise. */
  readonly defaultPolicy: DefaultPolicy;
  readonly datacenter: string;
  /** Secret of the token that stands in when a request brings none; the anonymous token's otherwise. */
  readonly defaultToken?: string;
}

export interface AclOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly config: AclConfig;
  /** Told of every denial by `authorize`, to be counted. The audit log also wants to know from where: see the README. */
  readonly onDenied?: (denial: Denial) => void;
  /** Called when tokens have reached their end; they are unusable already and may be removed. */
  readonly onExpired?: (accessorIds: readonly string[]) => void;
}

/** Who asks. Good until its listener is called; hold it, not the secret. */
export interface Caller {
  /** The token's public id; what to log. */
  readonly accessorId: string;
  /** That the token is in; requests that name none are about it. */
  readonly namespace: string;
  readonly authorizer: Authorizer;
  /** SHA-256 of the token's secret; empty without access control. */
  readonly secretHash: string;
  /** Milliseconds since the Unix epoch; Infinity for never. */
  readonly expiresAtMs: number;
}

/** The caller of every request while access control is off. */
const unrestrictedCaller: Caller = {
  accessorId: anonymousAccessor,
  namespace: defaultNamespace,
  authorizer: unrestricted,
  secretHash: '',
  expiresAtMs: Infinity,
};

/** Callers that are remembered; the caller that asked for nothing longest makes room for a new one. */
const callersMax = 50_000;

export class Acl {
  readonly store: AclStore;
  readonly #clock: Clock;
  readonly #config: AclConfig;
  readonly #onDenied: (denial: Denial) => void;
  readonly #callers = new LRUCache<string, Caller>(counted(callersMax));
  readonly #rights: Rights;
  /** Listeners by the hash of their caller's secret. */
  readonly #listeners = new Map<string, { readonly namespace: string; readonly all: Set<() => void> }>();
  readonly #expiry: ExpiryTimer;
  #defaultHash: string;

  constructor({ registry, clock, config, onDenied = () => {}, onExpired = () => {} }: AclOptions) {
    this.store = new AclStore(registry.state);
    this.#rights = new Rights(this.store, config);
    this.#clock = clock;
    this.#config = config;
    this.#onDenied = onDenied;
    this.#defaultHash = hashSecret(config.defaultToken ?? anonymousSecret);
    this.#expiry = new ExpiryTimer(clock, (accessorIds) => {
      for (const accessorId of accessorIds) {
        const secretHash = this.store.tokenAnywhere(accessorId)?.secretHash;
        if (secretHash !== undefined) this.#notify(this.#listeners.get(secretHash)?.all);
      }
      onExpired(accessorIds);
    });
  }

  get enabled(): boolean {
    return this.#config.enabled;
  }

  /** What holds where no rule does, as far as access control is on. */
  get defaultPolicy(): DefaultPolicy {
    return this.#config.defaultPolicy;
  }

  /** To be called when the registry has loaded its state, and before anything is served. */
  start(): void {
    this.#watchExpiry(this.store.load());
  }

  close(): void {
    this.#expiry.close();
    this.#listeners.clear();
  }

  /** To be called with every applied batch of changes, as an observer of the replica. */
  observe(changes: readonly RowChange[]): void {
    const change = this.store.observe(changes);
    if (change === undefined) return;
    this.#watchExpiry(change);
    const { rules, secretHashes } = change;
    for (const secretHash of secretHashes) this.#callers.delete(secretHash);
    if (rules.has(defaultNamespace)) this.#callers.clear();
    else if (rules.size > 0) {
      for (const [secretHash, { namespace }] of this.#callers.entries()) if (rules.has(namespace)) this.#callers.delete(secretHash);
    }
    for (const secretHash of secretHashes) this.#notify(this.#listeners.get(secretHash)?.all);
    if (rules.size === 0) return;
    for (const [secretHash, { namespace, all }] of [...this.#listeners]) {
      if (!secretHashes.has(secretHash) && concerns(rules, namespace)) this.#notify(all);
    }
  }

  /** To be called when the whole state was replaced, as by an observer of the replica: the first step makes every answer anew. */
  *replaced(): Generator<void, void, undefined> {
    this.#callers.clear();
    this.#expiry.clear();
    this.#watchExpiry(this.store.reload());
    yield;
    for (const { all } of [...this.#listeners.values()]) {
      for (const listener of [...all]) {
        // Others end between two steps.
        if (all.has(listener)) listener();
        yield;
      }
    }
  }

  /**
   * Calls the listener whenever what the caller may do may have changed: synchronously, in the turn in which
   * the change is applied, or within a second of the token's end. It should `refresh` the caller; it must
   * not throw.
   * @returns ends it; idempotent
   */
  onChange(caller: Caller, listener: () => void): () => void {
    const { secretHash, namespace } = caller;
    const listeners = this.#listeners.get(secretHash) ?? { namespace, all: new Set() };
    this.#listeners.set(secretHash, listeners);
    // A function that listens twice is called twice.
    const own = () => listener();
    listeners.all.add(own);
    return () => {
      if (!listeners.all.delete(own) || listeners.all.size > 0) return;
      if (this.#listeners.get(secretHash) === listeners) this.#listeners.delete(secretHash);
    };
  }

  /** Changes the token that stands in when a later request brings none; undefined for the anonymous token. */
  setDefaultToken(secret: string | undefined): void {
    this.#defaultHash = hashSecret(secret ?? anonymousSecret);
  }

  /**
   * Who has this secret.
   * @param secret as the request brings it; undefined or empty when it brings none
   * @throws RegistryError `unauthenticated` (`ACL not found`) for a secret that no token has, or no longer
   */
  resolve(secret: string | undefined): Caller {
    const caller = this.find(secret);
    if (caller === undefined) throw refused('unknown token');
    return caller;
  }

  /** The same, and undefined for a secret that no token has: where many are wrong, an error for each is dear. */
  find(secret: string | undefined): Caller | undefined {
    if (!this.#config.enabled) return unrestrictedCaller;
    return this.#findByHash(secret === undefined || secret === '' ? this.#defaultHash : hashSecret(secret));
  }

  /**
   * The same caller with what it may do now.
   * @throws RegistryError `unauthenticated` when its token is gone
   */
  refresh(caller: Caller): Caller {
    const found = this.#config.enabled ? this.#findByHash(caller.secretHash) : unrestrictedCaller;
    if (found === undefined) throw refused('unknown token');
    return found;
  }

  /**
   * Demands a permission.
   * @param namespace of the request
   * @param name of the key, service, node …; absent for resources without names
   * @throws RegistryError `permission_denied` with the words of Consul: who lacks what
   */
  authorize(caller: Caller, namespace: string, resource: Resource, verb: Verb, name = ''): void {
    if (!caller.authorizer.allows(namespace, resource, verb, name)) throw this.denied(caller, namespace, resource, verb, name);
  }

  /**
   * Demands that the definition of a namespace may be read or written.
   * @throws RegistryError `permission_denied`
   */
  authorizeNamespace(caller: Caller, namespace: string, verb: 'read' | 'write'): void {
    if (!caller.authorizer.allowsNamespace(namespace, verb)) throw this.denied(caller, defaultNamespace, 'operator', verb);
  }

  /** The error of a caller who lacks a permission, for checks that `authorize` cannot make; counts as a denial. */
  denied({ accessorId }: Caller, namespace: string, resource: Resource, verb: Verb, name = ''): RegistryError {
    const denial = { accessorId, namespace: shownNamespace(namespace), resource, verb, name };
    this.#onDenied(denial);
    return refused('lacks permission', denial);
  }

  #findByHash(secretHash: string): Caller | undefined {
    const known = this.#callers.get(secretHash);
    const caller = known ?? this.#makeCaller(secretHash);
    if (caller === undefined || caller.expiresAtMs <= this.#clock.now()) return undefined;
    if (known === undefined) this.#callers.set(secretHash, caller);
    return caller;
  }

  #makeCaller(secretHash: string): Caller | undefined {
    const token = this.store.tokenBySecretHash(secretHash);
    if (token === undefined || hasEnded(token, this.#clock.now()) || !this.#isVouchedFor(token)) return undefined;
    return {
      accessorId: token.accessorId,
      namespace: token.namespace,
      authorizer: this.#rights.authorizerOf(token),
      secretHash,
      expiresAtMs: token.expiresAtMs === 0 ? Infinity : token.expiresAtMs,
    };
  }

  /** Tokens of logins hold as long as their auth method, not one of the same name that came later. */
  #isVouchedFor({ authMethod, authMethodNamespace = defaultNamespace, created }: Token): boolean {
    if (authMethod === '') return true;
    const method = this.store.method(authMethodNamespace, authMethod);
    return method !== undefined && method.created < created;
  }

  #watchExpiry({ gone, expiring }: AclChange): void {
    for (const { accessorId, expiresAtMs } of gone) this.#expiry.delete(accessorId, expiresAtMs);
    for (const { accessorId, expiresAtMs } of expiring) this.#expiry.add(accessorId, expiresAtMs);
  }

  #notify(listeners: Iterable<() => void> | undefined): void {
    // A copy, since a listener may end itself.
    if (listeners !== undefined) for (const listener of [...listeners]) listener();
  }
}

/** Whether a change of rules may concern the tokens of a namespace. */
function concerns(rules: ReadonlySet<string>, namespace: string): boolean {
  return rules.has(namespace) || rules.has(defaultNamespace);
}
