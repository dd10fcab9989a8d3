/**
 * The gate: the two calls that every front end makes for a request: first `enter`, which finds the caller, and at the end
 * `record`, which logs the action or refusal. It combines the callers of `acl.ts`, the limiter of wrong tokens and
 * the audit log, so that no front end can forget one of them. `Acl` decides what a caller may do.
 */

import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Acl, Caller } from './acl.ts';
import type { AuditEvent, AuditTrail } from './audit.ts';
import { refused } from './access-error.ts';
import { addressKey, type FailureLimiter } from './failure-limiter.ts';

/** The origin of a request, for the limiter and the audit log. */
export interface Origin {
  /** Address of the peer; empty for a Unix socket. */
  readonly address: string;
  /** Name of the front end: `consul`, `stream`, `admin`, `dns`. */
  readonly via: string;
}

/** Too many wrong tokens came from an address: answer 429 with `Retry-After`, or its equivalent in the protocol. */
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
  /** Without it there is no audit log. */
  readonly audit?: AuditTrail | undefined;
}

export class Gate {
  readonly acl: Acl;
  readonly #limiter: FailureLimiter;
  readonly #clock: Clock;
  readonly #audit: AuditTrail | undefined;
  readonly #refusals = new Map<number, TooManyFailures>();

  constructor({ acl, limiter, clock, audit }: GateOptions) {
    this.acl = acl;
    this.#limiter = limiter;
    this.#clock = clock;
    this.#audit = audit;
  }

  /**
   * Finds the caller of a request. While access control is off, the caller may do everything.
   * @param secret as the request brings it; undefined or empty when it brings none
   * @throws RegistryError `unauthenticated` (`ACL not found`); TooManyFailures
   */
  enter(secret: string | undefined, origin: Origin): Caller {
    const { acl } = this;
    if (secret === undefined || secret === '' || !acl.enabled) return acl.resolve(undefined);
    const caller = acl.find(secret);
    this.#judge(origin, caller?.accessorId);
    if (caller !== undefined) return caller;
    // Refusals by the limiter are not logged: an attack must not fill the log.
    this.record('unauthenticated', undefined, '', origin, 'an unknown token');
    throw refused('unknown token');
  }

  /**
   * Runs a login, whose proof is not one of our tokens. A failed login counts as a wrong token. While too many failures
   * come from an address, no login from it is tried, since the verification is expensive. The front end that answers the
   * request records it in the audit log.
   * @param attempt rejects with `unauthenticated` or `permission_denied` if the proof fails
   * @throws TooManyFailures, and every error of `attempt`
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
   * Records an action or a denial in the audit log. The action must contain no secrets and no values.
   * @param caller undefined if it is unknown
   * @param namespace of the request; empty for requests about none
   */
  record(kind: AuditEvent['kind'], caller: Caller | undefined, namespace: string, origin: Origin, action: string): void {
    // Each field by name: a spread took a twentieth of the time of a write.
    this.#audit?.record({ kind, accessorId: caller?.accessorId ?? '', namespace, address: origin.address, via: origin.via, action });
  }

  #judge({ address }: Origin, accessorId: string | undefined): void {
    const waitMs = this.#limiter.judge(addressKey(address), accessorId, this.#clock.monotonic());
    if (waitMs !== undefined) throw this.#tooMany(waitMs);
  }

  /** Cached by seconds: during an attack, creating errors with their stacks costs most. */
  #tooMany(waitMs: number): TooManyFailures {
    const seconds = Math.ceil(waitMs / 1_000);
    let error = this.#refusals.get(seconds);
    if (error === undefined) this.#refusals.set(seconds, (error = new TooManyFailures(seconds * 1_000)));
    return error;
  }
}
