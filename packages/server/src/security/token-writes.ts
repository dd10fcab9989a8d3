/**
 * Tokens from requests to records: what may be created and changed, with Consul's checks and words
 * (`agent/consul/auth/token_writer.go` of 1.16). Pure: the submitter gives the time and the random ids.
 */

import { quote } from '../filter/go-string.ts';
import { duration } from './go-duration.ts';
import { readGrants, readRoleLinks, refused, type GrantsInput, type Link } from './grants.ts';
import { isUuid } from './names.ts';
import { hasEnded, hashSecret, type Token, type TokenValue } from './records.ts';
import type { AclStore } from './store.ts';
import { reservedIdPrefix } from './templates.ts';

export interface TokenInput extends GrantsInput {
  /** A new one when absent. */
  readonly accessorId?: string;
  /** A UUID; a new random one when absent. */
  readonly secret?: string;
  readonly description?: string;
  readonly roles?: readonly Link[];
  readonly local?: boolean;
  /** Milliseconds since the Unix epoch; not together with `ttlMs`. */
  readonly expiresAtMs?: number;
  /** Life from now on in milliseconds. */
  readonly ttlMs?: number;
}

export interface TokenWriteContext {
  readonly store: AclStore;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly uuid: () => string;
  /** Shortest life that a token may be given, in milliseconds. */
  readonly ttlMinMs: number;
}

export interface NewToken {
  readonly accessorId: string;
  /** To be shown once; it is kept nowhere. */
  readonly secret: string;
  readonly value: TokenValue;
}

/** @param method name of the auth method for a login; empty otherwise */
export function newToken(context: TokenWriteContext, input: TokenInput, method = ''): NewToken {
  const { store, now, uuid } = context;
  const accessorId = input.accessorId ?? uuid();
  if (input.accessorId !== undefined) checkId(store, input.accessorId, 'AccessorID');
  const secret = input.secret ?? uuid();
  if (input.secret !== undefined) checkId(store, input.secret, 'SecretID');
  const expiresAtMs = endOf(context, input);
  const value: TokenValue = {
    ...readGrants(store, input, 'token'),
    secretHash: hashSecret(secret),
    description: input.description ?? '',
    roles: readRoleLinks(store, input.roles ?? []),
    local: checkLocality(input),
    authMethod: method,
    createdAtMs: now,
    expiresAtMs,
  };
  return { accessorId, secret, value };
}

function checkId(store: AclStore, id: string, field: 'AccessorID' | 'SecretID'): void {
  if (id.startsWith(reservedIdPrefix)) {
    throw refused(`Invalid Token: ${field} - UUIDs with the prefix ${quote(reservedIdPrefix)} are reserved`);
  }
  if (!isUuid(id)) throw refused(`Invalid Token: ${field} - not a valid UUID`);
  if (store.token(id) !== undefined || store.tokenBySecretHash(hashSecret(id)) !== undefined) {
    throw refused(`Invalid Token: ${field} is already in use`);
  }
}

function checkLocality({ local = false, serviceIdentities = [] }: TokenInput): boolean {
  const wrong = serviceIdentities.find(({ datacenters }) => local && datacenters.length > 0);
  if (wrong !== undefined) {
    throw refused(`Service identity ${quote(wrong.service)} cannot specify a list of datacenters on a local token`);
  }
  return local;
}

function endOf({ now, ttlMinMs }: TokenWriteContext, { expiresAtMs = 0, ttlMs = 0 }: TokenInput): number {
  if (ttlMs < 0) throw refused(`Token Expiration TTL '${duration(ttlMs)}' should be > 0`);
  if (ttlMs > 0 && expiresAtMs !== 0) throw refused('Token Expiration TTL and Expiration Time cannot both be set');
  const end = ttlMs > 0 ? now + ttlMs : expiresAtMs;
  if (end === 0) return 0;
  const life = end - now;
  if (life < 0) throw refused('ExpirationTime cannot be before CreateTime');
  if (life < ttlMinMs) {
    throw refused(`ExpirationTime cannot be less than ${duration(ttlMinMs)} in the future (was ${duration(life)})`);
  }
  return end;
}

/**
 * A token with everything that may be changed changed. Id, secret, locality, auth method and end stay as they are.
 * @throws RegistryError `invalid_argument` when the input says otherwise
 */
export function changedToken({ store, now }: TokenWriteContext, token: Token | undefined, input: TokenInput): TokenValue {
  const accessorId = input.accessorId ?? token?.accessorId ?? '';
  if (!isUuid(accessorId)) throw refused('AccessorID is not a valid UUID');
  if (token === undefined || hasEnded(token, now)) throw refused(`Cannot find token ${quote(accessorId)}`);
  if (input.secret !== undefined && hashSecret(input.secret) !== token.secretHash) {
    throw refused("Changing a token's SecretID is not permitted");
  }
  if ((input.local ?? false) !== token.local) throw refused(`Cannot toggle local mode of ${accessorId}`);
  const end = input.expiresAtMs ?? token.expiresAtMs;
  if ((input.ttlMs ?? 0) !== 0 || end !== token.expiresAtMs) {
    throw refused(`Cannot change expiration time of ${accessorId}`);
  }
  const { secretHash, authMethod, createdAtMs, expiresAtMs } = token;
  return {
    ...readGrants(store, input, 'token'),
    roles: readRoleLinks(store, input.roles ?? []),
    description: input.description ?? '',
    local: checkLocality(input),
    ...{ secretHash, authMethod, createdAtMs, expiresAtMs },
  };
}

/** A new token that gives what another one gives. */
export function clonedToken({ now, uuid }: TokenWriteContext, token: Token, description: string | undefined): NewToken {
  if (token.authMethod !== '') throw refused('Cannot clone a token created from an auth method');
  const { accessorId: _, created: _created, modified: _modified, ...value } = token;
  const secret = uuid();
  const text = description === undefined || description === '' ? token.description : description;
  return {
    accessorId: uuid(),
    secret,
    value: { ...value, secretHash: hashSecret(secret), description: text, createdAtMs: now },
  };
}
