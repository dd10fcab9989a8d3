/**
 * Least request: of two random endpoints the one with fewer requests in flight. The form of gRFC A48
 * (https://github.com/grpc/proposal/blob/master/A48-xds-least-request-lb-policy.md) and of Envoy's
 * least request balancer with a choice count of 2, except that the two are always different
 * endpoints and that weights count (see `two-choices.ts`).
 *
 * It sees only this client's requests: with many clients and few requests each, it is close to a
 * random choice.
 */

import type { BalancerFactory } from './balancer.ts';
import { TwoChoices } from './two-choices.ts';

/** Of two random endpoints, the one with fewer requests in flight per weight. O(1). */
export function leastRequest(): BalancerFactory {
  return (random) => new LeastRequest(random);
}

class LeastRequest extends TwoChoices {
  override observe(): void {}

  protected override assess(index: number, choice: 0 | 1): void {
    this.assessLoad(index, choice);
  }
}
