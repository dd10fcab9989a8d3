/**
 * Converts requests for tokens to records: decides what may be created and changed. The checks are those of Consul
 * (`agent/consul/auth/token_writer.go` of 1.16). Pure: the caller passes the time and the random ids.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { refused } from './access-error.ts';
import { readGrants, readRoleLinks, type GrantsInput, type Link } from './grants.ts';
import { isUuid } from './names.ts';
import { hasEnded, hashSecret, type AuthMethod, type Token, type TokenValue } from './records.ts';
import type { AclStore } from './store.ts';
import { reservedIdPrefix } from './well-known.ts';

export interface TokenInput extends GrantsInput {
  /** Absent for a new random one. */
  readonly accessorId?: string;
  /** A UUID; a new random one when absent. */
  readonly secret?: string;
  readonly description?: string;
  readonly roles?: readonly Link[];
  readonly local?: boolean;
  /** Milliseconds since the Unix epoch; cannot be combined with `ttlMs`. */
  readonly expiresAtMs?: number;
  /** Lifetime from now on, in milliseconds. */
  readonly ttlMs?: number;
}

export interface TokenWriteContext {
  readonly store: AclStore;
  /** Namespace of the token. */
  readonly namespace: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly uuid: () => string;
  /** Shortest lifetime of a token, in milliseconds. */
  readonly ttlMinMs: number;
}

export interface NewToken {
  readonly accessorId: string;
  /** Shown once and not stored. */
  readonly secret: string;
  readonly value: TokenValue;
}

/** @param method the auth method, if a login creates the token; absent otherwise */
export function newToken(context: TokenWriteContext, input: TokenInput, method?: Pick<AuthMethod, 'namespace' | 'name'>): NewToken {
  const { store, namespace, now, uuid } = context;
  const accessorId = input.accessorId ?? uuid();
  if (input.accessorId !== undefined) checkId(store, input.accessorId, 'accessor');
  const secret = input.secret ?? uuid();
  if (input.secret !== undefined) checkId(store, input.secret, 'secret');
  const expiresAtMs = endOf(context, input);
  const value: TokenValue = {
    ...readGrants(store, namespace, input, 'token'),
    secretHash: hashSecret(secret),
    description: input.description ?? '',
    roles: readRoleLinks(store, namespace, input.roles ?? []),
    local: checkLocality(input),
    authMethod: method?.name ?? '',
    ...(method === undefined || method.namespace === defaultNamespace ? {} : { authMethodNamespace: method.namespace }),
    createdAtMs: now,
    expiresAtMs,
  };
  return { accessorId, secret, value };
}

function checkId(store: AclStore, id: string, field: 'accessor' | 'secret'): void {
  if (id.startsWith(reservedIdPrefix)) throw refused('id reserved', { field, prefix: reservedIdPrefix });
  if (!isUuid(id)) throw refused('id no UUID', { field });
  const isTaken = store.tokenAnywhere(id) !== undefined || store.tokenBySecretHash(hashSecret(id)) !== undefined;
  if (isTaken) throw refused('id taken', { field });
}

function checkLocality({ local = false, serviceIdentities = [] }: TokenInput): boolean {
  const wrong = serviceIdentities.find(({ datacenters }) => local && datacenters.length > 0);
  if (wrong !== undefined) throw refused('datacenters of a local token', { service: wrong.service });
  return local;
}

function endOf({ now, ttlMinMs }: TokenWriteContext, { expiresAtMs = 0, ttlMs = 0 }: TokenInput): number {
  if (ttlMs < 0) throw refused('ttl not positive', { ttlMs });
  if (ttlMs > 0 && expiresAtMs !== 0) throw refused('ttl and end');
  const end = ttlMs > 0 ? now + ttlMs : expiresAtMs;
  if (end === 0) return 0;
  const life = end - now;
  if (life < 0) throw refused('ends before its start');
  if (life < ttlMinMs) throw refused('ends too soon', { leastMs: ttlMinMs, lifeMs: life });
  return end;
}

/**
 * Applies the input to a token. Id, secret, locality, auth method and expiry cannot change.
 * @throws RegistryError `invalid_argument` if the input would change one of them
 */
export function changedToken({ store, namespace, now }: TokenWriteContext, token: Token | undefined, input: TokenInput): TokenValue {
  const accessorId = input.accessorId ?? token?.accessorId ?? '';
  if (!isUuid(accessorId)) throw refused('bad id', { what: 'token' });
  if (token === undefined || hasEnded(token, now)) throw refused('unknown id', { what: 'token', id: accessorId });
  if (input.secret !== undefined && hashSecret(input.secret) !== token.secretHash) {
    throw refused('secret fixed');
  }
  if ((input.local ?? false) !== token.local) throw refused('locality fixed', { accessorId });
  const end = input.expiresAtMs ?? token.expiresAtMs;
  if ((input.ttlMs ?? 0) !== 0 || end !== token.expiresAtMs) {
    throw refused('end fixed', { accessorId });
  }
  const { secretHash, authMethod, authMethodNamespace, createdAtMs, expiresAtMs } = token;
  return {
    ...readGrants(store, namespace, input, 'token'),
    roles: readRoleLinks(store, namespace, input.roles ?? []),
    description: input.description ?? '',
    local: checkLocality(input),
    ...{ secretHash, authMethod, createdAtMs, expiresAtMs },
    ...(authMethodNamespace === undefined ? {} : { authMethodNamespace }),
  };
}

/** A new token with the grants of another one. */
export function clonedToken({ now, uuid }: TokenWriteContext, token: Token, description: string | undefined): NewToken {
  if (token.authMethod !== '') throw refused('login token cloned');
  const { accessorId: _, namespace: _namespace, created: _created, modified: _modified, ...value } = token;
  const secret = uuid();
  const text = description === undefined || description === '' ? token.description : description;
  return {
    accessorId: uuid(),
    secret,
    value: { ...value, secretHash: hashSecret(secret), description: text, createdAtMs: now },
  };
}
