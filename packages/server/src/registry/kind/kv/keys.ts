/** Record keys and buckets of the key/value store. */

import { orderedKey } from '../../row.ts';

export const kvBuckets = {
  /** Keys of a namespace that a session holds. */
  held: (namespace: string) => `held-keys\0${namespace}`,
} as const;

export const kvKey = (namespace: string, key: string) => orderedKey('kv', namespace, key);
export const tombstoneKey = (namespace: string, key: string) => orderedKey('tombstone', namespace, key);
export const delayKey = (namespace: string, key: string) => `delay\0${namespace}\0${key}`;
