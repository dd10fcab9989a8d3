/**
 * Keeps instances of peers alive here as long as a peer vouches for them, or cannot be asked. A peer passes on the heartbeats of its
 * clients; when those of an instance stop, there are three cases:
 *
 *   a peer has heard of it lately    the heartbeats do not get here, since the peer does not list this server or the way is cut
 *   a peer cannot be asked           nothing is known, so nothing is removed
 *   all peers say no                 the instance is dead, and its lease lapses
 */

import type { Health } from '../../../health/health.ts';
import type { Wheel, WheelTimer } from '../../../health/wheel.ts';
import { namespace } from '../names.ts';
import type { InstanceName } from './news.ts';
import type { InstanceAnswer } from './peer-client.ts';
import type { PeerLink } from './peer-link.ts';

/** Share of a lease after which the peers are asked, if no heartbeat came meanwhile. */
const askAfter = 1 / 2;
/** Share of a lease that an answer may take, and after which the peers are asked again; an instance without an answer lives on. */
const answerWithin = 1 / 6;
/** Questions at the same time. */
const asksMax = 16;
/** The clocks of answers count seconds. */
const clockMs = 1_000;
/** Who vouches, for self-preservation (`net/principal.ts`). */
const principal = 'a Eureka peer';

export interface VouchingOptions {
  readonly health: Health;
  readonly wheel: Wheel;
  readonly links: readonly PeerLink[];
}

export interface LeaseCheck {
  readonly id: string;
  readonly ttlMs: number;
}

/** What each peer said of the last renewal, when it was asked last: its clock is coarse, but a newer time is a newer heartbeat. */
type Seen = Map<PeerLink, number>;

interface Watched {
  readonly name: InstanceName;
  readonly lease: LeaseCheck;
  readonly seen: Seen;
}

export class Vouching {
  readonly #options: VouchingOptions;
  #asking = 0;

  constructor(options: VouchingOptions) {
    this.#options = options;
  }

  /**
   * Watches the lease of an instance until the timer is cancelled.
   * @param isWanted whether this node still does so; asked after every wait
   */
  watch(name: InstanceName, lease: LeaseCheck, isWanted: () => boolean): WheelTimer {
    const { health, wheel } = this.#options;
    const askMs = lease.ttlMs * askAfter;
    const seen: Seen = new Map();
    const look = () => {
      const agoMs = health.renewedMsAgo(namespace, '', lease.id);
      // It has lapsed, or another node watches it: a change of its rows starts this again.
      if (agoMs === undefined) return;
      if (agoMs < askMs) timer.renew(askMs - agoMs);
      else void this.#renew({ name, lease, seen }, agoMs, isWanted).then(() => isWanted() && timer.renew(lease.ttlMs * answerWithin));
    };
    const timer = wheel.schedule(askMs, look);
    return timer;
  }

  async #renew(watched: Watched, agoMs: number, isWanted: () => boolean): Promise<void> {
    const vouched = await this.#isVouchedFor(watched, agoMs);
    if (vouched && isWanted()) this.#options.health.restart(namespace, '', watched.lease.id, principal);
  }

  /** Whether a peer vouches for an instance, or one cannot be asked. */
  async #isVouchedFor(watched: Watched, agoMs: number): Promise<boolean> {
    const { links, wheel } = this.#options;
    const { lease } = watched;
    if (links.length === 0) return false;
    // The link is looked after elsewhere; a question more would find out nothing.
    if (links.some(({ joined }) => !joined) || this.#asking >= asksMax) return true;
    this.#asking++;
    let late: WheelTimer | undefined;
    const patience = new Promise<boolean>((resolve) => (late = wheel.schedule(lease.ttlMs * answerWithin, () => resolve(true))));
    try {
      const answers = Promise.all(links.map((link) => this.#ask(link, watched, agoMs)));
      return await Promise.race([answers.then((all) => all.includes(true)), patience]);
    } finally {
      late?.cancel();
      this.#asking--;
    }
  }

  async #ask(link: PeerLink, { name: { app, id }, seen }: Watched, agoMs: number): Promise<boolean> {
    try {
      const answer = await link.client.instance(app, id);
      if (answer === undefined) return false;
      const { lastRenewalTimestamp: renewed } = answer.info.leaseInfo;
      const before = seen.get(link);
      seen.set(link, renewed);
      return heardWithin(answer, agoMs) || (before !== undefined && renewed > before);
    } catch (error) {
      link.lost(error);
      return true;
    }
  }
}

/**
 * Whether the peer has certainly heard of the instance later than this server has. Eureka's server notes the end of a renewed lease instead of the
 * time of the renewal (`Lease.renew`); one that was never renewed has the time of its registration.
 */
function heardWithin({ info: { leaseInfo }, nowMs }: InstanceAnswer, agoMs: number): boolean {
  const { lastRenewalTimestamp, registrationTimestamp, durationInSecs } = leaseInfo;
  const renewed = lastRenewalTimestamp > registrationTimestamp;
  const heardMs = renewed ? lastRenewalTimestamp - durationInSecs * 1_000 : lastRenewalTimestamp;
  return nowMs - heardMs < agoMs - clockMs;
}
