/**
 * The shapes of Consul's request bodies: fields, types, other spellings. Sources: the API reference
 * (https://developer.hashicorp.com/consul/api-docs) and the Go client's structs (`api/agent.go`,
 * `api/catalog.go`, MPL-2.0). What the values mean: `agent-definitions.ts`, `catalog-definitions.ts`.
 */

import { schema, type Decoded } from './decode.ts';

const address = schema({ Address: 'string', Port: 'int' });
const locality = schema({ Region: 'string', Zone: 'string' });
const weights = schema({ Passing: 'int', Warning: 'int' });
const connect = schema(
  { Native: 'bool', SidecarService: 'json', PeerMeta: 'json', Proxy: 'json' },
  { sidecar_service: 'SidecarService' },
);

/** What any check may say, wherever it is registered. */
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

/** A check inside of a service definition. Its `ServiceID` is the service's, whatever it says. */
export const serviceCheck = schema(
  { ...probe, CheckID: 'string', ServiceID: 'string', ProxyHTTP: 'string', ProxyGRPC: 'string' },
  { ...probeAliases, service_id: 'ServiceID' },
);

/** `PUT /v1/agent/check/register` */
export const agentCheck = schema(
  { ...probe, ID: 'string', ServiceID: 'string', Token: 'string' },
  { ...probeAliases, service_id: 'ServiceID' },
);

/** `PUT /v1/agent/service/register` */
export const agentService = schema(
  {
    Kind: 'string',
    ID: 'string',
    Name: 'string',
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

/** Of a catalog check nothing is run, so its definition is kept as it comes. */
const catalogCheck = schema(
  {
    Node: 'string',
    CheckID: 'string',
    Name: 'string',
    Status: 'string',
    Notes: 'string',
    Output: 'string',
    ServiceID: 'string',
    ServiceName: 'string',
    ServiceTags: 'strings',
    Type: 'string',
    Interval: 'string',
    Timeout: 'string',
    ExposedPort: 'int',
    PeerName: 'string',
    Definition: 'json',
    CreateIndex: 'json',
    ModifyIndex: 'json',
  },
  { service_id: 'ServiceID', service_name: 'ServiceName', check_id: 'CheckID' },
);

const catalogService = schema(
  {
    Kind: 'string',
    ID: 'string',
    Service: 'string',
    Tags: 'strings',
    Address: 'string',
    TaggedAddresses: { map: address },
    Meta: 'string map',
    Port: 'int',
    SocketPath: 'string',
    Weights: { object: weights },
    EnableTagOverride: 'bool',
    Locality: { object: locality },
    Proxy: 'json',
    Connect: { object: connect },
    PeerName: 'string',
    CreateIndex: 'json',
    ModifyIndex: 'json',
  },
  { enable_tag_override: 'EnableTagOverride', tagged_addresses: 'TaggedAddresses' },
);

/** `PUT /v1/catalog/register` */
export const catalogRegistration = schema({
  Datacenter: 'string',
  ID: 'string',
  Node: 'string',
  Address: 'string',
  TaggedAddresses: 'string map',
  NodeMeta: 'string map',
  Service: { object: catalogService },
  Check: { object: catalogCheck },
  Checks: { list: catalogCheck },
  Locality: { object: locality },
  SkipNodeUpdate: 'bool',
  PeerName: 'string',
  Token: 'string',
  CreateIndex: 'json',
  ModifyIndex: 'json',
});

/** `PUT /v1/catalog/deregister`; `Address` is obsolete, and still sent by old clients. */
export const catalogDeregistration = schema({
  Datacenter: 'string',
  Node: 'string',
  Address: 'string',
  ServiceID: 'string',
  CheckID: 'string',
  PeerName: 'string',
  Token: 'string',
});

/** `POST /v1/query`, `PUT /v1/query/:query`; what `Token` means: `prepared-query-token.ts`. */
export const preparedQuery = schema({
  ID: 'string',
  Name: 'string',
  Session: 'string',
  Token: 'string',
  Near: 'string',
  Template: { object: schema({ Type: 'string', Regexp: 'string', RemoveEmptyTags: 'bool' }) },
  Service: {
    object: schema({
      Service: 'string',
      SamenessGroup: 'string',
      Failover: {
        object: schema({
          NearestN: 'int',
          Datacenters: 'strings',
          Targets: { list: schema({ Peer: 'string', Datacenter: 'string' }) },
        }),
      },
      OnlyPassing: 'bool',
      IgnoreCheckIDs: 'strings',
      Near: 'string',
      Tags: 'strings',
      NodeMeta: 'string map',
      ServiceMeta: 'string map',
      Connect: 'bool',
      Peer: 'string',
    }),
  },
  DNS: { object: schema({ TTL: 'string' }) },
  CreateIndex: 'json',
  ModifyIndex: 'json',
});

/** `PUT /v1/coordinate/update` */
export const coordinateUpdate = schema({
  Datacenter: 'string',
  Node: 'string',
  Segment: 'string',
  Partition: 'string',
  Coord: { object: schema({ Vec: 'json', Error: 'json', Adjustment: 'json', Height: 'json' }) },
});

const edition = { Namespace: 'string', Partition: 'string' } as const;

/** An operation of `PUT /v1/txn`: exactly one of its fields. */
export const txnOperation = schema({
  KV: {
    object: schema({
      Verb: 'string',
      Key: 'string',
      Value: 'string',
      Flags: 'uint64',
      Index: 'uint64',
      Session: 'string',
      ...edition,
    }),
  },
  Node: {
    object: schema({
      Verb: 'string',
      Node: {
        object: schema({
          ID: 'string',
          Node: 'string',
          Address: 'string',
          Datacenter: 'string',
          TaggedAddresses: 'string map',
          Meta: 'string map',
          Locality: { object: locality },
          PeerName: 'string',
          CreateIndex: 'json',
          ModifyIndex: 'uint64',
          ...edition,
        }),
      },
    }),
  },
  Service: {
    object: schema({
      Verb: 'string',
      Node: 'string',
      Service: {
        object: schema({
          ...catalogService.fields,
          Datacenter: 'string',
          ContentHash: 'string',
          ModifyIndex: 'uint64',
          ...edition,
        }),
      },
      ...edition,
    }),
  },
  Check: {
    object: schema({
      Verb: 'string',
      Check: { object: schema({ ...catalogCheck.fields, ModifyIndex: 'uint64', ...edition }) },
    }),
  },
  Session: {
    object: schema({ Verb: 'string', Session: { object: schema({ ID: 'string' }, {}, 'ignored') } }),
  },
});

/** `PUT /v1/session/create`; the one body of which Consul ignores unknown fields. */
export const sessionRequest = schema(
  {
    ID: 'string',
    Name: 'string',
    Node: 'string',
    LockDelay: 'json',
    Behavior: 'string',
    TTL: 'string',
    NodeChecks: 'strings',
    ServiceChecks: { list: schema({ ID: 'string', Namespace: 'string' }, {}, 'ignored') },
    Checks: 'strings',
  },
  {},
  'ignored',
);

export type TxnOperationFields = Decoded<(typeof txnOperation)['fields']>;
export type PreparedQueryFields = Decoded<(typeof preparedQuery)['fields']>;
export type CheckFields = Decoded<typeof probe>;
export type ServiceCheckFields = Decoded<(typeof serviceCheck)['fields']>;
export type AgentCheckFields = Decoded<(typeof agentCheck)['fields']>;
export type AgentServiceFields = Decoded<(typeof agentService)['fields']>;
export type CatalogServiceFields = Decoded<(typeof catalogService)['fields']>;
export type CatalogCheckFields = Decoded<(typeof catalogCheck)['fields']>;
export type CatalogRegistrationFields = Decoded<(typeof catalogRegistration)['fields']>;
export type SessionFields = Decoded<(typeof sessionRequest)['fields']>;
