/** The reasons why an instance is not chosen, as the deciding parts give them. */

import type { InstanceStatus } from '@rollcall/protocol';
import type { BreakerState } from '../resilience/breaker.ts';
import type { EjectionReason } from '../resilience/ejection.ts';

/** Times are in milliseconds from now. */
export type Reason =
  /** `routing.select` does not select it. */
  | { readonly kind: 'selector' }
  /** It is not in the subset of this caller. */
  | { readonly kind: 'subset' }
  /** Requests like this one go only to the canary, or only to the others. */
  | { readonly kind: 'canary' }
  /** The capacity of lower levels suffices for all requests. */
  | { readonly kind: 'level'; readonly level: number }
  /** This caller sends no requests to this zone. */
  | { readonly kind: 'zone'; readonly zone: string }
  /** The key belongs to another group (zone, level). */
  | { readonly kind: 'key' }
  /** Its status in the registry, when other instances have a better one. */
  | { readonly kind: 'status'; readonly status: InstanceStatus }
  /** Its weight is 0, and other instances have more. */
  | { readonly kind: 'weight' }
  /** The balancer uses another one: for this key, or always (`pickFirst`). */
  | { readonly kind: 'preference' }
  /** It accepted no connection. It is used again after a check, or a request without a better endpoint, connects. */
  | { readonly kind: 'unreachable'; readonly checkInMs: number | undefined }
  /** It is ejected because of failed requests or a pause that it asked for. */
  | { readonly kind: 'ejected'; readonly reason: EjectionReason; readonly forMs: number }
  /** Its circuit is open, or half-open with one trial request in flight. */
  | { readonly kind: 'breaker'; readonly state: BreakerState; readonly forMs: number }
  /** It has reached its limit of requests in flight. */
  | { readonly kind: 'busy'; readonly inFlightMax: number };
