/**
 * The gRPC probe: passing when `grpc.health.v1.Health/Check` answers SERVING. The target is
 * `host:port` for the server as a whole or `host:port/service`.
 */

import { Client, credentials, status as codes, type ServiceError } from '@grpc/grpc-js';
import type { CheckDefinition } from '@rollcall/protocol';
import { parseHostPort, type Resolve } from './address-policy.ts';
import { checkPath, decodeResponse, encodeRequest, type ServingStatus } from './grpc-health.ts';
import type { Address } from './lookup.ts';
import { userAgent, type Probe } from './probe.ts';

export function grpcProbe(resolve: Resolve): Probe {
  return async (definition, signal) => {
    const target = definition.grpc ?? '';
    const slash = target.indexOf('/');
    const authority = slash < 0 ? target : target.slice(0, slash);
    const service = slash < 0 ? '' : target.slice(slash + 1);
    const { host, port } = parseHostPort(authority);
    const addresses = await resolve(host);
    signal.throwIfAborted();
    const serving = await askAny(channelTargets(addresses, port), (channel) =>
      ask(channel, authority, service, definition, signal),
    );
    return serving === 'SERVING'
      ? { status: 'passing', output: `gRPC check ${target}: success` }
      : { status: 'critical', output: `gRPC check ${target}: status ${serving}` };
  };
}

/**
 * Targets in grpc-js' own scheme for addresses, so that it resolves nothing itself. One target can
 * carry only one family; the preferred one comes first.
 */
function channelTargets(addresses: readonly Address[], port: number): string[] {
  return [...new Set(addresses.map(({ family }) => family))].map((family) => {
    const own = addresses.filter((each) => each.family === family);
    const list = own.map(({ address }) => (family === 6 ? `[${address}]:${port}` : `${address}:${port}`));
    return `ipv${family}:${list.join(',')}`;
  });
}

/** The first answer; the next target is tried only when there is no connection to the one before. */
async function askAny(
  [channel = '', ...others]: readonly string[],
  askOne: (channel: string) => Promise<ServingStatus>,
): Promise<ServingStatus> {
  try {
    return await askOne(channel);
  } catch (error) {
    if (others.length === 0 || (error as Partial<ServiceError>).code !== codes.UNAVAILABLE) throw error;
    return askAny(others, askOne);
  }
}

async function ask(
  channel: string,
  authority: string,
  service: string,
  definition: CheckDefinition,
  signal: AbortSignal,
): Promise<ServingStatus> {
  const secure = { rejectUnauthorized: definition.tlsSkipVerify !== true };
  const client = new Client(
    channel,
    definition.grpcUseTls === true
      ? credentials.createSsl(null, null, null, secure)
      : credentials.createInsecure(),
    {
      'grpc.primary_user_agent': userAgent,
      'grpc.default_authority': authority,
      ...(definition.tlsServerName === undefined ? {} : { 'grpc.ssl_target_name_override': definition.tlsServerName }),
      // A connection of its own, to the address that passed the policy and nowhere else.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
    },
  );
  try {
    return await new Promise<ServingStatus>((resolved, reject) => {
      const call = client.makeUnaryRequest(
        checkPath,
        encodeRequest,
        decodeResponse,
        service,
        (error: ServiceError | null, serving?: ServingStatus) => {
          if (error !== null) reject(error);
          else resolved(serving ?? 'UNKNOWN');
        },
      );
      signal.addEventListener('abort', () => call.cancel(), { once: true });
    });
  } finally {
    client.close();
  }
}
