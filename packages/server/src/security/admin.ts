/**
 * AclAdmin: writes of access control. Each write is a command to the registry that carries the revision on which it was
 * decided. So it goes through the ordered log, and of two concurrent writes neither overwrites the other unseen.
 *
 * It does not check the caller's permissions: the front end requires `acl:write` before it calls.
 */

import { createHash } from 'node:crypto';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { Json } from '../registry/row.ts';
import { type Acl, type Caller } from './acl.ts';
import { refused, type AccessError } from './access-error.ts';
import { bindingRuleValue, methodValue, type BindingRuleInput, type MethodInput } from './method-writes.ts';
import { readPolicyLinks, readRoleLinks, type Link } from './grants.ts';
import { isUuid } from './names.ts';
import { checkPolicyDeletion, policyValue, roleValue, type PolicyInput, type RoleInput } from './policy-writes.ts';
import { hasEnded, hashSecret, recordTypes, type AuthMethod, type BindingRule, type NamespaceDefaults, type Policy, type Role, type Token, type TokenValue } from './records.ts';
import { builtinPolicies, namespacePolicy } from './templates.ts';
import type { Thing } from './reasons.ts';
import { anonymousAccessor, anonymousSecret, managementPolicyId } from './well-known.ts';
import { changedToken, clonedToken, newToken, type NewToken, type TokenInput, type TokenWriteContext } from './token-writes.ts';

export interface AclAdminOptions {
  readonly acl: Acl;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Random UUIDs, for ids and for secrets. */
  readonly uuid: () => string;
  /**
   * Shortest lifetime of a token in milliseconds; Consul's default is one minute. There is no upper limit: Consul's
   * documentation gives 24 hours, but 1.16.4 accepts centuries, so tokens from Consul can be imported unchanged.
   */
  readonly ttlMinMs?: number;
  /**
   * Reads and clears the reset index, which an operator leaves to allow one more bootstrap after all management tokens
   * were lost; 0 if there is none. Consul reads it from a file in its data directory.
   */
  readonly takeResetIndex?: () => number;
}

export interface NamespaceDefaultsInput {
  readonly policies: readonly Link[];
  readonly roles: readonly Link[];
}

/** A token with its secret. The secret is shown only in the answer that creates it. */
export interface TokenWithSecret {
  readonly token: Token;
  readonly secret: string;
}

/** If the state changed meanwhile, a write is decided again, at most this many times. */
const attemptsMax = 10;

export class AclAdmin {
  readonly #acl: Acl;
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #uuid: () => string;
  readonly #ttlMinMs: number;
  readonly #takeResetIndex: () => number;
  /** Writes of named records run one after another, so that two of them cannot take one name. */
  #named: Promise<unknown> = Promise.resolve();

  constructor(options: AclAdminOptions) {
    this.#acl = options.acl;
    this.#registry = options.registry;
    this.#clock = options.clock;
    this.#uuid = options.uuid;
    this.#ttlMinMs = options.ttlMinMs ?? 60_000;
    this.#takeResetIndex = options.takeResetIndex ?? (() => 0);
  }

  /**
   * Creates the records that every registry needs: the built-in policies, the anonymous token, and a management token with
   * the secret from the configuration, if it has one. With such a token, bootstrap is over. Does nothing while access control is off.
   */
  async initialise(initialManagement?: string): Promise<void> {
    if (!this.#acl.enabled) return;
    const { store } = this.#acl;
    for (const { id, name, description, rules } of builtinPolicies) {
      const before = store.policy(defaultNamespace, id);
      if (before?.rules === rules) continue;
      const value = { name: before?.name ?? name, description, rules, datacenters: [] };
      await this.#put(defaultNamespace, recordTypes.policy, id, value, before?.modified ?? 0);
    }
    if (store.token(defaultNamespace, anonymousAccessor) === undefined) {
      const value = this.#builtinToken(anonymousSecret, 'Anonymous Token', []);
      await this.#put(defaultNamespace, recordTypes.token, anonymousAccessor, value, 0);
    }
    if (initialManagement === undefined || initialManagement === '') return;
    if (store.tokenBySecretHash(hashSecret(initialManagement)) !== undefined) return;
    const value = this.#builtinToken(initialManagement, 'Initial Management Token', [managementPolicyId]);
    // All nodes of a cluster derive the same id, so they create one record.
    const accessorId = uuidOf(`initial management ${value.secretHash}`);
    await this.#put(defaultNamespace, recordTypes.token, accessorId, value, 0);
    if (store.bootstrapRevision() === 0) await this.#put(defaultNamespace, recordTypes.bootstrap, 'bootstrap', { accessorId }, 0);
  }

  /**
   * Creates the first management token. It works once.
   * @param secret a UUID that the caller chooses; random when absent
   * @throws AccessError after the first call, unless an operator has left a reset index
   */
  async bootstrap(secret?: string): Promise<TokenWithSecret> {
    const { store } = this.#acl;
    const revision = store.bootstrapRevision();
    if (revision > 0) this.#checkReset(revision);
    if (secret !== undefined && !isUuid(secret)) throw refused('bad bootstrap secret');
    const chosen = secret ?? this.#uuid();
    if (store.tokenBySecretHash(hashSecret(chosen)) !== undefined) {
      throw refused('bootstrap secret taken');
    }
    const accessorId = this.#uuid();
    // The mark comes first: if the second write is lost, a reset is needed, but a second bootstrap cannot succeed.
    if (!(await this.#put(defaultNamespace, recordTypes.bootstrap, 'bootstrap', { accessorId }, revision))) {
      throw refused('bootstrap over', { resetIndex: store.bootstrapRevision() });
    }
    const value = this.#builtinToken(chosen, 'Bootstrap Token (Global Management)', [managementPolicyId]);
    await this.#put(defaultNamespace, recordTypes.token, accessorId, value, 0);
    return { token: this.#token(defaultNamespace, accessorId), secret: chosen };
  }

  #checkReset(revision: number): void {
    const given = this.#takeResetIndex();
    if (given === 0) throw refused('bootstrap over', { resetIndex: revision });
    if (given !== revision) throw refused('wrong reset index', { given, resetIndex: revision });
  }

  /** @param method the auth method, if a login creates the token */
  async createToken(namespace: string, input: TokenInput, method?: Pick<AuthMethod, 'namespace' | 'name'>): Promise<TokenWithSecret> {
    return this.#putNew(namespace, newToken(this.#context(namespace), input, method));
  }

  async updateToken(namespace: string, accessorId: string, input: TokenInput): Promise<Token> {
    await this.#decide(namespace, recordTypes.token, () => {
      const before = this.#acl.store.token(namespace, accessorId);
      return { id: accessorId, value: changedToken(this.#context(namespace), before, { ...input, accessorId }), cas: before?.modified ?? 0 };
    });
    return this.#token(namespace, accessorId);
  }

  async cloneToken(namespace: string, accessorId: string, description?: string): Promise<TokenWithSecret> {
    const token = this.#acl.store.token(namespace, accessorId);
    if (token === undefined || hasEnded(token, this.#clock.now())) throw missing('token');
    return this.#putNew(namespace, clonedToken(this.#context(namespace), token, description));
  }

  /** @param caller may not delete its own token; absent when the server itself deletes */
  async deleteToken(namespace: string, accessorId: string, caller?: Caller): Promise<void> {
    if (!isUuid(accessorId)) throw refused('bad accessor');
    if (accessorId === anonymousAccessor) throw refused('anonymous token stays');
    if (this.#acl.store.token(namespace, accessorId) === undefined) throw missing('token');
    if (caller?.accessorId === accessorId) throw refused('own token');
    await this.#delete(namespace, recordTypes.token, accessorId);
  }

  /** Deletes the token of a login. @throws RegistryError `permission_denied` for a token that no login created */
  async logout(caller: Caller): Promise<void> {
    const { namespace, accessorId } = caller;
    const token = this.#acl.store.token(namespace, accessorId);
    if (token === undefined) throw missing('token');
    if (token.authMethod === '') throw refused('not from a login');
    await this.#delete(namespace, recordTypes.token, accessorId);
  }

  /** Deletes expired tokens. Their callers are refused already. */
  async removeExpired(accessorIds: readonly string[]): Promise<void> {
    for (const accessorId of accessorIds) {
      const token = this.#acl.store.tokenAnywhere(accessorId);
      if (token !== undefined && hasEnded(token, this.#clock.now())) await this.#delete(token.namespace, recordTypes.token, accessorId);
    }
  }

  async putPolicy(namespace: string, input: PolicyInput): Promise<Policy> {
    const id = await this.#decideNamed(namespace, recordTypes.policy, () => {
      const { before, value } = policyValue(this.#acl.store, namespace, input);
      return { id: before?.id ?? this.#uuid(), value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.policy(namespace, id));
  }

  async deletePolicy(namespace: string, id: string): Promise<Policy> {
    const policy = this.#acl.store.policy(namespace, id);
    if (policy === undefined) throw missing('policy');
    checkPolicyDeletion(id);
    await this.#delete(namespace, recordTypes.policy, id);
    return policy;
  }

  async putRole(namespace: string, input: RoleInput): Promise<Role> {
    const id = await this.#decideNamed(namespace, recordTypes.role, () => {
      const { before, value } = roleValue(this.#acl.store, namespace, input);
      return { id: before?.id ?? this.#uuid(), value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.role(namespace, id));
  }

  async deleteRole(namespace: string, id: string): Promise<Role> {
    const role = this.#acl.store.role(namespace, id);
    if (role === undefined) throw missing('role');
    await this.#delete(namespace, recordTypes.role, id);
    return role;
  }

  async putMethod(namespace: string, input: MethodInput): Promise<AuthMethod> {
    await this.#decide(namespace, recordTypes.method, () => {
      const before = this.#acl.store.method(namespace, input.name);
      const value = methodValue(namespace, before, input, { ttlMinMs: this.#ttlMinMs });
      return { id: input.name, value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.method(namespace, input.name));
  }

  /** Removes an auth method with its binding rules and the tokens of its logins, as Consul does. */
  async deleteMethod(namespace: string, name: string): Promise<void> {
    const { store } = this.#acl;
    if (store.method(namespace, name) === undefined) throw missing('auth method');
    await this.#delete(namespace, recordTypes.method, name);
    for (const { id } of store.bindingRules(namespace, name)) await this.#delete(namespace, recordTypes.bindingRule, id);
    const tokens = store.tokensOfMethod({ namespace, name });
    await Promise.all(tokens.map((token) => this.#delete(token.namespace, recordTypes.token, token.accessorId)));
  }

  async putBindingRule(namespace: string, input: BindingRuleInput): Promise<BindingRule> {
    const id = await this.#decide(namespace, recordTypes.bindingRule, () => {
      const { before, value } = bindingRuleValue(this.#acl.store, namespace, input);
      return { id: before?.id ?? this.#uuid(), value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.bindingRule(namespace, id));
  }

  async deleteBindingRule(namespace: string, id: string): Promise<void> {
    if (this.#acl.store.bindingRule(namespace, id) === undefined) throw missing('binding rule');
    await this.#delete(namespace, recordTypes.bindingRule, id);
  }

  /**
   * Sets the policies and roles of the default namespace that a namespace adds to its tokens. They decide where the rules
   * of the token itself are silent.
   * @throws AccessError for a policy or role that does not exist
   */
  async putNamespaceDefaults(namespace: string, { policies, roles }: NamespaceDefaultsInput): Promise<void> {
    const { store } = this.#acl;
    await this.#decide(namespace, recordTypes.defaults, () => {
      const value: NamespaceDefaults = {
        policies: readPolicyLinks(store, defaultNamespace, policies),
        roles: readRoleLinks(store, defaultNamespace, roles),
      };
      return { id: 'defaults', value, cas: store.namespaceDefaults(namespace).modified };
    });
  }

  /**
   * Creates the policy that manages a new namespace, as Consul Enterprise does. An operator links tokens to it, and may
   * change or delete it like any other. Does nothing if it exists, or while access control is off.
   */
  async addManagementPolicy(namespace: string): Promise<void> {
    if (!this.#acl.enabled || this.#acl.store.policyByName(namespace, namespacePolicy.name) !== undefined) return;
    await this.putPolicy(namespace, namespacePolicy);
  }

  #context(namespace: string): TokenWriteContext {
    const { store } = this.#acl;
    return { store, namespace, now: this.#clock.now(), uuid: this.#uuid, ttlMinMs: this.#ttlMinMs };
  }

  async #putNew(namespace: string, { accessorId, secret, value }: NewToken): Promise<TokenWithSecret> {
    if (!(await this.#put(namespace, recordTypes.token, accessorId, value, 0))) throw refused('id taken', { field: 'accessor' });
    return { token: this.#token(namespace, accessorId), secret };
  }

  #builtinToken(secret: string, description: string, policies: readonly string[]): TokenValue {
    return {
      ...{ policies, roles: [], serviceIdentities: [], nodeIdentities: [], templatedPolicies: [] },
      ...{ description, secretHash: hashSecret(secret), local: false, authMethod: '' },
      createdAtMs: this.#clock.now(),
      expiresAtMs: 0,
    };
  }

  #token(namespace: string, accessorId: string): Token {
    return written(this.#acl.store.token(namespace, accessorId));
  }

  #decideNamed(namespace: string, type: string, make: () => { id: string; value: Json; cas: number }): Promise<string> {
    const done = this.#named.then(() => this.#decide(namespace, type, make));
    this.#named = done.catch(() => {});
    return done;
  }

  async #decide(namespace: string, type: string, make: () => { id: string; value: Json; cas: number }): Promise<string> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const { id, value, cas } = make();
      if (await this.#put(namespace, type, id, value, cas)) return id;
    }
    throw new RegistryError('aborted', `the ${type} was changed by another caller ${attemptsMax} times; try again`);
  }

  #put(namespace: string, type: string, id: string, value: Json, cas: number): Promise<boolean> {
    return this.#registry.submit({ kind: 'record-put', namespace, type, id, value, cas });
  }

  async #delete(namespace: string, type: string, id: string): Promise<void> {
    await this.#registry.submit({ kind: 'record-delete', namespace, type, id });
  }
}

function missing(what: Thing): AccessError {
  return refused('missing', { what });
}

/** The record just written. Fails if another caller has removed it meanwhile. */
function written<T>(record: T | undefined): T {
  if (record === undefined) throw new RegistryError('aborted', 'another caller removed the record right after it was written');
  return record;
}

/** A UUID (version 8, RFC 9562) derived from the text. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
