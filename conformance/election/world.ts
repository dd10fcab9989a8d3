/**
 * A world of processes in which nothing is real but the code under test: clients with the production lease and request book, a server with the
 * production lock requests and state machine. Each process has a clock with a rate of its own; processes are paused and killed, links are cut on both
 * ends at different moments, messages are late. One seed gives one history. Time passes only from event to event.
 */

import type { Clock } from '../../packages/client/src/clock.ts';
import { timingOf, type Timing } from '../../packages/client/src/lock/timing.ts';
import { SimulatedClient } from './client.ts';
import { Events, Process, random, type Event } from './events.ts';
import { SimulatedServer } from './server.ts';

export type Bug = 'acquire does not read its row again' | 'the deadline is counted from the answer' | 'a late release frees a newer holder' | 'two waiters get the lock';

export interface WorldOptions {
  readonly seed: number;
  readonly bug?: Bug;
}

/** What the checks need to know of a grant. */
interface Accepted {
  readonly at: number;
  readonly token: bigint;
  readonly by: string;
}

export class World {
  readonly faults: string[] = [];
  /** Writes that the fenced resource has taken. */
  readonly accepted: Accepted[] = [];
  refused = 0;
  /** Looks of user code at its leadership while it believed in it. */
  beliefs = 0;
  grants = 0;
  now = 0;
  readonly random: () => number;
  readonly options: WorldOptions;
  readonly #events = new Events();
  readonly timing: Timing;
  readonly server: SimulatedServer;
  #clients: SimulatedClient[] = [];
  #highest = 0n;
  readonly #ownerOf = new Map<bigint, string>();

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = random(options.seed);
    const ttl = 2_000 + Math.floor(this.random() * 8_000);
    this.timing = timingOf({ ttl, margin: Math.ceil(ttl / 5), renewEvery: Math.floor(ttl * 0.3) });
    this.server = new SimulatedServer(this);
    for (let at = 0; at < 3; at++) this.#clients.push(new SimulatedClient(this, `c${at}`));
  }

  /** A clock may run up to 10 % faster than another one. */
  process(): Process {
    return new Process(1 + this.random() * 0.1, this.now);
  }

  at(process: Process, delayMs: number, run: () => void): () => void {
    const event: Event = { at: this.now + delayMs, process, run, cancelled: false };
    this.#events.push(event);
    return () => (event.cancelled = true);
  }

  clockOf(process: Process): Clock {
    const monotonic = () => (this.now - process.began) * process.rate;
    return { now: () => 0, monotonic, timer: (delayMs, run) => this.at(process, Math.max(0, delayMs) / process.rate, run) };
  }

  /** Plays until the time is over. */
  async run(ms: number): Promise<void> {
    this.#plan();
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.at > ms) return;
      this.now = Math.max(this.now, next.at);
      next.run();
      // Every await of the code under test is on a promise that is settled already, or waits for an event.
      for (let turn = 0; turn < 24; turn++) await Promise.resolve();
      if (this.faults.length > 0) return;
    }
  }

  /** A write to a resource outside of the registry, which only compares tokens. */
  write(by: string, token: bigint): void {
    if (token < this.#highest) {
      this.refused++;
      return;
    }
    const owner = this.#ownerOf.get(token);
    if (owner !== undefined && owner !== by) this.fault(`${by} and ${owner} have both written with token ${token}`);
    this.#ownerOf.set(token, by);
    this.#highest = token;
    this.accepted.push({ at: this.now, token, by });
  }

  fault(what: string): void {
    this.faults.push(`${what} (seed ${this.options.seed}, at ${Math.round(this.now)} ms)`);
  }

  #next(): Event | undefined {
    for (;;) {
      const next = this.#events.take();
      if (next === undefined) return undefined;
      if (next.cancelled || next.process.dead) continue;
      if (next.process.pausedUntil <= next.at) return next;
      // After a pause, what waits comes in any order: answers from sockets before timers, or after them.
      next.at = next.process.pausedUntil + this.random() * 0.01;
      this.#events.push(next);
    }
  }

  /** A fault every few seconds. */
  #plan(): void {
    const idle = new Process(1, 0);
    const strike = () => {
      const client = this.#clients[Math.floor(this.random() * this.#clients.length)];
      if (client === undefined) return;
      const { ttlMs } = this.timing;
      const kind = this.random();
      if (kind < 0.3) client.process.pausedUntil = this.now + this.random() * ttlMs * 1.6;
      else if (kind < 0.6) this.server.cut(client, this.random() * ttlMs * 0.5, this.random() * ttlMs * 0.5);
      else if (kind < 0.75) {
        client.kill();
        this.#clients = this.#clients.map((each) => (each === client ? new SimulatedClient(this, `${client.name}'`) : each));
      } else if (kind < 0.85) this.server.restart(this.random() * ttlMs * 0.6);
      else if (kind < 0.95) this.server.process.pausedUntil = this.now + this.random() * ttlMs * 0.5;
      else client.isUnreachableUntil = this.now + this.random() * ttlMs * 2;
      this.at(idle, 200 + this.random() * ttlMs, strike);
    };
    this.at(idle, this.random() * 3_000, strike);
  }
}
