/** The shape of an operation of `PUT /v1/txn` (`api/txn.go`, MPL-2.0). `operations.ts` interprets it. */

import { catalogCheck, catalogService, locality } from '../catalog/schema.ts';
import { type Decoded, schema } from '../wire/decode.ts';

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

export type TxnOperationFields = Decoded<(typeof txnOperation)['fields']>;
