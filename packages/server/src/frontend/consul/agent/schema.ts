/**
 * The shapes of request bodies under `/v1/agent/`: fields, types, other spellings (`api/agent.go`, MPL-2.0, and
 * https://developer.hashicorp.com/consul/api-docs/agent). `definitions.ts` interprets them.
 */

import { address, connect, locality, weights } from '../catalog/schema.ts';
import { type Decoded, schema } from '../wire/decode.ts';

/** The fields that checks of every kind of definition have. */
const probe = {
  Name: 'string',
  Status: 'string',
  Notes: 'string',
  ScriptArgs: 'strings',
  HTTP: 'string',
  H2PING: 'string',
  H2PingUseTLS: 'bool',
  Header: 'headers',
  Method: 'string',
  Body: 'string',
  DisableRedirects: 'bool',
  TCP: 'string',
  TCPUseTLS: 'bool',
  UDP: 'string',
  Interval: 'duration',
  AliasNode: 'string',
  AliasService: 'string',
  DockerContainerID: 'string',
  Shell: 'string',
  GRPC: 'string',
  GRPCUseTLS: 'bool',
  /** Not in Consul. */
  MCP: 'string',
  OSService: 'string',
  TLSServerName: 'string',
  TLSSkipVerify: 'bool',
  Timeout: 'duration',
  TTL: 'duration',
  SuccessBeforePassing: 'int',
  FailuresBeforeWarning: 'int',
  FailuresBeforeCritical: 'int',
  DeregisterCriticalServiceAfter: 'duration',
  OutputMaxSize: 'int',
} as const;

const probeAliases = {
  args: 'ScriptArgs',
  script_args: 'ScriptArgs',
  deregister_critical_service_after: 'DeregisterCriticalServiceAfter',
  docker_container_id: 'DockerContainerID',
  tls_server_name: 'TLSServerName',
  tls_skip_verify: 'TLSSkipVerify',
  tcp_use_tls: 'TCPUseTLS',
  grpc_use_tls: 'GRPCUseTLS',
  h2ping_use_tls: 'H2PingUseTLS',
  disable_redirects: 'DisableRedirects',
} as const;

/** A check inside a service definition. Its `ServiceID` has no effect: the check belongs to the service. */
const serviceCheck = schema(
  { ...probe, CheckID: 'string', ServiceID: 'string', Namespace: 'string', ProxyHTTP: 'string', ProxyGRPC: 'string' },
  { ...probeAliases, service_id: 'ServiceID' },
);

/** `PUT /v1/agent/check/register` */
export const agentCheck = schema(
  { ...probe, ID: 'string', ServiceID: 'string', Namespace: 'string', Token: 'string' },
  { ...probeAliases, service_id: 'ServiceID' },
);

/** `PUT /v1/agent/service/register` */
export const agentService = schema(
  {
    Kind: 'string',
    ID: 'string',
    Name: 'string',
    Namespace: 'string',
    Tags: 'strings',
    Address: 'string',
    TaggedAddresses: { map: address },
    Meta: 'string map',
    Port: 'int',
    SocketPath: 'string',
    Check: { object: serviceCheck },
    Checks: { list: serviceCheck },
    Weights: { object: weights },
    Token: 'string',
    EnableTagOverride: 'bool',
    Locality: { object: locality },
    Proxy: 'json',
    Connect: { object: connect },
  },
  { enable_tag_override: 'EnableTagOverride', tagged_addresses: 'TaggedAddresses' },
);

/** `PUT /v1/agent/check/update/:id` */
export const checkUpdate = schema({ Status: 'string', Output: 'string' });

export type CheckFields = Decoded<typeof probe>;

export type ServiceCheckFields = Decoded<(typeof serviceCheck)['fields']>;

export type AgentCheckFields = Decoded<(typeof agentCheck)['fields']>;

export type AgentServiceFields = Decoded<(typeof agentService)['fields']>;
