/** A client of a simulated world: the production lease and request book, and user code that leads. */

import type { Clock } from '../../packages/client/src/clock.ts';
import { Requests, type Ask, type AskOptions } from '../../packages/client/src/connection/requests.ts';
import { Lease } from '../../packages/client/src/lock/lease.ts';
import type { ReplyFrame } from '../../packages/protocol/src/index.ts';
import type { LockFrame } from '../../packages/server/src/frontend/stream/lock-requests.ts';
import { Process } from './events.ts';
import { lock, type Link } from './server.ts';
import type { World } from './world.ts';

export class SimulatedClient {
  readonly name: string;
  readonly process: Process;
  link: Link | undefined;
  isUnreachableUntil = 0;
  readonly #world: World;
  readonly #clock: Clock;
  readonly #requests: Requests;
  #links = 0;
  #ids = 0;
  #lease: Lease | undefined;
  /** By a planted bug, how much later than the others this clock is. */
  #lateMs = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.process = world.process();
    const clock = world.clockOf(this.process);
    this.#clock = { ...clock, monotonic: () => clock.monotonic() - this.#lateMs };
    this.#requests = new Requests(clock);
    world.at(this.process, world.random() * 200, () => this.#connect());
    world.at(this.process, world.random() * 300, () => void this.#live());
  }

  kill(): void {
    this.process.dead = true;
    const { link } = this;
    if (link !== undefined) this.#world.server.cut(this, 0, this.#world.random() * 100);
  }

  /** The link has ended at this end. */
  lost(link: Link): void {
    if (this.link !== link || !link.clientUp) return;
    link.clientUp = false;
    this.link = undefined;
    this.#requests.interrupted('the link broke');
    this.#lease?.disconnected();
    this.#world.at(this.process, this.#world.random() * 500, () => this.#connect());
  }

  answered(link: Link, reply: ReplyFrame): void {
    if (!link.clientUp || reply.type === 'watching' || !('id' in reply) || reply.id === undefined) return;
    this.#requests.answered(reply.id, reply);
  }

  #connect(): void {
    if (this.link !== undefined) return;
    const link = this.#world.server.connect(this);
    if (link === undefined) {
      this.#world.at(this.process, 100 + this.#world.random() * 400, () => this.#connect());
      return;
    }
    this.link = link;
    this.#links++;
    this.#lease?.connected();
    this.#requests.flush((frame) => this.#send(link, frame as LockFrame));
  }

  #send(link: Link, frame: LockFrame): void {
    // Most messages are fast; some are as late as a whole lease.
    const { random, timing, server } = this.#world;
    const delayMs = random() < 0.95 ? random() * 30 : random() * timing.ttlMs;
    this.#world.at(server.process, delayMs, () => server.receive(link, frame));
  }

  async #ask(ask: Ask, options: AskOptions): Promise<ReplyFrame> {
    const { bug } = this.#world.options;
    const grants = ask.type === 'lock-renew' ? ask.grants.length : 0;
    if (bug === 'acquire does not read its row again' && grants > 0 && this.#lease?.state === 'candidate') return { type: 'lock-renewed', id: 0, applied: true, lost: [] };
    const sent = this.#clock.monotonic();
    const { link } = this;
    const reply = await this.#requests.ask(ask, options, link === undefined ? undefined : (frame) => this.#send(link, frame as LockFrame));
    if (bug === 'the deadline is counted from the answer' && grants > 0) this.#lateMs += this.#clock.monotonic() - sent;
    return reply;
  }

  /** Campaigns, works, resigns, and begins again. */
  async #live(): Promise<void> {
    const links = () => this.#links;
    const lease: Lease = new Lease({
      connection: {
        ask: (ask, options) => this.#ask(ask, options),
        get link() {
          return links();
        },
        pingMs: 1_000,
      },
      clock: this.#clock,
      uuid: () => this.#uuid(),
      timing: this.#world.timing,
      ...{ name: lock, limit: 1, shared: false, value: this.name, purpose: 'election' },
      onState: () => {},
    });
    this.#lease = lease;
    const led = await lease.acquire({ waitMs: Infinity }).catch(() => false);
    if (led) this.#work(lease);
    else this.#world.at(this.process, 50, () => void this.#live());
  }

  /** A callback of user code: looks at its signal, then writes. */
  #work(lease: Lease): void {
    const { random, server, timing } = this.#world;
    if (lease.signal.aborted) {
      this.#world.at(this.process, random() * 500, () => void this.#live());
      return;
    }
    this.#world.beliefs++;
    if (!server.holders.some(({ id }) => id === lease.id)) this.#world.fault(`${this.name} believes that it leads with token ${lease.token}, and does not`);
    // Between its look and its write it may be paused, and the write may be late.
    const { token } = lease;
    const by = `${this.name} ${lease.id}`;
    this.#world.at(this.process, random() * 20, () => this.#world.at(new Process(1, 0), random() < 0.9 ? random() * 20 : random() * timing.ttlMs * 2, () => this.#world.write(by, token)));
    if (random() < 0.03) {
      void lease.release().catch(() => {});
      this.#world.at(this.process, random() * 500, () => void this.#live());
    } else this.#world.at(this.process, random() * timing.ttlMs * 0.1, () => this.#work(lease));
  }

  #uuid(): string {
    const hex = Buffer.from(`${this.name} ${this.#ids++}`.padEnd(16, '.').slice(0, 16)).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
  }
}
