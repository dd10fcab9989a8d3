/** The client's decisions about requests to a service, for logs and tests. */

import type { EjectionReason } from './ejection.ts';
import type { Failure } from './retry.ts';

export type ServiceEvent =
  /** A request goes to another endpoint because this one failed. */
  | { readonly kind: 'retry'; readonly endpoint: string; readonly failure: Failure; readonly tries: number }
  /** The request deserved a retry, but the budget had none left. */
  | { readonly kind: 'retry-refused'; readonly endpoint: string; readonly failure: Failure }
  /** No answer came in this time, so the request also goes to a second endpoint. */
  | { readonly kind: 'hedge'; readonly endpoint: string; readonly delayMs: number }
  /** An endpoint is left out for this long. */
  | { readonly kind: 'ejected'; readonly endpoint: string; readonly reason: EjectionReason; readonly lengthMs: number }
  | { readonly kind: 'breaker'; readonly endpoint: string; readonly state: 'open' | 'half-open' | 'closed' }
  /** The share of requests that leaves the caller's own zone has changed; `by` names the measure that decides it. */
  | { readonly kind: 'spill'; readonly zone: string; readonly share: number; readonly by: 'load' | 'instances' }
  /** The route of the service replaces these options from now on; none: the program's options count again. */
  | { readonly kind: 'route'; readonly revision: number; readonly words: readonly string[] }
  /** This client does not understand the newest route, and keeps the last one that it understood. */
  | { readonly kind: 'route-refused'; readonly revision: number; readonly reason: string }
  /** A request was refused before it was sent. */
  | { readonly kind: 'refused'; readonly reason: 'requests' | 'concurrency' | 'endpoints' | 'deadline' }
  /** The deadline of a request passed before it was done. */
  | { readonly kind: 'deadline' };
