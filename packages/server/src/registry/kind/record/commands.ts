/** The commands about generic records. */

import type { Json } from '../../row.ts';

/** Writes a generic record; false when `cas` does not hold. */
export interface RecordPut {
  readonly kind: 'record-put';
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
  readonly value: Json;
  readonly cas?: number;
}

export interface RecordDelete {
  readonly kind: 'record-delete';
  readonly namespace: string;
  readonly type: string;
  readonly id: string;
}
