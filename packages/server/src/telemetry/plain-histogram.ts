/**
 * A histogram without labels for hot paths. prom-client's hashes and validates labels for each observation, which is a
 * noticeable part of answering a cached query; this one adds to an array. A scrape shows the same.
 */

export interface PlainHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export class PlainHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #bounds: readonly number[];
  /** Observations in each bucket, without those of lower buckets; the last bucket has no bound. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor({ name, help, buckets }: PlainHistogramOptions) {
    this.name = name;
    this.help = help;
    this.#bounds = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
  }

  /** Called by prom-client's registry for a scrape. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: this.#samples() });
  }

  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }

  #samples(): Sample[] {
    let count = 0;
    const buckets = Array.from(this.#counts, (own, bucket): Sample => {
      count += own;
      return { metricName: `${this.name}_bucket`, labels: { le: this.#bounds[bucket] ?? '+Inf' }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels: {}, value: this.#sum },
      { metricName: `${this.name}_count`, labels: {}, value: count },
    ];
  }
}
