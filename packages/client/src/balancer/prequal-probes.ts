/**
 * Which endpoints a Prequal balancer asks for their load, and how often: at random, some for each request, and
 * never an endpoint whose last probe is still unanswered. The answers serve later requests; no request waits
 * for a probe. Part of Prequal (`prequal.ts`); `Probe` does the asking.
 *
 * The rate falls as this client's requests in flight grow: probes cost both ends work, and an overloaded client
 * must not add to its own load. In a replication of the paper on ten machines
 * (https://github.com/furknbulbul/prequal-nc) three probes a request, whatever the load, made a quarter of the
 * requests fail at 1.74 times the load; with a rate that falls from three to one between 100 and 1,000 requests
 * in flight, none failed.
 */

import type { Endpoint } from '../endpoint.ts';
import type { LoadReport } from '../load-report/load-report.ts';
import type { Probing } from './balancer.ts';
import { drawIndex, type RandomSource } from './seeded-random.ts';

/** Requests in flight up to which the rate is full, and from which it is a third. */
const relaxed = 100;
const busy = 1000;
const busyShare = 1 / 3;

/** One of so many requests counts the requests in flight. */
const countEvery = 32;

/** Largest number of unanswered probes. */
const askedMax = 64;

export class PrequalProbes {
  readonly #probing: Probing;
  readonly #rate: number;
  readonly #random: RandomSource;
  readonly #hear: (endpoint: Endpoint, load: LoadReport, askedAt: number) => void;
  #endpoints: readonly Endpoint[] = [];
  readonly #asked = new Set<Endpoint>();
  /** Probes due, as a fraction, and how much each request adds. */
  readonly #due = new Float64Array(1);
  readonly #share = new Float64Array(1);
  #untilCount = 0;

  /**
   * @param rate probes a request while this client is not busy
   * @param hear gets each answer; `askedAt` is in milliseconds on the clock of `probing`
   */
  constructor(
    probing: Probing,
    rate: number,
    random: RandomSource,
    hear: (endpoint: Endpoint, load: LoadReport, askedAt: number) => void,
  ) {
    this.#probing = probing;
    this.#rate = rate;
    this.#random = random;
    this.#hear = hear;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
  }

  /** Called for each request that is sent: sends the probes that are due. */
  request(): void {
    if (this.#untilCount-- <= 0) {
      this.#untilCount = countEvery;
      this.#setShare();
    }
    const due = (this.#due[0] as number) + (this.#share[0] as number);
    const count = Math.min(Math.floor(due), this.#endpoints.length);
    this.#due[0] = due - Math.floor(due);
    if (count > 0) this.#askSome(count);
  }

  /** With only a random start, neighbours would often be probed together; a random stride mixes them. */
  #askSome(count: number): void {
    const endpoints = this.#endpoints;
    const first = drawIndex(this.#random, endpoints.length);
    const stride = count === 1 ? 0 : 1 + drawIndex(this.#random, Math.max(1, Math.floor((endpoints.length - 1) / (count - 1))));
    for (let n = 0; n < count; n++) this.#ask(endpoints[(first + n * stride) % endpoints.length] as Endpoint);
  }

  #ask(endpoint: Endpoint): void {
    if (this.#asked.has(endpoint) || this.#asked.size >= askedMax) return;
    this.#asked.add(endpoint);
    const { probe, clock } = this.#probing;
    const askedAt = clock.monotonic();
    probe(endpoint).then(
      (load) => {
        this.#asked.delete(endpoint);
        if (load !== undefined) this.#hear(endpoint, load, askedAt);
      },
      // An endpoint that does not answer gets no report in the pool; requests will show why.
      () => this.#asked.delete(endpoint),
    );
  }

  #setShare(): void {
    let inFlight = 0;
    for (const endpoint of this.#endpoints) inFlight += endpoint.inFlight;
    const load = Math.min(1, Math.max(0, (inFlight - relaxed) / (busy - relaxed)));
    this.#share[0] = this.#rate * (1 - load * (1 - busyShare));
  }
}
