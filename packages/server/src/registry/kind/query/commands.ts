/** The commands about prepared queries. */

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

/** Deletes a prepared query; false when it does not exist. */
export interface QueryDelete {
  readonly kind: 'query-delete';
  readonly namespace: string;
  readonly id: string;
}
