/**
 * Where each endpoint of the newest list is, and where it was in the list before: balancers keep what they
 * learn about endpoints in typed arrays by index, and move it when the indices change.
 */

import type { Endpoint } from '../endpoint.ts';

export class Places {
  #endpoints: readonly Endpoint[] = [];
  #indices = new Map<Endpoint, number>();

  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Index of an endpoint; undefined when it is not in the list. */
  indexOf(endpoint: Endpoint): number | undefined {
    return this.#indices.get(endpoint);
  }

  /** Takes over a newer list. @returns for each of its endpoints the index it had before, −1 for a new one */
  replace(endpoints: readonly Endpoint[]): Int32Array {
    const before = Int32Array.from(endpoints, (endpoint) => this.#indices.get(endpoint) ?? -1);
    this.#endpoints = [...endpoints];
    this.#indices = new Map(endpoints.map((endpoint, index) => [endpoint, index]));
    return before;
  }
}

/** The values at their new places; `fresh` for new endpoints. */
export function carried(values: Float64Array, before: Int32Array, fresh: number): Float64Array<ArrayBuffer> {
  return Float64Array.from(before, (index) => (index === -1 ? fresh : (values[index] as number)));
}
