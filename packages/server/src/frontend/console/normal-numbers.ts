/**
 * How many instances each service of a namespace normally has: the smaller one of the numbers an hour ago and a day ago, as far as the history goes back.
 * A service that is smaller at night is normal a day later; one that has lost instances is not.
 */

import type { Clock } from '../../clock.ts';
import type { History } from '../../history/history.ts';
import type { Turns, Work } from '../../net/turns.ts';
import { instancesAt, servicesAt } from '../../registry/kind/catalog/services-at.ts';
import type { Frozen } from '../../registry/frozen.ts';

export interface NormalNumbersOptions {
  readonly history: History;
  readonly clock: Clock;
  readonly turns: Turns;
}

/** Before now. */
const pointsMs = [3_600_000, 86_400_000];
/** They are counted again after so long, while an overview is open. */
const keptMs = 60_000;
const namespacesMax = 100;
const unitsPerService = 1;

type Numbers = ReadonlyMap<string, number>;

export class NormalNumbers {
  readonly #options: NormalNumbersOptions;
  readonly #kept = new Map<string, { readonly atMs: number; readonly numbers: Promise<Numbers> }>();

  constructor(options: NormalNumbersOptions) {
    this.#options = options;
  }

  /** Empty when the history is shorter than an hour. */
  of(namespace: string): Promise<Numbers> {
    const nowMs = this.#options.clock.now();
    const known = this.#kept.get(namespace);
    if (known !== undefined && nowMs - known.atMs < keptMs) return known.numbers;
    // A count that fails, as when too many past times are read at once, is tried again with the next question.
    const numbers = this.#count(namespace, nowMs).catch((): Numbers => {
      this.#kept.delete(namespace);
      return new Map();
    });
    this.#kept.delete(namespace);
    this.#kept.set(namespace, { atMs: nowMs, numbers });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > namespacesMax && oldest !== undefined) this.#kept.delete(oldest);
    return numbers;
  }

  async #count(namespace: string, nowMs: number): Promise<Numbers> {
    const { history, turns } = this.#options;
    const { since, bytesMax } = history.bounds;
    let smallest: Map<string, number> | undefined;
    for (const ms of bytesMax === 0 ? [] : pointsMs) {
      if (nowMs - ms < since.atMs) continue;
      const past = await history.at({ atMs: nowMs - ms });
      try {
        const then = await ended(turns, this.#numbersAt(past.frozen, namespace));
        const before = smallest;
        // A service that is missing at one of these times has no normal number.
        smallest = before === undefined ? then : new Map([...then].flatMap(([name, count]) => (before.has(name) ? [[name, Math.min(count, before.get(name) ?? 0)]] : [])));
      } finally {
        past.release();
      }
    }
    return smallest ?? new Map();
  }

  *#numbersAt(frozen: Frozen, namespace: string): Work<Map<string, number>> {
    const { pace } = this.#options.turns;
    const numbers = new Map<string, number>();
    for (const service of servicesAt(frozen, namespace)) {
      numbers.set(service, instancesAt(frozen, namespace, service));
      if (pace.spend(unitsPerService)) yield;
    }
    return numbers;
  }
}

/** The result of work that no client waits for alone. */
export function ended<T>(turns: Turns, work: Work<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    turns.start(work).whenEnded((outcome) => {
      if ('value' in outcome) resolve(outcome.value);
      else reject(outcome.error instanceof Error ? outcome.error : new Error(String(outcome.error)));
    });
  });
}
