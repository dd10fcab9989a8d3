/**
 * A load-balancing policy of grpc-js around a balancer of this package:
 *
 *     instances ─► a connection each (grpc's pick_first) ─► those that are connected ─► Router ─► the call
 *
 * What connects and reconnects is grpc's; which connected instance a call goes to is ours. An instance whose
 * connection is lost is out at once; how calls end is told to the balancer, with what the server says of its load
 * in the trailers. Latency is the time of the whole call, so for long streams choose a policy that counts calls.
 */

import { connectivityState, experimental, status, type ChannelOptions, type Metadata } from '@grpc/grpc-js';
import type { Instance } from '@rollcall/protocol';
import type { BalancerFactory, OutcomeResult } from '../balancer/balancer.ts';
import { Picker } from '../routing/picker.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts';
import { type Endpoint, identityOf } from '../endpoint.ts';
import { decodeLoadReport, loadTrailer } from '../load-report/orca.ts';
import { Router } from '../routing/router.ts';
import type { ZoneOptions } from '../routing/routing-options.ts';
import { policies, policyPrefix, type PolicyName } from './policies.ts';
import { endpointOf, instancesAttribute } from './resolver.ts';

interface Config {
  readonly balancer: object;
  readonly keyHeader: string | undefined;
  readonly zone: ZoneOptions | undefined;
}

interface Child {
  instance: Instance;
  readonly leaf: experimental.LeafLoadBalancer;
}

/** What a test drives. */
export interface PolicySurroundings {
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Registers all policies for this process; once is enough. */
export function registerPolicies({ clock = systemClock, random = systemRandom }: PolicySurroundings = {}): void {
  for (const name of Object.keys(policies) as PolicyName[]) {
    const typeName = policyPrefix + name;
    if (experimental.isLoadBalancerNameRegistered(typeName)) continue;
    const PolicyConfig = configOf(typeName, policies[name]);
    const LoadBalancer = class extends RollcallLoadBalancer {
      constructor(helper: experimental.ChannelControlHelper) {
        super(helper, typeName, clock, random);
      }
    };
    experimental.registerLoadBalancerType(typeName, LoadBalancer, PolicyConfig);
  }
}

interface PolicyConfig extends experimental.TypedLoadBalancingConfig {
  readonly factory: BalancerFactory;
  readonly keyHeader: string | undefined;
  readonly zone: ZoneOptions | undefined;
}

function configOf(typeName: string, factoryOf: (config: object) => BalancerFactory) {
  return class implements PolicyConfig {
    readonly factory: BalancerFactory;
    readonly #config: Config;

    /** @throws RegistryError `invalid_argument` for an option of the balancer that is out of its range */
    constructor(config: Config) {
      this.#config = config;
      this.factory = factoryOf(config.balancer);
    }

    get keyHeader(): string | undefined {
      return this.#config.keyHeader;
    }

    get zone(): ZoneOptions | undefined {
      return this.#config.zone;
    }

    getLoadBalancerName(): string {
      return typeName;
    }

    toJsonObject(): object {
      return { [typeName]: this.#config };
    }

    static createFromJson(json: Partial<Config>) {
      return new this({ balancer: json.balancer ?? {}, keyHeader: json.keyHeader, zone: json.zone });
    }
  };
}

class RollcallLoadBalancer implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  readonly #childHelper: experimental.ChannelControlHelper;
  readonly #typeName: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #children = new Map<string, Child>();
  #router: Router | undefined;
  #config = '';
  #keyHeader: string | undefined;
  #state = connectivityState.IDLE;
  #updating = false;
  #lastError = 'no connection was tried yet';

  constructor(helper: experimental.ChannelControlHelper, typeName: string, clock: Clock, random: Random) {
    this.#helper = helper;
    this.#typeName = typeName;
    this.#clock = clock;
    this.#random = random;
    this.#childHelper = experimental.createChildChannelControlHelper(helper, {
      updateState: (_state, _picker, error) => {
        if (error !== null) this.#lastError = error;
        this.#report();
      },
    });
  }

  updateAddressList(
    list: experimental.StatusOr<experimental.Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    note: string,
  ): boolean {
    if (!list.ok) {
      // A list that was known is better than none.
      if (this.#children.size > 0) return true;
      this.#update(connectivityState.TRANSIENT_FAILURE, new experimental.UnavailablePicker(list.error), list.error.details);
      return true;
    }
    const { factory, keyHeader, zone } = config as PolicyConfig;
    const described = JSON.stringify(config.toJsonObject());
    this.#keyHeader = keyHeader;
    if (this.#router === undefined || described !== this.#config) {
      const random = new SeededRandom(this.#random() * 2 ** 32);
      this.#router = new Router(zone === undefined ? {} : { zone }, () => new Picker(factory, {}, random), random);
      this.#config = described;
    }
    this.#connect(instancesOf(list.value, options), options, note);
    this.#report();
    return true;
  }

  exitIdle(): void {
    for (const { leaf } of this.#children.values()) leaf.exitIdle();
  }

  /** Connections begin anew by themselves. */
  resetBackoff(): void {}

  destroy(): void {
    for (const { leaf } of this.#children.values()) leaf.destroy();
    this.#children.clear();
  }

  getTypeName(): string {
    return this.#typeName;
  }

  #connect(instances: readonly Instance[], options: ChannelOptions, note: string): void {
    // Leaves report while they are made; one report of all of them follows.
    this.#updating = true;
    const wanted = new Map(instances.map((instance) => [identityOf(instance), instance]));
    for (const [identity, { leaf }] of this.#children) {
      if (wanted.has(identity)) continue;
      leaf.destroy();
      this.#children.delete(identity);
    }
    for (const [identity, instance] of wanted) {
      const known = this.#children.get(identity);
      if (known !== undefined) known.instance = instance;
      else {
        const leaf = new experimental.LeafLoadBalancer(endpointOf(instance), this.#childHelper, options, note);
        this.#children.set(identity, { instance, leaf });
        leaf.startConnecting();
      }
    }
    this.#updating = false;
  }

  #report(): void {
    if (this.#updating) return;
    const children = [...this.#children.values()];
    const inState = (state: connectivityState) => children.filter(({ leaf }) => leaf.getConnectivityState() === state);
    const ready = inState(connectivityState.READY);
    this.#router?.update(ready.map(({ instance }) => instance), this.#clock.monotonic());
    if (ready.length > 0) this.#update(connectivityState.READY, this.#readyPicker(), null);
    else if (inState(connectivityState.CONNECTING).length > 0) this.#update(connectivityState.CONNECTING, new experimental.QueuePicker(this), null);
    else if (inState(connectivityState.TRANSIENT_FAILURE).length > 0) {
      const details = `${this.#typeName}: no instance can be connected to, the last since: ${this.#lastError}`;
      this.#update(connectivityState.TRANSIENT_FAILURE, new experimental.UnavailablePicker({ details }), details);
    } else this.#update(connectivityState.IDLE, new experimental.QueuePicker(this), null);
    // Connections that were lost come back without waiting for a call to need them.
    for (const { leaf } of inState(connectivityState.IDLE)) leaf.exitIdle();
  }

  #update(state: connectivityState, picker: experimental.Picker, error: string | null): void {
    if (this.#state === connectivityState.READY && state !== connectivityState.READY) this.#helper.requestReresolution();
    this.#state = state;
    this.#helper.updateState(state, picker, error);
  }

  #readyPicker(): experimental.Picker {
    const router = this.#router as Router;
    const keyHeader = this.#keyHeader;
    return {
      pick: (args) => {
        const now = this.#clock.monotonic();
        const endpoint = router.pick(now, [], keyHeader === undefined ? undefined : keyOf(args.metadata, keyHeader));
        const child = endpoint && this.#children.get(identityOf(endpoint.instance));
        // Everybody connected is left out, or has just gone: the next picker is on its way.
        if (endpoint === undefined || child === undefined) return new experimental.QueuePicker(this).pick(args);
        return this.#followed(child.leaf.getPicker().pick(args), router, endpoint, now);
      },
    };
  }

  /** Counts the call, and tells the balancer how it ends. */
  #followed(result: experimental.PickResult, router: Router, endpoint: Endpoint, startedAt: number): experimental.PickResult {
    if (result.pickResultType !== experimental.PickResultType.COMPLETE) return result;
    const { onCallStarted, onCallEnded } = result;
    return {
      ...result,
      onCallStarted: () => {
        onCallStarted?.();
        endpoint.inFlight += 1;
      },
      onCallEnded: (code, details, metadata) => {
        onCallEnded?.(code, details, metadata);
        endpoint.inFlight -= 1;
        const now = this.#clock.monotonic();
        router.observe(endpoint, { now, latencyMs: now - startedAt, result: resultOf(code), load: loadOf(metadata) });
      },
    };
  }
}

/** Instances come beside the addresses; without them (another resolver), addresses are all there is. */
function instancesOf(endpoints: readonly experimental.Endpoint[], options: ChannelOptions): readonly Instance[] {
  const given = options[instancesAttribute] as readonly Instance[] | undefined;
  if (given !== undefined) return given;
  return endpoints.flatMap(({ addresses }) =>
    addresses.flatMap((address) => {
      if (!('port' in address)) return [];
      const id = experimental.subchannelAddressToString(address);
      return [{ id, service: '', node: '', address: address.host, port: address.port, tags: [], meta: {}, weight: 1, status: 'passing' as const }];
    }),
  );
}

function keyOf(metadata: Metadata, header: string): string | undefined {
  const [value] = metadata.get(header);
  return typeof value === 'string' ? value : value?.toString('latin1');
}

/** Statuses that say that the server cannot; the others are the application's own answers. */
const failures: ReadonlySet<status> = new Set([
  ...[status.UNKNOWN, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED],
  ...[status.INTERNAL, status.UNAVAILABLE, status.DATA_LOSS],
]);

function resultOf(code: status): OutcomeResult {
  if (code === status.CANCELLED) return 'cancelled';
  return failures.has(code) ? 'failed' : 'ok';
}

function loadOf(trailers: Metadata) {
  const [report] = trailers.get(loadTrailer);
  return report instanceof Uint8Array ? decodeLoadReport(report) : undefined;
}
