/** Record keys and buckets of locks and their contenders. */

export const lockKey = (namespace: string, name: string) => `lock\0${namespace}\0${name}`;
export const contenderKey = (namespace: string, name: string, id: string) => `lock-contender\0${namespace}\0${id}\0${name}`;

export const lockBuckets = {
  all: (namespace: string) => `locks\0${namespace}`,
  /** Contenders that hold a lock. */
  holders: (namespace: string, name: string) => `lock-holders\0${namespace}\0${name}`,
  /** Contenders that wait for it. */
  waiters: (namespace: string, name: string) => `lock-waiters\0${namespace}\0${name}`,
} as const;
