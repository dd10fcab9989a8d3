/**
 * Decides which instances are named in metrics. Instances come and go, and a series of a cumulative metric stays
 * until the process ends: SDKs keep 2,000 series of an instrument and count the rest in one, which shows neither the
 * service nor the result (https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits). So the first
 * instances that get requests keep their names, and later ones share one name. Spans name every instance.
 */

/** With a few results for each, this many instances stay below the limit of the SDK. */
export const namedMax = 500;

export class NamedInstances {
  readonly #names = new Set<string>();

  /** @param authority `host:port` */
  has(authority: string): boolean {
    if (this.#names.has(authority)) return true;
    if (this.#names.size >= namedMax) return false;
    this.#names.add(authority);
    return true;
  }
}
