/**
 * Acl: finds the caller of a request by its token, and decides what the caller may do. All protocols use it.
 *
 *   secret ── SHA-256 ──► token ──► policies, roles, identities ──► Authorizer, compiled once for each
 *                                                                   set of them and shared
 *
 * `resolve` costs a hash and two look-ups while nothing changes. After a change of a token, policy or role, the
 * next `resolve` uses the new rules, in the same turn of the event loop. Listeners are called, so that parked
 * queries and streams check their callers again. Writes are in `admin.ts`.
 */

import { defaultNamespace, type ExplainedDenial, type RegistryError } from '@rollcall/protocol';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { RowChange } from '../registry/kinds.ts';
import { refused } from './access-error.ts';
import { Denials, subjectOf } from './denials.ts';
import { unrestricted, type Authorizer, type DefaultPolicy, type Resource, type Verb } from './authorizer.ts';
import type { Question } from './deciding-rule.ts';
import { ExpiryTimer } from './expiry-timer.ts';
import { shownNamespace } from './hidden-namespace.ts';
import { PermissionHolders, type Holders } from './holders.ts';
import type { Denial } from './reasons.ts';
import { hasEnded, hashSecret, type Token } from './records.ts';
import { counted, Rights } from './rights.ts';
import { AclStore, type AclChange } from './store.ts';
import { anonymousAccessor, anonymousSecret } from './well-known.ts';

export interface AclConfig {
  /** Off by default: every caller may do everything. */
  readonly enabled: boolean;
  /** Decides where no rule does; `deny` by default. */
  readonly defaultPolicy: DefaultPolicy;
  readonly datacenter: string;
  /** Secret of the token for requests that bring none; by default those get the anonymous token. */
  readonly defaultToken?: string;
}

export interface AclOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly config: AclConfig;
  /** Called for every denial by `authorize`, to count it. The audit log also records the address: see the README. */
  readonly onDenied?: (denial: Denial) => void;
  /** Called when tokens have expired. The server refuses them already; they may now be removed. */
  readonly onExpired?: (accessorIds: readonly string[]) => void;
}

/** The sender of a request. Valid until its listener is called. Keep this object, not the secret. */
export interface Caller {
  /** The token's public id; what to log. */
  readonly accessorId: string;
  /** Namespace of the token, and of each request that names none. */
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

/** Most callers kept; the least recently used one is dropped. */
const callersMax = 50_000;

export class Acl {
  readonly store: AclStore;
  /** Rights of tokens, for questions about them; a request goes by its caller's. */
  readonly rights: Rights;
  readonly #clock: Clock;
  readonly #config: AclConfig;
  readonly #onDenied: (denial: Denial) => void;
  readonly #callers = new LRUCache<string, Caller>(counted(callersMax));
  readonly #holders: PermissionHolders;
  readonly #denials: Denials;
  /** Listeners by the hash of their caller's secret. */
  readonly #listeners = new Map<string, { readonly namespace: string; readonly all: Set<() => void> }>();
  readonly #expiry: ExpiryTimer;
  #defaultHash: string;

  constructor({ registry, clock, config, onDenied = () => {}, onExpired = () => {} }: AclOptions) {
    this.store = new AclStore(registry.state);
    this.rights = new Rights(this.store, config);
    this.#holders = new PermissionHolders({ store: this.store, rights: this.rights, now: () => clock.now() });
    this.#denials = new Denials({ store: this.store, rights: this.rights, holders: this.#holders, defaultPolicy: config.defaultPolicy });
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

  /** The policy that decides where no rule does; it counts only while access control is on. */
  get defaultPolicy(): DefaultPolicy {
    return this.#config.defaultPolicy;
  }

  /** Call this once the registry has loaded its state, before the server answers requests. */
  start(): void {
    this.#watchExpiry(this.store.load());
  }

  close(): void {
    this.#expiry.close();
    this.#listeners.clear();
  }

  /** Call this with every applied batch of changes, as an observer of the replica. */
  observe(changes: readonly RowChange[]): void {
    const change = this.store.observe(changes);
    if (change === undefined) return;
    this.#holders.changed();
    this.#denials.changed();
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

  /** Call this when the whole state was replaced, as an observer of the replica. The first step recomputes every permission. */
  *replaced(): Generator<void, void, undefined> {
    this.#callers.clear();
    this.#holders.changed();
    this.#denials.changed();
    this.#expiry.clear();
    this.#watchExpiry(this.store.reload());
    yield;
    for (const { all } of [...this.#listeners.values()]) {
      for (const listener of [...all]) {
        // Other listeners may be removed between two steps.
        if (all.has(listener)) listener();
        yield;
      }
    }
  }

  /**
   * Calls the listener whenever the permissions of the caller may have changed: in the turn of the event loop in which
   * the change is applied, or within a second of the token's expiry. The listener should `refresh` the caller; it must
   * not throw.
   * @returns a function that removes the listener; it may be called more than once
   */
  onChange(caller: Caller, listener: () => void): () => void {
    const { secretHash, namespace } = caller;
    const listeners = this.#listeners.get(secretHash) ?? { namespace, all: new Set() };
    this.#listeners.set(secretHash, listeners);
    // A function that was added twice is called twice.
    const own = () => listener();
    listeners.all.add(own);
    return () => {
      if (!listeners.all.delete(own) || listeners.all.size > 0) return;
      if (this.#listeners.get(secretHash) === listeners) this.#listeners.delete(secretHash);
    };
  }

  /** Sets the token for later requests that bring none; undefined selects the anonymous token. */
  setDefaultToken(secret: string | undefined): void {
    this.#defaultHash = hashSecret(secret ?? anonymousSecret);
  }

  /**
   * Finds the caller that has this secret.
   * @param secret as the request brings it; undefined or empty when it brings none
   * @throws RegistryError `unauthenticated` (`ACL not found`) for the secret of no token, or of an expired one
   */
  resolve(secret: string | undefined): Caller {
    const caller = this.find(secret);
    if (caller === undefined) throw refused('unknown token');
    return caller;
  }

  /** Like `resolve`, but returns undefined for an unknown secret: creating an error for each wrong token is expensive. */
  find(secret: string | undefined): Caller | undefined {
    if (!this.#config.enabled) return unrestrictedCaller;
    return this.#findByHash(secret === undefined || secret === '' ? this.#defaultHash : hashSecret(secret));
  }

  /**
   * Returns the same caller with its present permissions.
   * @throws RegistryError `unauthenticated` if its token was deleted or has expired
   */
  refresh(caller: Caller): Caller {
    const found = this.#config.enabled ? this.#findByHash(caller.secretHash) : unrestrictedCaller;
    if (found === undefined) throw refused('unknown token');
    return found;
  }

  /**
   * Checks that the caller has a permission.
   * @param namespace of the request
   * @param name of the key, service, node …; absent for resources without names
   * @throws RegistryError `permission_denied`; its reason names the caller and the missing permission
   */
  authorize(caller: Caller, namespace: string, resource: Resource, verb: Verb, name = ''): void {
    if (!caller.authorizer.allows(namespace, resource, verb, name)) throw this.denied(caller, namespace, resource, verb, name);
  }

  /**
   * Checks that the caller may read or write the definition of a namespace.
   * @throws RegistryError `permission_denied`
   */
  authorizeNamespace(caller: Caller, namespace: string, verb: 'read' | 'write'): void {
    if (!caller.authorizer.allowsNamespace(namespace, verb)) throw this.denied(caller, defaultNamespace, 'operator', verb);
  }

  /** Creates the error for a missing permission, for checks that `authorize` cannot make; counts as a denial. */
  denied({ accessorId }: Caller, namespace: string, resource: Resource, verb: Verb, name = ''): RegistryError {
    const denial = { accessorId, namespace: shownNamespace(namespace), resource, verb, name };
    this.#onDenied(denial);
    return refused('lacks permission', denial);
  }

  /** The caller for people: the description of its token; empty without access control. */
  nameOf({ accessorId, secretHash }: Caller): string {
    if (!this.#config.enabled || secretHash === '') return '';
    return subjectOf(accessorId, this.store.tokenAnywhere(accessorId)?.description ?? '');
  }

  /**
   * Explains a denial: the rule that decides, and for callers that have brought a token who can grant the permission.
   * @returns undefined without access control, and if the token is gone
   */
  explain(denial: Denial): ExplainedDenial | undefined {
    if (!this.#config.enabled) return undefined;
    return this.#denials.explain(denial, this.#hasOwnToken(denial));
  }

  /** Who has a permission. @returns undefined without access control, and for callers that have brought no token */
  holders(caller: Caller, question: Question): Holders | undefined {
    return this.#config.enabled && this.#hasOwnToken(caller) ? this.#holders.of(question) : undefined;
  }

  #hasOwnToken({ accessorId }: Pick<Caller, 'accessorId'>): boolean {
    return accessorId !== anonymousAccessor && this.store.tokenAnywhere(accessorId)?.secretHash !== this.#defaultHash;
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
      authorizer: this.rights.authorizerOf(token),
      secretHash,
      expiresAtMs: token.expiresAtMs === 0 ? Infinity : token.expiresAtMs,
    };
  }

  /** A token of a login is valid while its auth method exists. A newer method of the same name does not count. */
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
    // A copy, since a listener may remove itself.
    if (listeners !== undefined) for (const listener of [...listeners]) listener();
  }
}

/** Whether a change of rules may concern the tokens of a namespace. */
function concerns(rules: ReadonlySet<string>, namespace: string): boolean {
  return rules.has(namespace) || rules.has(defaultNamespace);
}
