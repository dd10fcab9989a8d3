/**
 * The router of one channel, the same as that of `fetch`: selectors, canaries, subsets, levels, zones, ejection, and
 * the guard with breakers and limits of single instances. It knows neither connections nor calls.
 *
 * An instance without a connection counts as critical: so it gets no call while others are connected, and levels and
 * zones that lost connections pass calls on to others.
 */

import type { Instance } from '@rollcall/protocol';
import type { Outcome } from '../balancer/balancer.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { Choosing } from '../choosing.ts';
import type { Clock } from '../clock.ts';
import type { PickCounter } from '../connection/pick-reports.ts';
import { type Endpoint, isReady } from '../endpoint.ts';
import { guardedListener } from '../event-listener.ts';
import type { HeaderReader } from '../routing/canary.ts';
import type { EndpointChooser } from '../routing/router.ts';
import type { ServiceOptions } from '../service-options.ts';

/** The options of a service that apply to a gRPC channel, too. */
export type ChannelSettings = Pick<ServiceOptions, 'routing' | 'ejection' | 'panicThreshold' | 'breaker' | 'endpointRequestsMax' | 'followRoute' | 'onEvent'>;

/** The settings with the balancer of the channel's policy, as the route of the service changes them. */
export type ChannelRules = ChannelSettings & Pick<ServiceOptions, 'balancer' | 'keyHeader'>;

const noEndpoints: readonly Endpoint[] = [];

export class ChannelRouter {
  readonly #choosing: Choosing;
  #chooser: EndpointChooser;
  readonly #clock: Pick<Clock, 'monotonic'>;
  #isConnected: (endpoint: Endpoint) => boolean = () => true;

  /**
   * @param seed a number from 0 up to, but not including, 1
   * @throws RegistryError `invalid_argument` for an option that is unknown or out of its range
   */
  constructor(options: ChannelRules, clock: Pick<Clock, 'monotonic'>, seed: number) {
    this.#clock = clock;
    this.#choosing = new Choosing(options, {
      random: new SeededRandom(seed * 2 ** 32),
      // A gRPC server reports its load with its answers.
      probing: { clock, probe: () => Promise.resolve(undefined) },
      // grpc-js owns the connections and reports them.
      reach: () => Promise.resolve(true),
      tell: guardedListener(options.onEvent, 'onEvent of a gRPC channel'),
    });
    this.#chooser = this.#choosing.chooser;
  }

  /** Goes by other options; `update` must follow. @throws RegistryError `invalid_argument`; then nothing has changed */
  configure(options: ChannelRules): void {
    this.#choosing.configure(options, this.#clock.monotonic());
    this.#chooser = this.#choosing.chooser;
  }

  /** What became of the calls. */
  get counts(): PickCounter {
    return this.#choosing.router.counts;
  }

  /** Whether an ordinal should be leased for `useOrdinal`. */
  get wantsOrdinal(): boolean {
    return this.#choosing.router.wantsOrdinal;
  }

  useOrdinal(ordinal: number): void {
    this.#choosing.router.useOrdinal(ordinal, this.#clock.monotonic());
  }

  /** The instances, among all, to connect to. */
  used(instances: readonly Instance[]): readonly Instance[] {
    return this.#choosing.router.used(instances);
  }

  /**
   * Takes over the list and the state of its connections; must be called whenever either changes.
   * @param instances those in use
   */
  update(instances: readonly Instance[], isConnected: (instance: Instance) => boolean): void {
    this.#isConnected = ({ instance }) => isConnected(instance);
    const connected = instances.filter(isConnected);
    // Connected instances that are draining or critical are better than none; then unconnected ones are left out.
    const list = connected.some(isReady) ? instances.map((instance) => (isConnected(instance) ? instance : withoutConnection(instance))) : connected;
    this.#choosing.router.update(list, this.#clock.monotonic());
  }

  /**
   * A connected endpoint for a call; undefined when there is none.
   * @throws RegistryError `unavailable` when endpoints are connected, and breakers or limits exclude all of
   *   them
   */
  pick(now: number, key: string | undefined, header: HeaderReader): Endpoint | undefined {
    const endpoint = this.#chooser.pick(now, noEndpoints, key, header);
    if (endpoint === undefined || this.#isConnected(endpoint)) return endpoint;
    // The group has no connection, and its share does not depend on connections (a canary, a key): use another
    // group.
    const without: Endpoint[] = [];
    this.#choosing.router.any((other) => (this.#isConnected(other) || without.push(other), false));
    const other = this.#chooser.pick(now, without, key, header);
    return other !== undefined && this.#isConnected(other) ? other : undefined;
  }

  observe(endpoint: Endpoint, outcome: Outcome): void {
    this.#chooser.observe(endpoint, outcome);
  }
}

function withoutConnection(instance: Instance): Instance {
  return { ...instance, status: 'critical' };
}
