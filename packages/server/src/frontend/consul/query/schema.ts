/** The shape of request bodies under `/v1/query` (`api/prepared_query.go`, MPL-2.0). `definition.ts` interprets them. */

import { type Decoded, schema } from '../wire/decode.ts';

/** `POST /v1/query`, `PUT /v1/query/:query`; the meaning of `Token`: `token.ts`. */
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
      Namespace: 'string',
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

export type PreparedQueryFields = Decoded<(typeof preparedQuery)['fields']>;
