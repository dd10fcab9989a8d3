/** The command about prepared queries. */

import type { PreparedQuery } from './rows.ts';

/** Writes a prepared query. */
export interface QueryPut {
  readonly kind: 'query-put';
  readonly namespace: string;
  readonly id: string;
  readonly query: PreparedQuery;
  /** It must exist: false when it does not, and nothing was written. */
  readonly update: boolean;
}
