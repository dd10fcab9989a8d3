/** Why an instance is not chosen: the reasons that the deciding parts give. */

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
  /** Its status in the registry, when others have a better one. */
  | { readonly kind: 'status'; readonly status: InstanceStatus }
  /** Its weight is 0, and others have more. */
  | { readonly kind: 'weight' }
  /** The balancer goes to another one: with this key, or always (`pickFirst`). */
  | { readonly kind: 'preference' }
  /** It accepted no connection. It is in again when a check, or a request without a better endpoint, connects to it. */
  | { readonly kind: 'unreachable'; readonly checkInMs: number | undefined }
  /** It is left out because of failed requests or a pause that it asked for. */
  | { readonly kind: 'ejected'; readonly reason: EjectionReason; readonly forMs: number }
  /** Its circuit is open, or half-open with one trial request under way. */
  | { readonly kind: 'breaker'; readonly state: BreakerState; readonly forMs: number }
  /** It has as many requests in flight as it may have. */
  | { readonly kind: 'busy'; readonly inFlightMax: number };
