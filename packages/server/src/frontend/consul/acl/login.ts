/** `/v1/acl/bootstrap`, `login` and `logout`: the ways to get a token without one; and `/v1/agent/token`. */

import { RegistryError } from '@rollcall/protocol';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { originOf } from '../request/authenticator.ts';
import { decodeBody, decodeOptionalBody } from '../request/body.ts';
import type { Call } from '../request/call.ts';
import { endpoint } from '../request/endpoint.ts';
import { permission } from '../request/permission.ts';
import { jsonBody } from '../request/query.ts';
import { agentOf } from '../request/virtual-agent.ts';
import { quoted } from '../wire/errors.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { trueBody } from '../wire/responses.ts';
import { tokenJson } from './acl-json.ts';
import { agentTokenBody, bootstrapBody, loginBody } from './definitions.ts';

/** `PUT /v1/acl/bootstrap`, once. The body may be empty. */
export const bootstrap = endpoint({
  decode: async (incoming) => {
    const { BootstrapSecret } = await decodeOptionalBody(incoming, bootstrapBody, 'Request decoding failed');
    return { secret: BootstrapSecret || undefined };
  },
  answer: async (wanted, { context, params }) => {
    const { token, secret } = await context.security.admin.bootstrap(wanted.secret);
    // Before Consul 1.4 the secret was the token's id.
    return jsonBody(params)({ ID: secret, ...tokenJson(context.registry.state, token, secret) });
  },
});

/** `POST /v1/acl/login` */
export const login = endpoint({
  decode: async (incoming) => {
    const fields = await decodeBody(incoming, loginBody, 'Failed to decode request body');
    const { AuthMethod: method = '', BearerToken: bearerToken = '', Meta: meta = {} } = fields;
    return { method, bearerToken, meta };
  },
  answer: async (wanted, { context, exchange, namespace, params }) => {
    const { security, registry } = context;
    const { token, secret } = await security.gate.prove(originOf(exchange.request), async () => {
      if (security.acl.store.method(namespace, wanted.method) === undefined) {
        throw new RegistryError('unauthenticated', `ACL not found: auth method ${quoted(wanted.method)} not found`);
      }
      return security.login.login({ namespace, ...wanted });
    });
    return jsonBody(params)(tokenJson(registry.state, token, secret));
  },
});

/** `POST /v1/acl/logout` */
export async function logout({ context, caller }: Call): Promise<Reply> {
  if (caller.accessorId === anonymousAccessor) {
    return { status: 401, body: Buffer.from('Supplied token does not exist'), type: 'text' };
  }
  await context.security.admin.logout(caller);
  return trueBody;
}

/** Tokens that Consul's agents use for their own requests; Rollcall makes no such requests. */
const agentTokens: readonly string[] = [
  ...['agent', 'agent_recovery', 'agent_master', 'replication', 'config_file_service_registration', 'dns'],
  ...['acl_agent_token', 'acl_agent_master_token', 'acl_replication_token'],
];

/**
 * `PUT /v1/agent/token/:kind`: only the default token has an effect, until the server restarts.
 * The others are accepted and ignored, since scripts that set up a datacenter set them, too.
 */
export const setAgentToken = endpoint({
  decode: async (incoming) => {
    const agent = agentOf(incoming.exchange.request, incoming.identity).name;
    const { Token = '' } = await decodeBody(incoming, agentTokenBody);
    return { agent, kind: unescapePath(incoming.rest), token: Token };
  },
  permissions: ({ agent }) => [permission('agent', 'write', agent)],
  answer: ({ kind, token }, { context: { security } }) => {
    if (kind === 'default' || kind === 'acl_token') security.acl.setDefaultToken(token || undefined);
    else if (!agentTokens.includes(kind)) throw new RegistryError('not_found', `Token ${quoted(kind)} is unknown`);
    return undefined;
  },
});
