/**
 * The shapes of request bodies under `/v1/catalog/` and `/v1/coordinate/`: fields, types, other spellings (`api/catalog.go`,
 * MPL-2.0, and https://developer.hashicorp.com/consul/api-docs/catalog). `definitions.ts` interprets them.
 */

import { type Decoded, schema } from '../wire/decode.ts';

export const address = schema({ Address: 'string', Port: 'int' });

export const locality = schema({ Region: 'string', Zone: 'string' });

export const weights = schema({ Passing: 'int', Warning: 'int' });

export const connect = schema(
  { Native: 'bool', SidecarService: 'json', PeerMeta: 'json', Proxy: 'json' },
  { sidecar_service: 'SidecarService' },
);

/** The registry does not run catalog checks, so it stores their definition unchanged. */
export const catalogCheck = schema(
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
    Namespace: 'string',
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

export const catalogService = schema(
  {
    Kind: 'string',
    ID: 'string',
    Service: 'string',
    Namespace: 'string',
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
  Namespace: 'string',
  PeerName: 'string',
  Token: 'string',
});

/** `PUT /v1/coordinate/update` */
export const coordinateUpdate = schema({
  Datacenter: 'string',
  Node: 'string',
  Segment: 'string',
  Partition: 'string',
  Coord: { object: schema({ Vec: 'json', Error: 'json', Adjustment: 'json', Height: 'json' }) },
});

export type CatalogServiceFields = Decoded<(typeof catalogService)['fields']>;

export type CatalogCheckFields = Decoded<(typeof catalogCheck)['fields']>;

export type CatalogRegistrationFields = Decoded<(typeof catalogRegistration)['fields']>;
