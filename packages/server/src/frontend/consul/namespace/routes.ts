/** The part of the route table under `/v1/namespace`. */

import { filters, named, type Route, writes } from '../request/route.ts';
import { list, read, remove, write } from './namespace.ts';

const access = named('operator', 'write');

export const namespaceRoutes: readonly Route[] = [
  { path: '/v1/namespaces', methods: { GET: { read: list, access: filters('operator') } } },
  { path: '/v1/namespace', methods: { PUT: writes(write, access) } },
  {
    path: '/v1/namespace/:name',
    methods: {
      GET: { read, access: named('operator', 'read') },
      PUT: writes(write, access),
      DELETE: writes(remove, access),
    },
  },
];
