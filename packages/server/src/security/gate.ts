/**
 * The gate: what every front end goes through with a request, in this order: who is asking (`enter`),
 * what was done or refused (`record`). It joins the callers of `acl.ts`, the limiter of wrong tokens and
 * the audit log, so that no front end can forget one of them. What a caller may do is asked of `Acl`.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Acl, Caller } from './acl.ts';
import type { Audit, AuditEvent } from './audit.ts';
import { refused } from './access-error.ts';
import { addressKey, type FailureLimiter } from './failure-limiter.ts';

/** Where a request comes from, for the limiter and the audit log. */
export interface Origin {
  /** Of the peer; a Unix socket has none. */
  readonly address: string;
  /** The front end: `consul`, `stream`, `admin`, `dns`. */
  readonly via: string;
}

/** Too many wrong tokens came from an address: a 429 with `Retry-After`, or what the protocol has for it. */
export class TooManyFailures extends RegistryError {
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    const seconds = Math.ceil(retryAfterMs / 1_000);
    super('resource_exhausted', `too many requests with wrong tokens came from this address; try again in ${seconds} s`);
    this.retryAfterMs = retryAfterMs;
  }
}

export interface GateOptions {
  readonly acl: Acl;
  readonly limiter: FailureLimiter;
  readonly clock: Clock;
  /** None keeps no audit log. */
  readonly audit?: Audit | undefined;
}

export class Gate {
  readonly acl: Acl;
  readonly #limiter: FailureLimiter;
  readonly #clock: Clock;
  readonly #audit: Audit | undefined;
  readonly #refusals = new Map<number, TooManyFailures>();

  constructor({ acl, limiter, clock, audit }: GateOptions) {
    this.acl = acl;
    this.#limiter = limiter;
    this.#clock = clock;
    this.#audit = audit;
  }

  /**
   * The caller of the request; without access control, one that may do everything.
   * @param secret as the request brings it; undefined or empty when it brings none
   * @throws RegistryError `unauthenticated` (`ACL not found`); TooManyFailures
   */
  enter(secret: string | undefined, origin: Origin): Caller {
    const { acl } = this;
    if (secret === undefined || secret === '' || !acl.enabled) return acl.resolve(undefined);
    const caller = acl.find(secret);
    this.#judge(origin, caller?.accessorId);
    if (caller !== undefined) return caller;
    // A caller that is slowed down is not logged again: an attack must not fill the log.
    this.#audit?.record({ ...origin, kind: 'unauthenticated', accessorId: '', namespace: '', action: 'an unknown token' });
    throw refused('unknown token');
  }

  /**
   * A proof that is no token of ours, a login: one that proves nothing counts as a wrong token, and while
   * too many come from an address none is looked at, since looking is what costs. The audit log hears of it
   * where the request is answered.
   * @param attempt rejects with `unauthenticated` or `permission_denied` for what proves nothing
   * @throws TooManyFailures, and whatever `attempt` rejects with
   */
  async prove<T>(origin: Origin, attempt: () => Promise<T>): Promise<T> {
    const waitMs = this.#limiter.waitMs(addressKey(origin.address), this.#clock.monotonic());
    if (waitMs !== undefined) throw this.#tooMany(waitMs);
    try {
      return await attempt();
    } catch (error) {
      if (!isRegistryError(error, 'unauthenticated') && !isRegistryError(error, 'permission_denied')) throw error;
      this.#judge(origin, undefined);
      throw error;
    }
  }

  /**
   * Writes into the audit log what was done or denied; the action holds no secrets and no values.
   * @param caller undefined when it is not known
   * @param namespace of the request; empty for requests about none
   */
  record(kind: AuditEvent['kind'], caller: Caller | undefined, namespace: string, origin: Origin, action: string): void {
    this.#audit?.record({ ...origin, kind, accessorId: caller?.accessorId ?? '', namespace, action });
  }

  #judge({ address }: Origin, accessorId: string | undefined): void {
    const waitMs = this.#limiter.judge(addressKey(address), accessorId, this.#clock.monotonic());
    if (waitMs !== undefined) throw this.#tooMany(waitMs);
  }

  /** Made once for each number of seconds: under attack, errors with their stacks are what costs most. */
  #tooMany(waitMs: number): TooManyFailures {
    const seconds = Math.ceil(waitMs / 1_000);
    let error = this.#refusals.get(seconds);
    if (error === undefined) this.#refusals.set(seconds, (error = new TooManyFailures(seconds * 1_000)));
    return error;
  }
}
