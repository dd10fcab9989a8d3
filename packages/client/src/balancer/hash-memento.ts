/**
 * MementoHash over endpoints that come and go: an endpoint that leaves gives up its own keys only, and gets them
 * back when it returns, with shares as equal as chance allows.
 *
 * The placement of an absent endpoint's keys depends on the order in which endpoints left, so clients agree
 * about these keys only if they saw the same changes. Keys of endpoints that never left stay in place. A client
 * that starts while an endpoint is away numbers all endpoints from 0 again. Where clients must agree at all times, use
 * `maglev`.
 */

import { checkKnown } from '../option-check.ts';
import { Memento } from '../hashing/memento.ts';
import { type HashBalancerFactory, hashOptions, type HashOptions, type Placed, TableBalancer } from './hash-balancer.ts';

/**
 * Keys to endpoints by MementoHash. Weights are ignored for requests with a key. O(ln endpoints) per pick while
 * all endpoints are there; a few more draws for the keys of absent endpoints.
 */
export function memento(options: HashOptions = {}): HashBalancerFactory {
  checkKnown(options, hashOptions, 'memento');
  return (random) => {
    const history = new History();
    return new TableBalancer(random, (nodes) => history.place(nodes.map(({ name }) => name)), options);
  };
}

/** The endpoint of each bucket, and the absent endpoints in the order in which they left. */
class History {
  /** Names by bucket: endpoints that are present, and absent ones whose bucket no other endpoint took. */
  readonly #buckets: string[] = [];
  #away: number[] = [];

  place(names: readonly string[]): Placed {
    const present = new Set(names);
    const known = new Map(this.#buckets.map((name, bucket) => [name, bucket]));
    const wasAway = new Set(this.#away);
    this.#away = this.#away.filter((bucket) => !present.has(this.#buckets[bucket] as string));
    const leaving = [...known].filter(([name, bucket]) => !present.has(name) && !wasAway.has(bucket));
    // By name and not by bucket, so that clients with the same numbering keep agreeing.
    leaving.sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, bucket] of leaving) this.#away.push(bucket);
    for (const name of names) {
      if (known.has(name)) continue;
      // As in Memento, a new endpoint takes the bucket that became free last, so replacing an instance moves
      // only its own keys.
      const bucket = this.#away.pop() ?? this.#buckets.length;
      this.#buckets[bucket] = name;
      known.set(name, bucket);
    }
    const table = new Memento(this.#buckets.length);
    for (const bucket of this.#away) table.remove(bucket);
    return { table, places: names.map((name) => known.get(name) as number) };
  }
}
