/** `/v1/acl/token` and `/v1/acl/tokens`: what `AclAdmin` does, in Consul's requests, answers and words. */

import { RegistryError } from '@rollcall/protocol';
import { recordTypes, type Token, tokenOf } from '../../../security/records.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { decodeBody } from '../request/body.ts';
import type { Call } from '../request/call.ts';
import { type Asked, jsonBody, type Query, restOf } from '../request/query.ts';
import { invalid } from '../wire/errors.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { readHead } from '../wire/request-head.ts';
import { expandedJson, tokenJson } from './acl-json.ts';
import { cloneBody, tokenBody, tokenInput } from './definitions.ts';
import { idOf, nothingToDelete, oneRecord, recordList } from './records.ts';

const reading = {
  type: recordTypes.token,
  of: tokenOf,
  also: [recordTypes.policy, recordTypes.role],
} as const;

/** `GET /v1/acl/tokens?policy=&role=&authmethod=&servicename=` */
export function listTokens(asked: Asked): Query {
  const { params } = asked;
  const [policy, role] = [params.get('policy'), params.get('role')];
  const [method, service] = [params.get('authmethod'), params.get('servicename')];
  const wanted = (token: Token) =>
    (policy === '' || token.policies.includes(policy)) &&
    (role === '' || token.roles.includes(role)) &&
    (method === '' || token.authMethod === method) &&
    (service === '' || token.serviceIdentities.some((identity) => identity.service === service));
  const name = JSON.stringify([policy, role, method, service]);
  const choice = { name, wanted, key: (token: Token) => token.accessorId };
  return recordList(asked, reading, choice, (state, token) => tokenJson(state, token));
}

/** `GET /v1/acl/token/:id`, with `?expanded` */
export function readToken(asked: Asked): Query {
  const id = idOf(asked, 'token AccessorID');
  const expanded = isTrue(asked.params.get('expanded'));
  return oneRecord(
    asked,
    reading,
    { name: JSON.stringify([id, expanded]), is: (token) => token.accessorId === id, missing: noToken },
    (state, token) => ({
      ...tokenJson(state, token),
      ...(expanded ? expandedJson(state, token, asked.datacenter) : {}),
    }),
  );
}

function isTrue(text: string): boolean {
  return ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text);
}

/** Consul answers it with a 403, so that a client cannot tell it from a token that it may not read. */
function noToken(): RegistryError {
  return new RegistryError('unauthenticated', 'token does not exist: ACL not found');
}

/** `GET /v1/acl/token/self`: whoever asks has the secret already. */
export function ownToken({ caller, context, exchange, params }: Call): Reply {
  const { acl } = context.security;
  const token = acl.store.token(caller.accessorId);
  const secret = params.get('token') || readHead(exchange.request).token;
  if (token === undefined || secret === '') throw noToken();
  return jsonBody(params)(tokenJson(context.registry.state, token, secret));
}

/** `PUT /v1/acl/token` */
export async function createToken(call: Call): Promise<Reply> {
  const { context, params } = call;
  const fields = await decodeBody(call, tokenBody, 'Token decoding failed');
  const { token, secret } = await context.security.admin.createToken(tokenInput(fields));
  return jsonBody(params)(tokenJson(context.registry.state, token, secret));
}

/** `PUT /v1/acl/token/:id` and `PUT /v1/acl/token/:id/clone` */
export async function changeToken(call: Call): Promise<Reply> {
  const { context, params, rest } = call;
  const { admin, acl } = context.security;
  const { state } = context.registry;
  if (rest.endsWith('/clone')) {
    const id = unescapePath(rest.slice(0, -'/clone'.length));
    const { Description } = await decodeBody(call, cloneBody, 'Token decoding failed');
    if (acl.store.token(id) === undefined) throw noToken();
    const { token, secret } = await admin.cloneToken(id, Description);
    return jsonBody(params)(tokenJson(state, token, secret));
  }
  const id = restOf(call, 'token AccessorID');
  const fields = await decodeBody(call, tokenBody, 'Token decoding failed');
  if (fields.AccessorID && fields.AccessorID !== id) throw invalid('Token Accessor ID in URL and payload do not match');
  const token = await admin.updateToken(id, tokenInput(fields));
  return jsonBody(params)(tokenJson(state, token));
}

/** `DELETE /v1/acl/token/:id` */
export async function deleteToken(call: Call): Promise<Reply> {
  const { context, caller, params } = call;
  const { admin, acl } = context.security;
  const id = restOf(call, 'token AccessorID');
  const known = acl.store.token(id) !== undefined || id === anonymousAccessor;
  if (!known && isUuidLong(id)) throw nothingToDelete('token');
  await admin.deleteToken(id, caller);
  return jsonBody(params)(true);
}

/** Of another length it is refused in other words. */
function isUuidLong(id: string): boolean {
  return id.length === 36;
}
