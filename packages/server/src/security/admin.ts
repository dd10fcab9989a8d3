/**
 * AclAdmin: writes of access control. Each becomes a command to the registry, with the revision that it was
 * decided on, so that it goes through the ordered log and two of them never lose one another.
 *
 * Whether the caller may is not asked here: the front end demands `acl:write` first.
 */

import { createHash } from 'node:crypto';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { Json } from '../registry/rows.ts';
import { type Acl, type Caller } from './acl.ts';
import { refused, type AccessError } from './access-error.ts';
import { bindingRuleValue, methodValue, type BindingRuleInput, type MethodInput } from './method-writes.ts';
import { isUuid } from './names.ts';
import { checkPolicyDeletion, policyValue, roleValue, type PolicyInput, type RoleInput } from './policy-writes.ts';
import { hasEnded, hashSecret, recordTypes, type AuthMethod, type BindingRule, type Policy, type Role, type Token, type TokenValue } from './records.ts';
import { builtinPolicies } from './templates.ts';
import type { Thing } from './reasons.ts';
import { anonymousAccessor, anonymousSecret, managementPolicyId } from './well-known.ts';
import { changedToken, clonedToken, newToken, type NewToken, type TokenInput, type TokenWriteContext } from './token-writes.ts';

export interface AclAdminOptions {
  readonly acl: Acl;
  readonly registry: Registry;
  readonly clock: Clock;
  /** Random; secrets are made with it, too. */
  readonly uuid: () => string;
  /**
   * Shortest life that a token may be given in milliseconds; Consul's default is one minute. There is no longest: Consul's
   * documentation has one of 24 hours, but 1.16.4 takes centuries, and so what people have made there can be copied.
   */
  readonly ttlMinMs?: number;
  /**
   * What an operator who lost every management token has left for the next bootstrap, once; 0 for nothing.
   * Consul reads it from a file in its data directory.
   */
  readonly takeResetIndex?: () => number;
}

/** A token with its secret, which is shown this one time. */
export interface TokenWithSecret {
  readonly token: Token;
  readonly secret: string;
}

/** A write decided on a state that changed meanwhile is decided again, so often. */
const attemptsMax = 10;

export class AclAdmin {
  readonly #acl: Acl;
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #uuid: () => string;
  readonly #ttlMinMs: number;
  readonly #takeResetIndex: () => number;
  /** Named things are written one after another, so that two of them cannot take one name. */
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
   * Makes what must be there: the built-in policies, the anonymous token, and a management token with a
   * secret from the configuration, which also ends the time for a bootstrap. Does nothing without access control.
   */
  async initialise(initialManagement?: string): Promise<void> {
    if (!this.#acl.enabled) return;
    const { store } = this.#acl;
    for (const { id, name, description, rules } of builtinPolicies) {
      const before = store.policy(id);
      if (before?.rules === rules) continue;
      const value = { name: before?.name ?? name, description, rules, datacenters: [] };
      await this.#put(recordTypes.policy, id, value, before?.modified ?? 0);
    }
    if (store.token(anonymousAccessor) === undefined) {
      const value = this.#builtinToken(anonymousSecret, 'Anonymous Token', []);
      await this.#put(recordTypes.token, anonymousAccessor, value, 0);
    }
    if (initialManagement === undefined || initialManagement === '') return;
    if (store.tokenBySecretHash(hashSecret(initialManagement)) !== undefined) return;
    const value = this.#builtinToken(initialManagement, 'Initial Management Token', [managementPolicyId]);
    // Every node of a cluster makes the same record of it.
    const accessorId = uuidOf(`initial management ${value.secretHash}`);
    await this.#put(recordTypes.token, accessorId, value, 0);
    if (store.bootstrapRevision() === 0) await this.#put(recordTypes.bootstrap, 'bootstrap', { accessorId }, 0);
  }

  /**
   * The first management token; works once.
   * @param secret a UUID of the caller's choice; random when absent
   * @throws AccessError after the first one, unless an operator allows another
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
    // First the mark: if the second write is lost, a reset is needed, but nobody gets a second token.
    if (!(await this.#put(recordTypes.bootstrap, 'bootstrap', { accessorId }, revision))) {
      throw refused('bootstrap over', { resetIndex: store.bootstrapRevision() });
    }
    const value = this.#builtinToken(chosen, 'Bootstrap Token (Global Management)', [managementPolicyId]);
    await this.#put(recordTypes.token, accessorId, value, 0);
    return { token: this.#token(accessorId), secret: chosen };
  }

  #checkReset(revision: number): void {
    const given = this.#takeResetIndex();
    if (given === 0) throw refused('bootstrap over', { resetIndex: revision });
    if (given !== revision) throw refused('wrong reset index', { given, resetIndex: revision });
  }

  /** @param method name of the auth method when a login makes the token */
  async createToken(input: TokenInput, method = ''): Promise<TokenWithSecret> {
    return this.#putNew(newToken(this.#context(), input, method));
  }

  async updateToken(accessorId: string, input: TokenInput): Promise<Token> {
    await this.#decide(recordTypes.token, () => {
      const before = this.#acl.store.token(accessorId);
      return { id: accessorId, value: changedToken(this.#context(), before, { ...input, accessorId }), cas: before?.modified ?? 0 };
    });
    return this.#token(accessorId);
  }

  async cloneToken(accessorId: string, description?: string): Promise<TokenWithSecret> {
    const token = this.#acl.store.token(accessorId);
    if (token === undefined || hasEnded(token, this.#clock.now())) throw missing('token');
    return this.#putNew(clonedToken(this.#context(), token, description));
  }

  /** @param caller who may not cut the branch that it sits on; absent for the server's own work */
  async deleteToken(accessorId: string, caller?: Caller): Promise<void> {
    if (!isUuid(accessorId)) throw refused('bad accessor');
    if (accessorId === anonymousAccessor) throw refused('anonymous token stays');
    if (this.#acl.store.token(accessorId) === undefined) throw missing('token');
    if (caller?.accessorId === accessorId) throw refused('own token');
    await this.#delete(recordTypes.token, accessorId);
  }

  /** Ends the token of a login. @throws RegistryError `permission_denied` for a token that no login made */
  async logout(caller: Caller): Promise<void> {
    const token = this.#acl.store.token(caller.accessorId);
    if (token === undefined) throw missing('token');
    if (token.authMethod === '') throw refused('not from a login');
    await this.#delete(recordTypes.token, caller.accessorId);
  }

  /** Removes tokens that have reached their end, which nobody can use any more anyway. */
  async removeExpired(accessorIds: readonly string[]): Promise<void> {
    for (const accessorId of accessorIds) {
      const token = this.#acl.store.token(accessorId);
      if (token !== undefined && hasEnded(token, this.#clock.now())) await this.#delete(recordTypes.token, accessorId);
    }
  }

  async putPolicy(input: PolicyInput): Promise<Policy> {
    const id = await this.#decideNamed(recordTypes.policy, () => {
      const { before, value } = policyValue(this.#acl.store, input);
      return { id: before?.id ?? this.#uuid(), value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.policy(id));
  }

  async deletePolicy(id: string): Promise<Policy> {
    const policy = this.#acl.store.policy(id);
    if (policy === undefined) throw missing('policy');
    checkPolicyDeletion(id);
    await this.#delete(recordTypes.policy, id);
    return policy;
  }

  async putRole(input: RoleInput): Promise<Role> {
    const id = await this.#decideNamed(recordTypes.role, () => {
      const { before, value } = roleValue(this.#acl.store, input);
      return { id: before?.id ?? this.#uuid(), value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.role(id));
  }

  async deleteRole(id: string): Promise<Role> {
    const role = this.#acl.store.role(id);
    if (role === undefined) throw missing('role');
    await this.#delete(recordTypes.role, id);
    return role;
  }

  async putMethod(input: MethodInput): Promise<AuthMethod> {
    await this.#decide(recordTypes.method, () => {
      const before = this.#acl.store.method(input.name);
      const value = methodValue(before, input, { ttlMinMs: this.#ttlMinMs });
      return { id: input.name, value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.method(input.name));
  }

  /** Removes an auth method with its binding rules and the tokens of its logins, as Consul does. */
  async deleteMethod(name: string): Promise<void> {
    if (this.#acl.store.method(name) === undefined) throw missing('auth method');
    await this.#delete(recordTypes.method, name);
    for (const { id } of this.#acl.store.bindingRules(name)) await this.#delete(recordTypes.bindingRule, id);
    const tokens = this.#acl.store.tokens().filter(({ authMethod }) => authMethod === name);
    await Promise.all(tokens.map(({ accessorId }) => this.#delete(recordTypes.token, accessorId)));
  }

  async putBindingRule(input: BindingRuleInput): Promise<BindingRule> {
    const id = await this.#decide(recordTypes.bindingRule, () => {
      const { before, value } = bindingRuleValue(this.#acl.store, input);
      return { id: before?.id ?? this.#uuid(), value, cas: before?.modified ?? 0 };
    });
    return written(this.#acl.store.bindingRule(id));
  }

  async deleteBindingRule(id: string): Promise<void> {
    if (this.#acl.store.bindingRule(id) === undefined) throw missing('binding rule');
    await this.#delete(recordTypes.bindingRule, id);
  }

  #context(): TokenWriteContext {
    const { store } = this.#acl;
    return { store, now: this.#clock.now(), uuid: this.#uuid, ttlMinMs: this.#ttlMinMs };
  }

  async #putNew({ accessorId, secret, value }: NewToken): Promise<TokenWithSecret> {
    if (!(await this.#put(recordTypes.token, accessorId, value, 0))) throw refused('id taken', { field: 'accessor' });
    return { token: this.#token(accessorId), secret };
  }

  #builtinToken(secret: string, description: string, policies: readonly string[]): TokenValue {
    return {
      ...{ policies, roles: [], serviceIdentities: [], nodeIdentities: [], templatedPolicies: [] },
      ...{ description, secretHash: hashSecret(secret), local: false, authMethod: '' },
      createdAtMs: this.#clock.now(),
      expiresAtMs: 0,
    };
  }

  #token(accessorId: string): Token {
    return written(this.#acl.store.token(accessorId));
  }

  #decideNamed(type: string, make: () => { id: string; value: Json; cas: number }): Promise<string> {
    const done = this.#named.then(() => this.#decide(type, make));
    this.#named = done.catch(() => {});
    return done;
  }

  async #decide(type: string, make: () => { id: string; value: Json; cas: number }): Promise<string> {
    for (let attempt = 1; attempt <= attemptsMax; attempt++) {
      const { id, value, cas } = make();
      if (await this.#put(type, id, value, cas)) return id;
    }
    throw new RegistryError('aborted', `the ${type} was changed by somebody else ${attemptsMax} times; try again`);
  }

  #put(type: string, id: string, value: Json, cas: number): Promise<boolean> {
    return this.#registry.submit({ kind: 'record-put', namespace: defaultNamespace, type, id, value, cas });
  }

  async #delete(type: string, id: string): Promise<void> {
    await this.#registry.submit({ kind: 'record-delete', namespace: defaultNamespace, type, id });
  }
}

function missing(what: Thing): AccessError {
  return refused('missing', { what });
}

/** What was just written, unless somebody was quick to remove it. */
function written<T>(record: T | undefined): T {
  if (record === undefined) throw new RegistryError('aborted', 'what was written was removed by somebody else at once');
  return record;
}

/** A UUID (version 8, RFC 9562) that follows from the text. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
