/** Why an instance is not chosen: what the parts that decide say of it. */

import type { InstanceStatus } from '@rollcall/protocol';
import type { BreakerState } from '../resilience/breaker.ts';
import type { EjectionReason } from '../resilience/ejection.ts';

/** Times are from now on, in milliseconds. */
export type Reason =
  /** `routing.select` does not take it. */
  | { readonly kind: 'selector' }
  /** It is not among the instances that this caller uses. */
  | { readonly kind: 'subset' }
  /** Requests like this one go to the canary, or all but to the canary. */
  | { readonly kind: 'canary' }
  /** Lower levels can take everything. */
  | { readonly kind: 'level'; readonly level: number }
  /** This zone gets nothing from this caller. */
  | { readonly kind: 'zone'; readonly zone: string }
  /** The key belongs to another group (zone, level). */
  | { readonly kind: 'key' }
  /** The registry says so, and others are better. */
  | { readonly kind: 'status'; readonly status: InstanceStatus }
  /** Its weight is 0, and others have more. */
  | { readonly kind: 'weight' }
  /** The balancer goes to another one: with this key, or always (`pickFirst`). */
  | { readonly kind: 'preference' }
  /** It took no connection. It is in again when a check, or a request that has no better place, finds that it does. */
  | { readonly kind: 'unreachable'; readonly checkInMs: number | undefined }
  /** It is left out for what happened to requests. */
  | { readonly kind: 'ejected'; readonly reason: EjectionReason; readonly forMs: number }
  /** Its circuit is open, or one request is out to try. */
  | { readonly kind: 'breaker'; readonly state: BreakerState; readonly forMs: number }
  /** It has as many requests in flight as it may have. */
  | { readonly kind: 'busy'; readonly inFlightMax: number };
