/** The rows of generic records. */

import type { Json, Revisions } from '../../row.ts';

/** A generic record, for kinds that need no indexes (configuration, tokens, prepared queries). */
export interface RecordRow extends Revisions {
  readonly kind: 'record';
  /** `noNamespace` for records of the server itself and of nodes. */
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
  readonly value: Json;
}
