/** What a lock is used as, for people. Locks of clients that do not say are told apart by their shape. */

import type { LockPurpose } from './frame-lock.ts';

export interface LockShape {
  readonly purpose?: LockPurpose | undefined;
  readonly limit: number;
  readonly shared?: boolean | undefined;
  readonly holding: number;
}

/** `election`, `semaphore 2/3`, `read-write lock, shared by 4` */
export function kindOfLock({ purpose, limit, shared, holding }: LockShape): string {
  if (purpose === 'semaphore' || limit > 1) return `semaphore ${holding}/${limit}`;
  const name = purpose ?? 'lock';
  return shared === true ? `${name}, shared by ${holding}` : name;
}
