/** Locks, semaphores and read/write locks: options, and the wait for a grant. */

import { RegistryError, frameLimits as limits, type LockPurpose } from '@rollcall/protocol';
import { checkKnown, checkRange, type OptionNames } from '../option-check.ts';
import type { Contenders } from './contenders.ts';
import { HeldLock } from './held-lock.ts';
import type { Lease, LeaseState } from './lease.ts';
import { leaseTiming, timingOf, type LeaseTiming } from './timing.ts';

export interface LockOptions extends LeaseTiming {
  /** Longest wait for the lock, in milliseconds; 0: only if it is free; without limit by default. */
  readonly wait?: number;
  /** Ends the wait. It does not end a lock that is held. */
  readonly signal?: AbortSignal | undefined;
  /** For observers: up to 1,024 characters. */
  readonly value?: string;
  /** Called with each state: `leading`, `uncertain`, `lost`, `released`. Must not throw. */
  readonly onState?: (state: LeaseState) => void;
}

const lockOptions: OptionNames<LockOptions> = { ...leaseTiming, wait: true, signal: true, value: true, onState: true };

/** What all contenders of a lock agree on. */
export interface LockShape {
  readonly name: string;
  readonly limit: number;
  readonly shared: boolean;
  /** For observers. */
  readonly purpose: LockPurpose;
}

/**
 * @throws RegistryError `deadline_exceeded` when it is not free in time, `resource_exhausted` beyond a limit of the registry, `permission_denied`,
 *   `failed_precondition` when others use the name with another limit, `invalid_argument`; the signal's reason
 */
export async function acquire(contenders: Contenders, shape: LockShape, options: LockOptions, where: string): Promise<HeldLock> {
  return new HeldLock(await granted(contenders, shape, options, where));
}

/** The contender of `acquire`, for elections. */
export async function granted(contenders: Contenders, { name, limit, shared, purpose }: LockShape, options: LockOptions, where: string): Promise<Lease> {
  checkKnown(options, lockOptions, where);
  const { wait = Infinity, signal, value, onState = () => {} } = options;
  checkName(name);
  checkRange(wait >= 0, 'wait', wait, 'a number of milliseconds, 0 or more');
  if (value !== undefined && value.length > limits.lockValueMax) throw new RegistryError('invalid_argument', `value has ${value.length} characters, the limit is ${limits.lockValueMax}`);
  const lease = contenders.add({ name, limit, shared, purpose, value, timing: timingOf(options), onState });
  if (await lease.acquire({ waitMs: wait, signal })) return lease;
  throw new RegistryError('deadline_exceeded', `${purpose} ${JSON.stringify(name)} was not free within ${wait} ms`);
}

/** Several holders at once, up to a limit. */
export class Semaphore {
  readonly #contenders: Contenders;
  readonly #shape: LockShape;
  readonly #defaults: LockOptions;

  /** `client.semaphore` calls this. */
  constructor(contenders: Contenders, name: string, limit: number, defaults: LockOptions) {
    checkRange(Number.isInteger(limit) && limit >= 1 && limit <= limits.lockHoldersMax, 'limit', limit, `1 to ${limits.lockHoldersMax}`);
    checkName(name);
    checkKnown(defaults, lockOptions, 'semaphore');
    this.#contenders = contenders;
    this.#shape = { name, limit, shared: false, purpose: 'semaphore' };
    this.#defaults = defaults;
  }

  /** @throws RegistryError as `client.lock` */
  acquire(options: LockOptions = {}): Promise<HeldLock> {
    return acquire(this.#contenders, this.#shape, { ...this.#defaults, ...options }, 'acquire');
  }
}

/** Many readers or one writer. Readers that come while a writer waits, wait behind it. */
export class ReadWriteLock {
  readonly #contenders: Contenders;
  readonly #name: string;
  readonly #defaults: LockOptions;

  /** `client.readWriteLock` calls this. */
  constructor(contenders: Contenders, name: string, defaults: LockOptions) {
    checkName(name);
    checkKnown(defaults, lockOptions, 'readWriteLock');
    this.#contenders = contenders;
    this.#name = name;
    this.#defaults = defaults;
  }

  /** Shares it with the other readers. @throws RegistryError as `client.lock` */
  read(options: LockOptions = {}): Promise<HeldLock> {
    return this.#acquire(true, options, 'read');
  }

  /** Has it alone. @throws RegistryError as `client.lock` */
  write(options: LockOptions = {}): Promise<HeldLock> {
    return this.#acquire(false, options, 'write');
  }

  #acquire(shared: boolean, options: LockOptions, where: string): Promise<HeldLock> {
    return acquire(this.#contenders, { name: this.#name, limit: 1, shared, purpose: 'read-write lock' }, { ...this.#defaults, ...options }, where);
  }
}

function checkName(name: string): void {
  if (typeof name === 'string' && name !== '' && name.length <= limits.lockNameMax && name.trim() === name && !/[\p{Cc}\p{Cs}]/u.test(name)) return;
  throw new RegistryError('invalid_argument', `the name of a lock is ${JSON.stringify(name)}; it must be 1 to ${limits.lockNameMax} characters without control characters or spaces at its ends`);
}
