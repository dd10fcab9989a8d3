/**
 * A server that shares its processors among its requests: n of them run on min(n, cores) cores, each at
 * speed × min(1, cores ÷ n). The heap is kept in units of work done per request ("virtual time"), so that a
 * change of rate moves one number and not every request. It carries the shipped `LoadMeter`.
 */

import { LoadMeter } from '../../packages/client/dist/load-report/load-meter.js';

export class SharedServer {
  /** Requests in flight. */
  count = 0;
  /** Work done so far for a request that was there from the start, in milliseconds of a core. */
  #done = 0;
  #advancedAt = 0;
  /** Requests by the `#done` at which each is finished. */
  #heap = [];
  /** Core-milliseconds used and requests answered, for the code that computes weights. */
  used = 0;
  answered = 0;

  /** @param measures whether reports have the utilisation, measured over half a second or more */
  constructor({ cores, speed }, clock, measures = false) {
    this.cores = cores;
    this.speed = speed;
    let since = 0;
    let usedBefore = 0;
    let utilization;
    this.meter = new LoadMeter(clock, () => {
      const now = clock.monotonic();
      if (measures && now - since >= 500) {
        utilization = (this.used - usedBefore) / ((now - since) * this.cores);
        since = now;
        usedBefore = this.used;
      }
      return utilization;
    });
  }

  advance(now) {
    const passed = now - this.#advancedAt;
    this.#advancedAt = now;
    if (this.count === 0) return;
    this.#done += passed * this.#rate();
    this.used += passed * Math.min(this.cores, this.count);
  }

  add(job, work) {
    job.doneAt = this.#done + work;
    this.count += 1;
    push(this.#heap, job);
  }

  /** The request that ends now. */
  take() {
    this.count -= 1;
    this.answered += 1;
    const job = pop(this.#heap);
    job.live = false;
    return job;
  }

  abandon(job) {
    job.live = false;
    this.count -= 1;
  }

  nextEnd() {
    while (this.#heap.length > 0 && !this.#heap[0].live) pop(this.#heap);
    if (this.#heap.length === 0) return Infinity;
    return this.#advancedAt + Math.max(0, this.#heap[0].doneAt - this.#done) / this.#rate();
  }

  #rate() {
    return this.speed * Math.min(1, this.cores / this.count);
  }
}

function push(heap, job) {
  let at = heap.push(job) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent].doneAt <= job.doneAt) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = job;
}

function pop(heap) {
  const first = heap[0];
  const last = heap.pop();
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1].doneAt < heap[child].doneAt) child += 1;
    if (heap[child].doneAt >= last.doneAt) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = last;
  return first;
}
