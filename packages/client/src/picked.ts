/** An instance that was chosen for one request of the program's own transport, until that request has ended. */

import type { Instance } from '@rollcall/protocol';
import type { OutcomeResult } from './balancer/balancer.ts';
import type { Clock } from './clock.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointChooser } from './routing/router.ts';

/** An instance chosen for one request. Call `done` when the request has ended, well or not: balancers need it. */
export interface Picked {
  readonly instance: Instance;
  readonly address: string;
  readonly port: number;
  /**
   * Ends the request; only the first call counts. The latency is the time since the pick.
   * @param result `ok` by default; an instance that is `unreachable`, or whose connection is `broken`, is ejected
   */
  done(result?: OutcomeResult): void;
}

export class Pick implements Picked {
  readonly endpoint: Endpoint;
  readonly instance: Instance;
  readonly #picker: EndpointChooser;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #isDone = false;

  constructor(endpoint: Endpoint, picker: EndpointChooser, clock: Clock, now: number) {
    this.endpoint = endpoint;
    this.instance = endpoint.instance;
    this.#picker = picker;
    this.#clock = clock;
    this.#startedAt = now;
    endpoint.inFlight += 1;
  }

  get address(): string {
    return this.instance.address;
  }

  get port(): number {
    return this.instance.port;
  }

  done(result: OutcomeResult = 'ok'): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.endpoint.inFlight -= 1;
    const now = this.#clock.monotonic();
    this.#picker.observe(this.endpoint, { now, latencyMs: now - this.#startedAt, result });
  }
}
