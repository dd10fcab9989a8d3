/**
 * The queues of locks in order, of committed rows: a grant looks at the head of a queue, and a bucket has no order. Who may have the lock is decided in
 * `decide.ts`.
 *
 *   lock ─► places in the order of arrival; empty ones where a contender has left
 *
 * To join is O(1), since a later contender has a higher place; to leave, and to find the head, is O(log n) on average: empty places are dropped when they
 * are half of all. Places that come in no order, as when a store is read, are sorted once, when the queue is read or one of them leaves.
 */

import { isOf, type AnyRow } from '../../row.ts';
import type { Queues } from './find.ts';
import { holds, type ContenderRow } from './rows.ts';

export class LockQueues implements Queues {
  readonly #queues = new Map<string, Queue>();

  waiting(namespace: string, name: string): Iterable<ContenderRow> {
    return this.#queues.get(keyOf({ namespace, name }))?.rows() ?? [];
  }

  follow(before: AnyRow | undefined, after: AnyRow | undefined): void {
    const [left, joined] = [waits(before), waits(after)];
    if (left !== undefined && left.order !== joined?.order) this.#leave(left);
    if (joined === undefined) return;
    const key = keyOf(joined);
    let queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, (queue = new Queue()));
    queue.put(joined);
  }

  /** It is never read as it was. */
  notes(): { note(): void } {
    return { note() {} };
  }

  #leave(row: ContenderRow): void {
    const key = keyOf(row);
    const queue = this.#queues.get(key);
    queue?.remove(row);
    if (queue?.size === 0) this.#queues.delete(key);
  }
}

interface Place {
  readonly order: number;
  /** Undefined: it is empty. */
  row: ContenderRow | undefined;
}

/** Fewer empty places are not worth dropping. */
const emptyMin = 32;

class Queue {
  #places: Place[] = [];
  /** All before it are empty. */
  #head = 0;
  #size = 0;
  #isSorted = true;
  /** No place has a higher order. */
  #highest = -Infinity;

  get size(): number {
    return this.#size;
  }

  put(row: ContenderRow): void {
    if (row.order > this.#highest) {
      this.#highest = row.order;
      this.#places.push({ order: row.order, row });
      this.#size++;
      return;
    }
    const place = this.#find(row.order);
    if (place === undefined) {
      this.#places.push({ order: row.order, row });
      this.#isSorted = false;
    } else if (place.row === undefined) place.row = row;
    else {
      place.row = row;
      return;
    }
    this.#head = 0;
    this.#size++;
  }

  remove({ order, id }: ContenderRow): void {
    const place = this.#find(order);
    // A lock that was emptied and taken again in one transaction begins with the first order, so another one may have this place.
    if (place?.row?.id !== id) return;
    place.row = undefined;
    this.#size--;
    if (this.#places.length - this.#size < Math.max(emptyMin, this.#places.length / 2)) return;
    this.#places = this.#places.filter(({ row }) => row !== undefined);
    this.#head = 0;
  }

  *rows(): Generator<ContenderRow, void, undefined> {
    this.#sort();
    while (this.#head < this.#places.length && this.#places[this.#head]?.row === undefined) this.#head++;
    for (let at = this.#head; at < this.#places.length; at++) {
      const row = this.#places[at]?.row;
      if (row !== undefined) yield row;
    }
  }

  #find(order: number): Place | undefined {
    this.#sort();
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle] as Place).order < order) low = middle + 1;
      else high = middle;
    }
    const found = this.#places[low];
    return found?.order === order ? found : undefined;
  }

  #sort(): void {
    if (this.#isSorted) return;
    this.#places.sort((a, b) => a.order - b.order);
    this.#isSorted = true;
    this.#head = 0;
  }
}

function waits(row: AnyRow | undefined): ContenderRow | undefined {
  return isOf<ContenderRow>(row, 'lock-contender') && !holds(row) ? row : undefined;
}

function keyOf({ namespace, name }: Pick<ContenderRow, 'namespace' | 'name'>): string {
  return `${namespace}\0${name}`;
}
