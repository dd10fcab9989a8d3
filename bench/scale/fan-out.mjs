/**
 * What one node tells the clients that watch its services. The registry's own `FanOut` gives the turns; a view here is a `ViewFeed` without
 * the content: it counts what that would look at and send. Turns take the time that their looks and writes cost.
 */

import { FanOut } from '../../packages/server/dist/net/fan-out.js';
import { looksAtOnce, looksPerWrite } from '../../packages/server/dist/frontend/stream/view-feed.js';
import { deltaBytes, snapshotBytes } from './wire.mjs';

/** As `fan-out.ts` (4,000 writes take about 40 ms) and `view-feed.ts` (2,000 looks take some 6 ms) say, on the machine of RESULTS.md. */
export const writeMs = 0.01;
export const lookMs = 0.003;

class View {
  #node;
  #members;
  instances;
  put = 0;
  removed = 0;
  #dirtySince = 0;
  #dirty = false;
  #looks = 0;
  #looked = { put: 0, removed: 0, since: 0 };
  /** Members from here down to 0 wait for the push. */
  #cursor = -1;
  /** Members below it have missed the content before this one: they get a snapshot. */
  #behind = 0;
  #delta = 0;

  constructor(node, members, instances) {
    this.#node = node;
    this.#members = members;
    this.instances = instances;
  }

  /** @param {number} put instances that are new or changed @param {number} removed */
  change(put, removed) {
    this.put += put;
    this.removed += removed;
    if (!this.#dirty) {
      this.#dirty = true;
      this.#dirtySince = this.#node.clock.now();
    }
    this.#node.fanOut.schedule(this);
  }

  /** As `ViewFeed.advance`. */
  advance(budget) {
    let left = budget;
    if (this.#looks === 0 && this.#dirty) {
      this.#dirty = false;
      this.#looks = Math.max(1, this.instances);
      this.#looked = { put: this.put, removed: this.removed, since: this.#dirtySince };
      this.put = this.removed = 0;
    }
    if (this.#looks > 0) {
      const looks = Math.min(this.#looks, looksAtOnce, budget * looksPerWrite);
      this.#node.spend(looks * lookMs);
      this.#node.links.fact('looks at an instance', looks);
      this.#looks -= looks;
      if (this.#looks > 0) return 0;
      left -= Math.ceil(looks / looksPerWrite);
      this.#takeOver();
    }
    if (this.#cursor >= 0 && left > 0) left -= this.#push(left);
    return this.#dirty || this.#cursor >= 0 ? Math.min(left, 0) : left;
  }

  #takeOver() {
    this.#behind = this.#cursor + 1;
    this.#cursor = this.#members - 1;
    this.#delta = deltaBytes(this.#looked.put, this.#looked.removed);
  }

  #push(budget) {
    const { links } = this.#node;
    const to = Math.max(-1, this.#cursor - budget);
    const count = this.#cursor - to;
    const late = Math.max(0, Math.min(this.#cursor, this.#behind - 1) - to);
    const snapshot = late > 0 ? snapshotBytes(Math.max(1, this.instances)) : 0;
    links.add('node → client', Math.min(this.#delta, snapshot || this.#delta), count - late);
    if (late > 0) {
      links.add('node → client', snapshot, late);
      links.fact('snapshots to clients that missed a change', late);
    }
    links.fact('pushes', count);
    this.#node.spend(count * writeMs);
    this.#cursor = to;
    if (to < 0) {
      this.#behind = 0;
      links.most('most: ms until the last watcher has a change', this.#node.busyUntil - this.#looked.since);
    }
    return count;
  }
}

export class FanOutNode {
  busyUntil = 0;
  busyMs = 0;

  /**
   * @param {import('./virtual-clock.mjs').VirtualClock} clock
   * @param {import('./links.mjs').Links} links
   * @param {Uint32Array} watchers of each service
   * @param {readonly { instances: number }[]} services
   */
  constructor(clock, links, watchers, services) {
    this.clock = clock;
    this.links = links;
    this.fanOut = new FanOut((turn) => clock.timer(Math.max(0, this.busyUntil - clock.now()), turn));
    this.views = Array.from(services, ({ instances }, at) => (watchers[at] === 0 ? undefined : new View(this, watchers[at], instances)));
  }

  /** @param {number} by how much its number of instances changes */
  change(service, put, removed, by) {
    const view = this.views[service];
    if (view === undefined) return;
    view.instances += by;
    view.change(put, removed);
  }

  spend(ms) {
    this.busyUntil = Math.max(this.busyUntil, this.clock.now()) + ms;
    this.busyMs += ms;
  }
}
