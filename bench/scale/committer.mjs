/**
 * The way of a node's commands into the log: what waits becomes one transaction as soon as the one before it is committed, as in
 * `replica.ts`. How many commands fit into it, and its bytes, say `store.mjs`. The time of a commit is a model; transactions that lose a
 * race against another node are left out (`bench/micro/guard-conflicts.mjs` has those).
 */

import { commandKinds, lookMax } from './store.mjs';

/** From sending a transaction until all nodes of the store have heard of it. */
export const commitMs = 5;

const numbers = new Map(commandKinds.map((kind, number) => [kind, number]));

export class Committer {
  #options;
  #kinds = [];
  #waiting = [];
  #from = 0;
  #busy = false;

  /**
   * @param {object} options
   * @param {import('./virtual-clock.mjs').VirtualClock} options.clock
   * @param {import('./store.mjs').Store} options.store
   * @param {import('./links.mjs').Links} options.links
   * @param {() => number} options.listeners nodes that follow the store
   * @param {(what: unknown) => void} options.onCommitted called for each command
   */
  constructor(options) {
    this.#options = options;
  }

  get waiting() {
    return this.#waiting.length - this.#from;
  }

  /** @param {string} kind of `commandKinds` @param {unknown} what handed to `onCommitted` */
  submit(kind, what) {
    this.#kinds.push(numbers.get(kind));
    this.#waiting.push({ what, at: this.#options.clock.now() });
    this.#options.links.most('most: commands that wait at one node', this.waiting);
    if (!this.#busy) this.#next();
  }

  #next() {
    const { clock, store, links, listeners, onCommitted } = this.#options;
    if (this.waiting === 0) return;
    this.#busy = true;
    const committed = store.next(this.#kinds.slice(this.#from, this.#from + lookMax));
    links.add('node → store', committed.requestBytes);
    links.fact('transactions');
    links.fact('rows written', committed.rows);
    clock.timer(commitMs, () => {
      links.add('store → node', committed.answerBytes);
      links.add('store → node', committed.watchBytes, listeners());
      const done = this.#waiting.slice(this.#from, this.#from + committed.done);
      this.#from += committed.done;
      if (this.#from > 100_000) this.#compact();
      links.most('most: ms until a command is committed', clock.now() - done[0].at);
      this.#busy = false;
      for (const { what } of done) onCommitted(what);
      if (!this.#busy) this.#next();
    });
  }

  #compact() {
    this.#waiting = this.#waiting.slice(this.#from);
    this.#kinds = this.#kinds.slice(this.#from);
    this.#from = 0;
  }
}
