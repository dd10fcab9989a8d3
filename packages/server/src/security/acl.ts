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

import { defaultNamespace, isRegistryError, RegistryError } from '@rollcall/protocol';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { RowChange } from '../registry/rows.ts';
import { compileRules, unrestricted, type Authorizer, type DefaultPolicy, type Resource, type Verb } from './authorizer.ts';
import { refused } from './access-error.ts';
import type { Denial } from './reasons.ts';
import { ExpiryTimer } from './expiry-timer.ts';
import { hasEnded, hashSecret, type Grants, type Policy, type Token } from './records.ts';
import { parseRules } from './rule-text.ts';
import type { Rules } from './rules.ts';
import { AclStore, type AclChange } from './store.ts';
import { nodeIdentityRules, serviceIdentityRules, templateRules } from './templates.ts';
import { anonymousAccessor, anonymousSecret } from './well-known.ts';

export interface AclConfig {
  /** Off by default: everything is allowed to everybody. */
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
  readonly authorizer: Authorizer;
  /** SHA-256 of the token's secret; empty without access control. */
  readonly secretHash: string;
  /** Milliseconds since the Unix epoch; Infinity for never. */
  readonly expiresAtMs: number;
}

/** Everybody, when there is no access control. */
const everybody: Caller = {
  accessorId: anonymousAccessor,
  authorizer: unrestricted,
  secretHash: '',
  expiresAtMs: Infinity,
};

/** Callers that are remembered; the caller that asked for nothing longest makes room for a new one. */
const callersMax = 50_000;
/** Parsed rules of policies. */
const policiesMax = 10_000;
/** Compiled sets of policies. */
const authorizersMax = 1_000;

/** So many entries. A `max` would allocate the tables for all of them at once. */
const counted = (entries: number) => ({ maxSize: entries, sizeCalculation: () => 1 });

export class Acl {
  readonly store: AclStore;
  readonly #clock: Clock;
  readonly #config: AclConfig;
  readonly #onDenied: (denial: Denial) => void;
  readonly #callers = new LRUCache<string, Caller>(counted(callersMax));
  readonly #authorizers = new LRUCache<string, Authorizer>(counted(authorizersMax));
  readonly #rules = new LRUCache<string, { readonly modified: number; readonly rules: Rules }>(counted(policiesMax));
  /** Listeners by the hash of their caller's secret. */
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #expiry: ExpiryTimer;
  #defaultHash: string;

  constructor({ registry, clock, config, onDenied = () => {}, onExpired = () => {} }: AclOptions) {
    this.store = new AclStore(registry.state);
    this.#clock = clock;
    this.#config = config;
    this.#onDenied = onDenied;
    this.#defaultHash = hashSecret(config.defaultToken ?? anonymousSecret);
    this.#expiry = new ExpiryTimer(clock, (accessorIds) => {
      for (const accessorId of accessorIds) {
        const secretHash = this.store.token(accessorId)?.secretHash;
        if (secretHash !== undefined) this.#notify(this.#listeners.get(secretHash));
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
    if (change.rules) {
      this.#callers.clear();
      for (const listeners of [...this.#listeners.values()]) this.#notify(listeners);
      return;
    }
    for (const secretHash of change.secretHashes) {
      this.#callers.delete(secretHash);
      this.#notify(this.#listeners.get(secretHash));
    }
  }

  /** To be called when the whole state was replaced, as by an observer of the replica: the first step makes every answer anew. */
  *replaced(): Generator<void, void, undefined> {
    this.#callers.clear();
    this.#expiry.clear();
    this.#watchExpiry(this.store.reload());
    yield;
    for (const listeners of [...this.#listeners.values()]) {
      for (const listener of [...listeners]) {
        // Others end between two steps.
        if (listeners.has(listener)) listener();
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
    const { secretHash } = caller;
    const listeners = this.#listeners.get(secretHash) ?? new Set();
    this.#listeners.set(secretHash, listeners);
    // A function that listens twice is called twice.
    const own = () => listener();
    listeners.add(own);
    return () => {
      if (!listeners.delete(own) || listeners.size > 0) return;
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
   * @throws RegistryError `unauthenticated` (`ACL not found`) for a secret that nobody has, or no longer
   */
  resolve(secret: string | undefined): Caller {
    const caller = this.find(secret);
    if (caller === undefined) throw refused('unknown token');
    return caller;
  }

  /** The same, and undefined for a secret that nobody has: where many are wrong, an error for each is dear. */
  find(secret: string | undefined): Caller | undefined {
    if (!this.#config.enabled) return everybody;
    return this.#findByHash(secret === undefined || secret === '' ? this.#defaultHash : hashSecret(secret));
  }

  /**
   * The same caller with what it may do now.
   * @throws RegistryError `unauthenticated` when its token is gone
   */
  refresh(caller: Caller): Caller {
    const found = this.#config.enabled ? this.#findByHash(caller.secretHash) : everybody;
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
    const denial = { accessorId, namespace, resource, verb, name };
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
      authorizer: this.#authorizerOf(token),
      secretHash,
      expiresAtMs: token.expiresAtMs === 0 ? Infinity : token.expiresAtMs,
    };
  }

  /** Tokens of logins hold as long as their auth method, not one of the same name that came later. */
  #isVouchedFor({ authMethod, created }: Token): boolean {
    if (authMethod === '') return true;
    const method = this.store.method(authMethod);
    return method !== undefined && method.created < created;
  }

  #authorizerOf(token: Token): Authorizer {
    const roles = token.roles.map((id) => this.store.role(id)).filter((role) => role !== undefined);
    const grants = [token, ...roles].map((one) => this.#grantsHere(one));
    const policies = [...new Set(grants.flatMap((grant) => grant.policies))].sort();
    // With their revisions: who has the same rules as before keeps the same authorizer, and whoever holds it sees that.
    const key = JSON.stringify([
      policies.map((id) => [id, this.store.policy(id)?.modified ?? 0]),
      grants.flatMap((grant) => grant.serviceIdentities.map(({ service }) => service)),
      grants.flatMap((grant) => grant.nodeIdentities.map(({ node }) => node)),
      grants.flatMap((grant) => grant.templatedPolicies.map(({ template, name }) => [template, name])),
    ]);
    const known = this.#authorizers.get(key);
    if (known !== undefined) return known;
    const rules = [...policies.flatMap((id) => this.#rulesOf(id)), ...grants.flatMap(identityRules)];
    const placed = rules.map((one) => ({ namespace: defaultNamespace, rules: one }));
    const authorizer = compileRules(placed, this.#config.defaultPolicy);
    this.#authorizers.set(key, authorizer);
    return authorizer;
  }

  /** What of it holds in this datacenter. */
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

  #rulesOf(id: string): Rules[] {
    const policy = this.store.policy(id);
    if (policy === undefined) return [];
    if (policy.datacenters.length > 0 && !policy.datacenters.includes(this.#config.datacenter)) return [];
    const known = this.#rules.get(id);
    if (known?.modified === policy.modified) return [known.rules];
    const rules = readPolicy(policy);
    this.#rules.set(id, { modified: policy.modified, rules });
    return [rules];
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

function identityRules({ serviceIdentities, nodeIdentities, templatedPolicies }: Grants): Rules[] {
  return [
    ...serviceIdentities.map(({ service }) => serviceIdentityRules(service)),
    ...nodeIdentities.map(({ node }) => nodeIdentityRules(node)),
    ...templatedPolicies.map(({ template, name }) => templateRules(template, name)),
  ];
}

/** What cannot be read may hold a denial: whoever depends on it may do nothing. */
function readPolicy({ id, rules }: Policy): Rules {
  try {
    return parseRules(rules);
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    throw new RegistryError('internal', `the rules of policy ${id} cannot be read: ${error.message}`, { cause: error });
  }
}
