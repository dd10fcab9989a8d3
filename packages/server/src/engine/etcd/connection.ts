/**
 * The connection to an etcd cluster: uses one member, and changes to another when that does not answer, has no leader, or is
 * gone. It uses the member that answers first, so nodes spread over the members near to them.
 *
 *   connecting ──a member answers──► connected ──a check fails──► connecting
 *
 * A call fails when no member serves within `waitMs`. The caller decides about the transaction of a failed call.
 */

import { status, type ClientDuplexStream } from '@grpc/grpc-js';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { Endpoint } from './endpoint.ts';
import { advice, CallError, callError, isLeaderChange } from './errors.ts';
import type { EtcdOptions } from './options.ts';
import type { Method } from './wire.ts';

/** How often the member in use is checked, and how long it may take to answer: a frozen one is noticed in 3 s. */
const checkEveryMs = 1_000;
const checkMs = 2_000;

/** Pause between two rounds of attempts while no member serves. */
const againMs = 250;

/** Tries of a read: an election has one change of the leader, or a few. */
const readTriesMax = 3;

/** How long a call waits for a member. */
const waitMs = 1_500;

export class Connection {
  readonly #options: EtcdOptions;
  readonly #clock: Clock;
  #current: Endpoint | undefined;
  #number = 0;
  #closed = false;
  /** Why no member serves. */
  #reason = 'no member has answered yet';
  #waiting: (() => void)[] = [];
  #cancelTimer = () => {};

  /** Connects in the background, beginning with the first use. */
  constructor(options: EtcdOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Rises with each change of the member. */
  get number(): number {
    return this.#number;
  }

  /**
   * Connects for the first time.
   * @throws RegistryError `unavailable` when no member serves; `failed_precondition` when one is too old; `invalid_argument`
   *   when a file cannot be read
   */
  async start(): Promise<void> {
    try {
      this.#use(await this.#race());
    } catch (error) {
      throw isRegistryError(error) ? error : new RegistryError('unavailable', `etcd cannot be used: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** @throws CallError; `unreached` is true when no member serves, so nothing was sent */
  async call<Q, A>(method: Method<Q, A>, request: Q, ms: number): Promise<A> {
    const endpoint = await this.#serving();
    return endpoint.call(method, request, ms);
  }

  /** As `call`, for reads: one is sent again when etcd's leader changes meanwhile. */
  async read<Q, A>(method: Method<Q, A>, request: Q, ms: number): Promise<A> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.call(method, request, ms);
      } catch (error) {
        if (tries >= readTriesMax || !isLeaderChange(callError(error))) throw error;
      }
    }
  }

  /** @throws CallError as `call` */
  async stream<Q, A>(method: Method<Q, A>): Promise<ClientDuplexStream<Q, A>> {
    return (await this.#serving()).stream(method);
  }

  /** Ends every call and stream with an error. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#current?.close();
    this.#current = undefined;
    this.#wake();
  }

  async #serving(): Promise<Endpoint> {
    if (this.#current === undefined && !this.#closed) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.timer(waitMs, resolve);
        this.#waiting.push(() => {
          cancel();
          resolve();
        });
      });
    }
    if (this.#closed) throw new Unreached('the engine is closed');
    if (this.#current === undefined) throw new Unreached(this.#reason);
    return this.#current;
  }

  #use(endpoint: Endpoint): void {
    this.#current = endpoint;
    this.#number++;
    this.#wake();
    this.#checkLater(endpoint);
    endpoint.onLost(() => this.#leave(endpoint, `the connection to ${endpoint.url} was lost`));
  }

  #checkLater(endpoint: Endpoint): void {
    this.#cancelTimer = this.#clock.timer(checkEveryMs, () => void this.#check(endpoint));
  }

  async #check(endpoint: Endpoint): Promise<void> {
    try {
      await endpoint.check(checkMs);
      if (endpoint === this.#current) this.#checkLater(endpoint);
    } catch (error) {
      this.#leave(endpoint, reasonOf(error));
    }
  }

  /** Its calls and streams fail, and another member takes its place. */
  #leave(endpoint: Endpoint, reason: string): void {
    if (endpoint !== this.#current) return;
    this.#reason = reason;
    this.#current = undefined;
    this.#cancelTimer();
    endpoint.close();
    void this.#connect();
  }

  async #connect(): Promise<void> {
    try {
      const endpoint = await this.#race();
      if (this.#closed) endpoint.close();
      else this.#use(endpoint);
    } catch (error) {
      if (this.#closed) return;
      this.#reason = reasonOf(error);
      this.#cancelTimer = this.#clock.timer(againMs, () => void this.#connect());
    }
  }

  /** The first member that serves. */
  async #race(): Promise<Endpoint> {
    const { urls } = this.#options;
    let chosen: Endpoint | undefined;
    const attempts = urls.map(async (url) => {
      const endpoint = await Endpoint.open(url, this.#options, this.#clock);
      if (chosen === undefined) chosen = endpoint;
      else if (chosen !== endpoint) endpoint.close();
      return endpoint;
    });
    try {
      return await Promise.any(attempts);
    } catch (error) {
      const { errors } = error as AggregateError;
      throw errors.find((each) => isRegistryError(each)) ?? new CallError(status.UNAVAILABLE, [...new Set(errors.map(reasonOf))].join('; '));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** No member serves, so nothing was sent. */
export class Unreached extends CallError {
  constructor(reason: string) {
    super(status.UNAVAILABLE, reason);
    this.name = 'Unreached';
  }
}

function reasonOf(error: unknown): string {
  return isRegistryError(error) ? error.message : advice(callError(error));
}
