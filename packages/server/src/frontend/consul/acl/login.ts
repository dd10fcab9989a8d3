/** `/v1/acl/bootstrap`, `login` and `logout`: how tokens are had without having one; and what tokens agents have. */

import { RegistryError } from '@rollcall/protocol';
import { readBody } from '../../../net/body.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import { originOf } from '../request/authenticator.ts';
import { decodeBody, decodeBytes } from '../request/body.ts';
import { type Call, demand } from '../request/call.ts';
import { jsonBody } from '../request/query.ts';
import { agentOf } from '../request/virtual-agent.ts';
import { quoted } from '../wire/errors.ts';
import { unescapePath } from '../wire/params.ts';
import type { Reply } from '../wire/reply.ts';
import { trueBody } from '../wire/responses.ts';
import { tokenJson } from './acl-json.ts';
import { agentTokenBody, bootstrapBody, loginBody } from './definitions.ts';

/** `PUT /v1/acl/bootstrap`, once. The body may be empty. */
export async function bootstrap({ context, exchange, params }: Call): Promise<Reply> {
  const bytes = await readBody(exchange.request, context.limits.bodyBytesMax);
  const fields = bytes.length === 0 ? {} : decodeBytes(bootstrapBody, bytes, 'Request decoding failed');
  const { token, secret } = await context.security.admin.bootstrap(fields.BootstrapSecret || undefined);
  // Before Consul 1.4 the secret was the token's id.
  return jsonBody(params)({ ID: secret, ...tokenJson(context.registry.state, token, secret) });
}

/** `POST /v1/acl/login` */
export async function login(call: Call): Promise<Reply> {
  const { context, exchange, params } = call;
  const { security, registry } = context;
  const fields = await decodeBody(call, loginBody, 'Failed to decode request body');
  const { AuthMethod: method = '', BearerToken: bearerToken = '', Meta: meta = {} } = fields;
  const { token, secret } = await security.gate.prove(originOf(exchange.request), async () => {
    if (security.acl.store.method(method) === undefined) {
      throw new RegistryError('unauthenticated', `ACL not found: auth method ${quoted(method)} not found`);
    }
    return security.login.login({ method, bearerToken, meta });
  });
  return jsonBody(params)(tokenJson(registry.state, token, secret));
}

/** `POST /v1/acl/logout` */
export async function logout({ context, caller }: Call): Promise<Reply> {
  if (caller.accessorId === anonymousAccessor) {
    return { status: 401, body: Buffer.from('Supplied token does not exist'), type: 'text' };
  }
  await context.security.admin.logout(caller);
  return trueBody;
}

/** Consul's agents have tokens for their own requests; ours make none. */
const agentTokens: readonly string[] = [
  ...['agent', 'agent_recovery', 'agent_master', 'replication', 'config_file_service_registration', 'dns'],
  ...['acl_agent_token', 'acl_agent_master_token', 'acl_replication_token'],
];

/**
 * `PUT /v1/agent/token/:kind`: only the default token has a meaning here, and only until the server restarts.
 * The others are taken, since scripts that set up a datacenter set them, too.
 */
export async function setAgentToken(call: Call): Promise<Reply> {
  const { context, exchange, rest } = call;
  const { acl } = context.security;
  demand(call, 'agent', 'write', agentOf(exchange.request, context.identity).name);
  const kind = unescapePath(rest);
  const { Token } = await decodeBody(call, agentTokenBody);
  if (kind === 'default' || kind === 'acl_token') acl.setDefaultToken(Token || undefined);
  else if (!agentTokens.includes(kind)) throw new RegistryError('not_found', `Token ${quoted(kind)} is unknown`);
  return undefined;
}
