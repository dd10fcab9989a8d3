/**
 * The gRPC probe: passing when `grpc.health.v1.Health/Check` answers SERVING. The target is
 * `host:port` for the server as a whole or `host:port/service`.
 */

import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Client, credentials, status as codes, type ChannelCredentials, type ServiceError } from '@grpc/grpc-js';
import type { CheckDefinition } from '@rollcall/protocol';
import { parseHostPort, type Resolve } from '../../outbound/address-policy.ts';
import { checkPath, decodeResponse, encodeRequest, type ServingStatus } from './grpc-health.ts';
import type { Address } from '../../outbound/lookup.ts';
import { userAgent } from '../../outbound/http-request.ts';
import type { Probe } from './probe.ts';

/** @param trust certificate authorities; the well-known ones by default */
export function grpcProbe(resolve: Resolve, trust?: SecureContext): Probe {
  return async (definition, signal) => {
    const target = definition.grpc ?? '';
    const slash = target.indexOf('/');
    const authority = slash < 0 ? target : target.slice(0, slash);
    const service = slash < 0 ? '' : target.slice(slash + 1);
    const { host, port } = parseHostPort(authority);
    const addresses = await resolve(host);
    signal.throwIfAborted();
    const secure = credentialsOf(definition, trust);
    const name = tlsName(definition, host);
    const serving = await askAny(channelTargets(addresses, port), (channel) =>
      ask(channel, { authority, service, signal, credentials: secure, ...name }),
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

/** The first answer; tries the next target only if the one before refuses connections. */
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

function credentialsOf(definition: CheckDefinition, trust: SecureContext | undefined): ChannelCredentials {
  if (definition.grpcUseTls !== true) return credentials.createInsecure();
  const verify = { rejectUnauthorized: definition.tlsSkipVerify !== true };
  return trust === undefined ? credentials.createSsl(null, null, null, verify) : credentials.createFromSecureContext(trust, verify);
}

/** The name for SNI and the certificate. The channel itself has addresses only; an address as target is verified as an address. */
function tlsName({ tlsServerName }: CheckDefinition, host: string): { readonly verifiedName?: string } {
  if (tlsServerName !== undefined) return { verifiedName: tlsServerName };
  return isIP(host) === 0 ? { verifiedName: host } : {};
}

interface Question {
  readonly authority: string;
  readonly service: string;
  readonly credentials: ChannelCredentials;
  readonly verifiedName?: string;
  readonly signal: AbortSignal;
}

async function ask(channel: string, { authority, service, credentials: secure, verifiedName, signal }: Question): Promise<ServingStatus> {
  const client = new Client(
    channel,
    secure,
    {
      'grpc.primary_user_agent': userAgent,
      'grpc.default_authority': authority,
      ...(verifiedName === undefined ? {} : { 'grpc.ssl_target_name_override': verifiedName }),
      // A new connection, only to the address that passed the policy.
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
