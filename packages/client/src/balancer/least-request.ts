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
import { type OptionNames, checkRange, checkKnown } from '../option-check.ts';
import type { RandomSource } from './seeded-random.ts';
import { TwoChoices } from './two-choices.ts';

export interface LeastRequestOptions {
  /**
   * How much requests in flight count against weights, 0 or more, as Envoy's `active_request_bias`: endpoints
   * cost (requests in flight at a place + 1)^bias. 1 by default; with 0 only weights count, with larger values
   * weights count less. With equal weights only the value 0 has an effect: a random choice.
   */
  readonly activeRequestBias?: number;
}

const leastRequestOptions: OptionNames<LeastRequestOptions> = { activeRequestBias: true };

/**
 * Of two random endpoints, the one with fewer requests in flight per weight. O(1).
 * @throws RegistryError `invalid_argument` when the bias is out of its range
 */
export function leastRequest(options: LeastRequestOptions = {}): BalancerFactory {
  const { activeRequestBias = 1 } = options;
  checkKnown(options, leastRequestOptions, 'leastRequest');
  checkRange(activeRequestBias >= 0, 'activeRequestBias', activeRequestBias, '0 or more');
  return (random) => new LeastRequest(random, activeRequestBias);
}

class LeastRequest extends TwoChoices {
  readonly #bias: number;

  constructor(random: RandomSource, bias: number) {
    super(random);
    this.#bias = bias;
  }

  override observe(): void {}

  protected override assess(index: number, choice: 0 | 1): void {
    this.assessLoad(index, choice);
    if (this.#bias !== 1) this.costs[choice] = (this.costs[choice] as number) ** this.#bias;
    this.steadyCosts[choice] = this.costs[choice] as number;
  }
}
