/** What a lock is used as, and who holds it, for people. Locks of clients that do not say are told apart by their shape. */

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

/** What is known of a contender of a lock. */
export interface NamedContender {
  readonly contender: string;
  readonly value?: string | undefined;
  readonly client?: string | undefined;
  readonly address?: string | undefined;
}

/** What a contender says of itself; of one that says nothing, its client and address; the beginning of its id if none of them is known. */
export function nameOfContender({ contender, value, client, address }: NamedContender): string {
  return value ?? ([client, address].filter((each) => each !== undefined && each !== '').join(' · ') || contender.slice(0, 8));
}
