/** The shape of the body of `PUT /v1/session/create` (`api/session.go`, MPL-2.0). */

import { type Decoded, schema } from '../wire/decode.ts';

/** `PUT /v1/session/create`. As in Consul, this is the only body whose unknown fields are ignored. */
export const sessionRequest = schema(
  {
    ID: 'string',
    Name: 'string',
    Namespace: 'string',
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

export type SessionFields = Decoded<(typeof sessionRequest)['fields']>;
