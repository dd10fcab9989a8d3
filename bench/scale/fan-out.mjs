/**
 * What one node tells the clients that watch its services. The registry's own `FanOut` gives the turns, its own `RecentChanges` says what a
 * client that is behind has missed; a view here is a `ViewFeed` without the content: it counts what that would look at and send. Turns take
 * the time that their looks and writes cost.
 */

import { FanOut } from '../../packages/server/dist/net/fan-out.js';
import { notedMax } from '../../packages/server/dist/frontend/stream/item-notes.js';
import { RecentChanges } from '../../packages/server/dist/frontend/stream/recent-changes.js';
import { unitsPerItem } from '../../packages/server/dist/frontend/stream/view-content.js';
import { unitsPerSlice } from '../../packages/server/dist/net/turns.js';
import { deltaBytes, snapshotBytes } from './wire.mjs';

/** As `fan-out.ts` (4,000 writes take about 40 ms) and `turns.ts` (a row takes two to four microseconds) say, on the machine of RESULTS.md. */
export const writeMs = 0.01;
export const lookMs = 0.003;

class View {
  #node;
  #members;
  instances;
  /** Numbers of the instances that have changed since the last look; `~number` for one that is gone. */
  #noted = [];
  #reading = [];
  #dirtySince = 0;
  /** Instances that the look under way still has to read. */
  #looks = 0;
  #lookedSince = 0;
  #revision = 0;
  #recent = new RecentChanges();
  /** Members from here down to 0 wait for the push. */
  #cursor = -1;
  /** The revisions of the members, from member 0 on: up to which member each goes. Members with low numbers are told last. */
  #at;

  constructor(node, members, instances) {
    this.#node = node;
    this.#members = members;
    this.instances = instances;
    this.#recent.beginAt(0);
    this.#at = [{ to: members, revision: 0 }];
  }

  /** @param {number} instance @param {boolean} isGone */
  change(instance, isGone) {
    if (this.#noted.length === 0) this.#dirtySince = this.#node.clock.now();
    this.#noted.push(isGone ? ~instance : instance);
    this.#node.fanOut.schedule(this);
  }

  /** As `ViewFeed.advance`. */
  advance(budget) {
    let left = budget;
    if (this.#looks === 0 && this.#noted.length > 0) {
      this.#reading = this.#noted;
      this.#noted = [];
      this.#lookedSince = this.#dirtySince;
      const count = this.#reading.length;
      this.#looks = count > notedMax ? Math.max(1, this.instances) : count;
    }
    if (this.#looks > 0) {
      const { pace } = this.#node.fanOut;
      if (pace.spent) return 0;
      const whole = this.#reading.length > notedMax;
      const looks = whole ? Math.min(this.#looks, Math.ceil((unitsPerSlice - pace.used) / unitsPerItem)) : this.#looks;
      pace.spend(looks * unitsPerItem);
      this.#node.spend(looks * lookMs);
      this.#node.links.fact('looks at an instance', looks);
      this.#looks -= looks;
      if (this.#looks > 0) return 0;
      this.#recent.add(++this.#revision, this.#reading, this.instances);
      this.#cursor = this.#members - 1;
    }
    if (this.#cursor >= 0) left -= this.#push(left);
    return this.#noted.length > 0 || this.#cursor >= 0 ? Math.min(left, 0) : left;
  }

  /** Tells the members from the cursor down, at most so many. */
  #push(budget) {
    const { links } = this.#node;
    const to = Math.max(-1, this.#cursor - budget);
    const count = this.#cursor - to;
    for (let end = this.#cursor + 1; end > to + 1; ) {
      // Members above the cursor were told by this pass, and were cut off below.
      const segment = this.#at.at(-1);
      const below = this.#at.at(-2)?.to ?? 0;
      const from = Math.max(below, to + 1);
      this.#tell(segment.revision, Math.min(end, segment.to) - from);
      if (from === below) this.#at.pop();
      else segment.to = from;
      end = from;
    }
    links.fact('pushes', count);
    this.#node.spend(count * writeMs);
    this.#cursor = to;
    if (to < 0) {
      this.#at = [{ to: this.#members, revision: this.#revision }];
      links.most('most: ms until the last watcher has a change', this.#node.busyUntil - this.#lookedSince);
    } else this.#at.push({ to: this.#members, revision: this.#revision });
    return count;
  }

  #tell(revision, members) {
    if (members <= 0 || revision === this.#revision) return;
    const { links } = this.#node;
    const missed = this.#revision - revision > 1;
    if (missed) links.fact('pushes to clients that had missed a change', members);
    const names = this.#recent.since(revision);
    const whole = snapshotBytes(Math.max(1, this.instances));
    let bytes = whole;
    if (names !== undefined) {
      let put = 0;
      let removed = 0;
      for (const number of names) {
        if (number < 0) removed++;
        else if (!names.has(~number)) put++;
      }
      if (missed) this.#node.spend(names.size * lookMs);
      bytes = Math.min(whole, deltaBytes(put, removed));
    }
    if (bytes === whole) links.fact('snapshots', members);
    links.add('node → client', bytes, members);
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

  /** @param {number} by how much the number of instances of the service changes */
  change(service, instance, isGone, by) {
    const view = this.views[service];
    if (view === undefined) return;
    view.instances += by;
    view.change(instance, isGone);
  }

  spend(ms) {
    this.busyUntil = Math.max(this.busyUntil, this.clock.now()) + ms;
    this.busyMs += ms;
  }
}
