/**
 * Whether this node can vouch that a resource does not exist. Clients delete resources that are missing from a list, and send no request to a
 * service without endpoints; so a node says so only when it knows it:
 *
 *  - it has everything that was committed when the stream began (a client may come from a node that was ahead),
 *  - it follows the store now,
 *  - the client has not seen another store. The memory of a server is another one after each start, and its services need a while
 *    to register again.
 *
 * What exists is told in any case.
 */

import type { Context } from '../../../net/frontend.ts';

/** Time after the start in which clients of another store keep what they have: some heartbeats of usual clients. */
const strangerGraceMs = 30_000;

export class Vouching {
  readonly #context: Pick<Context, 'registry' | 'wheel' | 'identity' | 'log'>;
  readonly #onChange: () => void;
  readonly #unwatch: () => void;
  #isCaughtUp = false;
  #hasHistory = false;
  #isStranger = false;
  #cancelGrace: () => void = () => {};
  #ended = false;

  /** @param onChange called when it can vouch from now on */
  constructor(context: Pick<Context, 'registry' | 'wheel' | 'identity' | 'log'>, onChange: () => void) {
    this.#context = context;
    this.#onChange = onChange;
    this.#unwatch = context.registry.watchStaleness(() => this.#catchUp());
    this.#catchUp();
  }

  get vouches(): boolean {
    return this.#isCaughtUp && !this.#isStranger && this.#context.registry.staleMs === 0;
  }

  /** Whether a list of all that exists may be told, although one that exists may be missing: a new client has nothing to delete. */
  get mayTellAll(): boolean {
    return this.vouches || !this.#hasHistory;
  }

  /** The client has resources of an earlier stream. @param version that it shows; undefined for none */
  heardOf(version: string | undefined): void {
    this.#hasHistory = true;
    if (version === undefined || this.#isStranger || version.startsWith(`${storeOf(this.#context.identity.registryId)}.`)) return;
    this.#isStranger = true;
    const timer = this.#context.wheel.schedule(strangerGraceMs, () => {
      this.#isStranger = false;
      this.#onChange();
    });
    this.#cancelGrace = () => timer.cancel();
  }

  end(): void {
    this.#ended = true;
    this.#unwatch();
    this.#cancelGrace();
  }

  #catchUp(): void {
    const { registry, log } = this.#context;
    if (registry.isOnlyWriter) {
      this.#isCaughtUp = true;
      return;
    }
    registry.barrier().then(
      () => {
        if (this.#ended) return;
        this.#isCaughtUp = true;
        this.#onChange();
      },
      // The node is stale then, and tells when it follows the store again.
      (err: unknown) => log.debug({ err }, 'a stream of xDS began while this node does not follow its store'),
    );
  }
}

/** Tells versions of one store from those of another. */
export function storeOf(registryId: string): string {
  return registryId.slice(0, 8);
}
