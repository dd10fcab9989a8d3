/**
 * The parts of a service that choose an endpoint: the router with its pickers, and the guard before it. They are made from the options, and
 * change with them while requests run: a part whose options stay the same stays, with what it has learned.
 */

import type { BalancerFactory, Probing } from './balancer/balancer.ts';
import { peakEwma } from './balancer/peak-ewma.ts';
import type { RandomSource } from './balancer/seeded-random.ts';
import type { Endpoint } from './endpoint.ts';
import { type BreakerOptions, Breakers } from './resilience/breaker.ts';
import { Ejection, type EjectionListener, type EjectionOptions } from './resilience/ejection.ts';
import type { Reach } from './resilience/reachability.ts';
import type { ServiceEvent } from './resilience/service-event.ts';
import { Guard } from './routing/guard.ts';
import type { SpillListener } from './routing/load-spill.ts';
import { Picker, type PickerSettings } from './routing/picker.ts';
import { type EndpointChooser, Router } from './routing/router.ts';
import { limitsOf, type ServiceOptions } from './service-options.ts';

/** Options that decide which endpoint is chosen. */
export type ChoosingOptions = Pick<
  ServiceOptions,
  'balancer' | 'routing' | 'ejection' | 'panicThreshold' | 'breaker' | 'endpointRequestsMax' | 'tryTimeoutMs'
>;

/** Their inputs besides the options. */
export interface ChoosingSurroundings {
  readonly random: RandomSource;
  /** For balancers that ask endpoints for their load. */
  readonly probing: Probing;
  /** Checks endpoints that accepted no connection. */
  readonly reach: Reach;
  /** Called with ejections, spills and changes of circuits. */
  readonly tell: (event: ServiceEvent) => void;
}

const noEjection: EjectionOptions = {};

export class Choosing {
  readonly router: Router;
  readonly #tell: (event: ServiceEvent) => void;
  #settings: PickerSettings;
  #balancer: { readonly made: BalancerFactory; readonly failureMs: number | undefined } | undefined;
  #breaker: BreakerOptions | undefined;
  #breakers: Breakers | undefined;
  #guard: Guard | undefined;

  /** @throws RegistryError `invalid_argument` when an option is out of its range */
  constructor(options: ChoosingOptions, { random, probing, reach, tell }: ChoosingSurroundings) {
    this.#tell = tell;
    this.#settings = this.#settingsOf(options);
    const heard: Probing = {
      ...probing,
      probe: async (endpoint) => {
        const askedAt = probing.clock.monotonic();
        const load = await probing.probe(endpoint);
        if (load !== undefined) this.router.hear(endpoint, load, askedAt);
        return load;
      },
    };
    this.#heard = (balancer) => (source) => balancer(source, heard);
    const onEject: EjectionListener = ({ authority }, reason, lengthMs) => tell({ kind: 'ejected', endpoint: authority, reason, lengthMs });
    const onSpill: SpillListener = (change) => tell({ kind: 'spill', ...change });
    const makePicker = () => {
      const { balancer, ejection, panicThreshold } = this.#settings;
      return new Picker(this.#heard(balancer), ejection, random, panicThreshold, onEject, reach);
    };
    this.router = new Router(options.routing ?? {}, makePicker, random, onSpill);
    this.#breaker = options.breaker;
    this.#breakers = this.#breakersOf(options);
    this.#guard = this.#guardOf(options);
  }

  /** A balancer that also gets the loads of probed endpoints. */
  readonly #heard: (balancer: BalancerFactory) => BalancerFactory;

  get guard(): Guard | undefined {
    return this.#guard;
  }

  /** The router, or the guard before it; another one after `configure`. */
  get chooser(): EndpointChooser {
    return this.#guard ?? this.router;
  }

  /**
   * Goes by other options from now on.
   * @returns the endpoints that left
   * @throws RegistryError `invalid_argument` when an option is out of its range; then nothing has changed
   */
  configure(options: ChoosingOptions, now: number): readonly Endpoint[] {
    const before = this.#settings;
    const after = this.#settingsOf(options);
    const breakers = options.breaker === this.#breaker ? this.#breakers : this.#breakersOf(options);
    limitsOf(options);
    const change: Partial<PickerSettings> = {
      ...(after.balancer === before.balancer ? {} : { balancer: this.#heard(after.balancer) }),
      ...(after.ejection === before.ejection ? {} : { ejection: after.ejection }),
      panicThreshold: after.panicThreshold,
    };
    // New groups get the new settings, too.
    this.#settings = after;
    let removed: readonly Endpoint[];
    try {
      removed = this.router.configure(options.routing ?? {}, now, (picker) => picker.configure(change));
    } catch (error) {
      this.#settings = before;
      throw error;
    }
    this.#breaker = options.breaker;
    this.#breakers = breakers;
    this.#guard = this.#guardOf(options);
    return removed;
  }

  #settingsOf({ balancer, ejection = noEjection, panicThreshold = 0, tryTimeoutMs }: ChoosingOptions): PickerSettings {
    // Pickers are made with the first instances; errors in their options are reported now.
    void new Ejection(ejection);
    return { balancer: balancer ?? this.#usual(tryTimeoutMs), ejection, panicThreshold };
  }

  /** The balancer of a service whose options name none. */
  #usual(failureMs: number | undefined): BalancerFactory {
    if (this.#balancer === undefined || this.#balancer.failureMs !== failureMs) {
      this.#balancer = { made: peakEwma(failureMs === undefined ? {} : { failureMs }), failureMs };
    }
    return this.#balancer.made;
  }

  #breakersOf({ breaker }: ChoosingOptions): Breakers | undefined {
    return breaker && new Breakers(breaker, ({ authority }, state) => this.#tell({ kind: 'breaker', endpoint: authority, state }));
  }

  #guardOf(options: ChoosingOptions): Guard | undefined {
    const { endpointRequestsMax } = limitsOf(options);
    return this.#breakers !== undefined || endpointRequestsMax !== Infinity ? new Guard(this.router, this.#breakers, endpointRequestsMax) : undefined;
  }
}
