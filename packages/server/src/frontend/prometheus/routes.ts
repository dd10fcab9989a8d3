/** The visible surface of this front end, as a table. */

import type { Access } from '../../security/access.ts';

export interface Route {
  readonly path: string;
  readonly methods: readonly string[];
  readonly access: Access;
}

export const routes: readonly Route[] = [
  { path: '/prometheus/v1/sd', methods: ['GET', 'HEAD'], access: { kind: 'filters', resources: ['service'] } },
];
