/** The shape of a namespace in requests (`api/namespace.go`, MPL-2.0). */

import { type Decoded, schema } from '../wire/decode.ts';

const links = { list: schema({ ID: 'string', Name: 'string' }) } as const;

/** `PUT /v1/namespace` and `PUT /v1/namespace/:name`. Clients may send back the other fields of an answer; they have no effect. */
export const namespaceBody = schema({
  Name: 'string',
  Description: 'string',
  ACLs: {
    object: schema(
      { PolicyDefaults: links, RoleDefaults: links },
      { policy_defaults: 'PolicyDefaults', role_defaults: 'RoleDefaults' },
    ),
  },
  Meta: 'string map',
  Partition: 'string',
  DeletedAt: 'json',
  CreateIndex: 'json',
  ModifyIndex: 'json',
});

export type NamespaceFields = Decoded<(typeof namespaceBody)['fields']>;
