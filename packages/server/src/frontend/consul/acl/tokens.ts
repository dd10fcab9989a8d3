/** `/v1/acl/token` and `/v1/acl/tokens`: writes of `AclAdmin` with Consul's requests, answers and error texts. */

import { RegistryError } from '@rollcall/protocol';
import { recordTypes, type Token, tokenOf } from '../../../security/records.ts';
import type { TokenInput } from '../../../security/token-writes.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { decodeBody } from '../request/body.ts';
import type { Call } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { type Asked, jsonBody, type Query, restOf } from '../request/query.ts';
import { placed, type Scope, scopeIn } from '../request/scope.ts';
import { invalid } from '../wire/errors.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { readHead } from '../wire/request-head.ts';
import { expandedJson, tokenJson } from './acl-json.ts';
import { cloneBody, tokenBody, tokenInput } from './definitions.ts';
import { idOf, nothingToDelete, oneRecord, recordList, toWrite } from './records.ts';

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

/** Like Consul, answers a missing token with a 403, so that a client cannot distinguish it from one that it may not read. */
function noToken(): RegistryError {
  return new RegistryError('unauthenticated', 'token does not exist: ACL not found');
}

/** `GET /v1/acl/token/self`: the caller has the secret already. */
export function ownToken(call: Call): Reply {
  const { caller, context, exchange, params } = call;
  const { acl } = context.security;
  const token = acl.store.token(caller.namespace, caller.accessorId);
  const secret = params.get('token') || readHead(exchange.request).token;
  if (token === undefined || secret === '') throw noToken();
  return jsonBody(params)(placed(call, token, tokenJson(context.registry.state, token, secret)));
}

/** `PUT /v1/acl/token` */
export const createToken = endpoint({
  decode: async (incoming) => {
    const fields = await decodeBody(incoming, tokenBody, decodeFailed);
    return { scope: scopeIn(incoming, fields.Namespace), input: tokenInput(fields) };
  },
  permissions: toWrite,
  answer: async ({ scope, input }, { context, params }) => {
    const { token, secret } = await context.security.admin.createToken(scope.namespace, input);
    return jsonBody(params)(placed(scope, token, tokenJson(context.registry.state, token, secret)));
  },
});

const decodeFailed = 'Token decoding failed';

type TokenChange = { readonly scope: Scope } & (
  | { readonly kind: 'clone'; readonly id: string; readonly description: string | undefined }
  | { readonly kind: 'update'; readonly id: string; readonly input: TokenInput }
);

/** `PUT /v1/acl/token/:id` and `PUT /v1/acl/token/:id/clone` */
export const changeToken = endpoint({
  decode: async (incoming): Promise<TokenChange> => {
    const { rest } = incoming;
    if (rest.endsWith('/clone')) {
      const id = unescapePath(rest.slice(0, -'/clone'.length));
      const { Description } = await decodeBody(incoming, cloneBody, decodeFailed);
      return { scope: scopeIn(incoming, undefined), kind: 'clone', id, description: Description };
    }
    const id = restOf(incoming, 'token AccessorID');
    const fields = await decodeBody(incoming, tokenBody, decodeFailed);
    if (fields.AccessorID && fields.AccessorID !== id) throw invalid('Token Accessor ID in URL and payload do not match');
    return { scope: scopeIn(incoming, fields.Namespace), kind: 'update', id, input: tokenInput(fields) };
  },
  permissions: toWrite,
  answer: async (change, { context, params }) => {
    const { scope } = change;
    const { namespace } = scope;
    const { admin, acl } = context.security;
    const { state } = context.registry;
    if (change.kind === 'update') {
      const token = await admin.updateToken(namespace, change.id, change.input);
      return jsonBody(params)(placed(scope, token, tokenJson(state, token)));
    }
    if (acl.store.token(namespace, change.id) === undefined) throw noToken();
    const { token, secret } = await admin.cloneToken(namespace, change.id, change.description);
    return jsonBody(params)(placed(scope, token, tokenJson(state, token, secret)));
  },
});

/** `DELETE /v1/acl/token/:id` */
export const deleteToken = endpoint({
  decode: (incoming) => restOf(incoming, 'token AccessorID'),
  answer: async (id, { context, caller, namespace, params }) => {
    const { admin, acl } = context.security;
    const known = acl.store.token(namespace, id) !== undefined || id === anonymousAccessor;
    if (!known && isUuidLong(id)) throw nothingToDelete('token');
    await admin.deleteToken(namespace, id, caller);
    return jsonBody(params)(true);
  },
});

/** An id of another length gets another error. */
function isUuidLong(id: string): boolean {
  return id.length === 36;
}
