/**
 * A load-balancing policy of grpc-js around a balancer of this package:
 *
 *     instances ─► those in use ─► a connection each (grpc's pick_first) ─► ChannelRouter ─► the call
 *
 * grpc-js connects and reconnects; this file chooses the connected instance for each call. An instance whose
 * connection is lost is left out at once; the balancer gets the outcome of each call, with the server's load report
 * from the trailers. Latency is the time of the whole call, so for long streams choose a policy that counts
 * calls.
 */

import { connectivityState, experimental, status, Metadata, type ChannelOptions } from '@grpc/grpc-js';
import { identityOf, isRegistryError, type Instance } from '@rollcall/protocol';
import type { BalancerFactory } from '../balancer/balancer.ts';
import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts';
import type { Endpoint } from '../endpoint.ts';
import { guardedListener } from '../event-listener.ts';
import { RoutedOptions } from '../routed-options.ts';
import type { ServiceOptions } from '../service-options.ts';
import type { SourcedRoute } from '../source/snapshot-source.ts';
import { loadOf, metadataValue, resultOf } from './call-outcome.ts';
import { settingsOption } from './channel-options.ts';
import { ChannelRouter, type ChannelRules, type ChannelSettings } from './channel-router.ts';
import { policies, policyPrefix, type PolicyName } from './policies.ts';
import { Reservations } from './reservations.ts';
import { endpointOf, listAttribute, type ResolvedList } from './resolver.ts';

interface Config {
  readonly balancer: object;
  readonly keyHeader: string | undefined;
}

interface Child {
  instance: Instance;
  readonly leaf: experimental.LeafLoadBalancer;
}

/** Replaced in tests. */
export interface PolicySurroundings {
  readonly clock?: Clock;
  readonly random?: Random;
}

/** After this time, in milliseconds, calls are picked again that waited because breakers or limits excluded all. */
const repickMs = 250;

const noSettings: ChannelSettings = {};

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

    getLoadBalancerName(): string {
      return typeName;
    }

    toJsonObject(): object {
      return { [typeName]: this.#config };
    }

    static createFromJson(json: Partial<Config>) {
      return new this({ balancer: json.balancer ?? {}, keyHeader: json.keyHeader });
    }
  };
}

class RollcallLoadBalancer implements experimental.LoadBalancer {
  readonly #helper: experimental.ChannelControlHelper;
  readonly #childHelper: experimental.ChannelControlHelper;
  readonly #typeName: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #reservations: Reservations;
  readonly #children = new Map<string, Child>();
  #router: ChannelRouter | undefined;
  #config = '';
  #settings = noSettings;
  #keyHeader: string | undefined;
  #routed = new RoutedOptions({});
  /** Revision of the route that was refused last: grpc-js gives it with every list. */
  #refusedRevision: number | undefined;
  #list: ResolvedList = { instances: [] };
  #options: ChannelOptions = {};
  #note = '';
  #stopLease: (() => void) | undefined;
  #stopCounts: (() => void) | undefined;
  #stopRepick: (() => void) | undefined;
  #state = connectivityState.IDLE;
  #updating = false;
  #lastError = 'no connection was tried yet';

  constructor(helper: experimental.ChannelControlHelper, typeName: string, clock: Clock, random: Random) {
    this.#helper = helper;
    this.#typeName = typeName;
    this.#clock = clock;
    this.#random = random;
    this.#reservations = new Reservations(clock);
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
      // An old list is better than none.
      if (this.#children.size > 0) return true;
      this.#update(connectivityState.TRANSIENT_FAILURE, new experimental.UnavailablePicker(list.error), list.error.details);
      return true;
    }
    this.#list = (options[listAttribute] as ResolvedList | undefined) ?? { instances: list.value.flatMap(instancesAt) };
    this.#options = options;
    this.#note = note;
    this.#configure(config as PolicyConfig, (options[settingsOption] as ChannelSettings | undefined) ?? noSettings);
    this.#connect();
    this.#report();
    return true;
  }

  exitIdle(): void {
    for (const { leaf } of this.#children.values()) leaf.exitIdle();
  }

  /** Lost connections are opened again without a call. */
  resetBackoff(): void {}

  destroy(): void {
    this.#stopLease?.();
    this.#stopCounts?.();
    this.#stopRepick?.();
    for (const { leaf } of this.#children.values()) leaf.destroy();
    this.#children.clear();
  }

  getTypeName(): string {
    return this.#typeName;
  }

  #configure(config: PolicyConfig, settings: ChannelSettings): void {
    const described = JSON.stringify(config.toJsonObject());
    if (this.#router === undefined || described !== this.#config || settings !== this.#settings) {
      this.#config = described;
      this.#settings = settings;
      this.#stopLease?.();
      this.#stopLease = undefined;
      const own: ChannelRules = { ...settings, balancer: config.factory, ...(config.keyHeader === undefined ? {} : { keyHeader: config.keyHeader }) };
      this.#keyHeader = config.keyHeader;
      this.#routed = new RoutedOptions(own);
      this.#router = new ChannelRouter(own, this.#clock, this.#random());
      this.#stopCounts?.();
      this.#stopCounts = this.#list.counted?.(this.#router.counts);
    }
    this.#follow(this.#router, this.#list.route);
    if (!this.#router.wantsOrdinal || this.#stopLease !== undefined) return;
    const router = this.#router;
    this.#stopLease = this.#list.lease?.((ordinal) => {
      router.useOrdinal(ordinal);
      this.#connect();
      this.#report();
    });
  }

  /** A route never breaks a call: one that this client cannot follow leaves the last one. */
  #follow(router: ChannelRouter, sourced: SourcedRoute | undefined): void {
    if (sourced === undefined) return;
    const heard = this.#routed.take(sourced, (options) => {
      router.configure(channelRules(options));
      this.#keyHeader = options.keyHeader;
    });
    const tell = guardedListener(this.#settings.onEvent, 'onEvent of a gRPC channel');
    const { revision } = sourced;
    if (heard.kind === 'new') tell({ kind: 'route', revision, words: heard.words });
    else if (heard.kind === 'refused' && this.#refusedRevision !== revision) {
      this.#refusedRevision = revision;
      tell({ kind: 'route-refused', revision, reason: heard.reason });
    }
  }

  #connect(): void {
    // Connections report while they are created; one report of all of them follows.
    this.#updating = true;
    const used = this.#router?.used(this.#list.instances) ?? [];
    const wanted = new Map(used.map((instance) => [identityOf(instance), instance]));
    for (const [identity, { leaf }] of this.#children) {
      if (wanted.has(identity)) continue;
      leaf.destroy();
      this.#children.delete(identity);
    }
    for (const [identity, instance] of wanted) {
      const known = this.#children.get(identity);
      if (known !== undefined) known.instance = instance;
      else {
        const leaf = new experimental.LeafLoadBalancer(endpointOf(instance), this.#childHelper, this.#options, this.#note);
        this.#children.set(identity, { instance, leaf });
        leaf.startConnecting();
      }
    }
    this.#updating = false;
  }

  #isConnected(instance: Instance): boolean {
    return this.#children.get(identityOf(instance))?.leaf.getConnectivityState() === connectivityState.READY;
  }

  #report(): void {
    if (this.#updating) return;
    const children = [...this.#children.values()];
    const inState = (state: connectivityState) => children.filter(({ leaf }) => leaf.getConnectivityState() === state);
    this.#router?.update(children.map(({ instance }) => instance), (instance) => this.#isConnected(instance));
    if (inState(connectivityState.READY).length > 0) this.#update(connectivityState.READY, this.#readyPicker(), null);
    else if (inState(connectivityState.CONNECTING).length > 0) this.#update(connectivityState.CONNECTING, new experimental.QueuePicker(this), null);
    else if (inState(connectivityState.TRANSIENT_FAILURE).length > 0) {
      this.#fail(`no instance can be connected to, the last since: ${this.#lastError}`);
    } else if (children.length === 0) {
      this.#fail('no instance of the service is selected for this channel');
    } else this.#update(connectivityState.IDLE, new experimental.QueuePicker(this), null);
    // Lost connections are opened again without waiting for a call.
    for (const { leaf } of inState(connectivityState.IDLE)) leaf.exitIdle();
  }

  #fail(why: string): void {
    const details = `${this.#typeName}: ${why}`;
    this.#update(connectivityState.TRANSIENT_FAILURE, new experimental.UnavailablePicker({ details }), details);
  }

  #update(state: connectivityState, picker: experimental.Picker, error: string | null): void {
    if (this.#state === connectivityState.READY && state !== connectivityState.READY) this.#helper.requestReresolution();
    this.#state = state;
    this.#helper.updateState(state, picker, error);
  }

  #readyPicker(): experimental.Picker {
    const router = this.#router as ChannelRouter;
    const keyHeader = this.#keyHeader;
    return {
      pick: (args) => {
        const { metadata } = args;
        const now = this.#clock.monotonic();
        const key = keyHeader === undefined ? undefined : metadataValue(metadata, keyHeader);
        try {
          const endpoint = router.pick(now, key, (name) => metadataValue(metadata, name));
          const child = endpoint && this.#children.get(identityOf(endpoint.instance));
          // Every connected instance is left out, or has just left; the next picker follows soon.
          if (endpoint === undefined || child === undefined) return new experimental.QueuePicker(this).pick(args);
          return this.#followed(child.leaf.getPicker().pick(args), router, endpoint, now);
        } catch (error) {
          if (!isRegistryError(error, 'unavailable')) throw error;
          return this.#refused(error.message);
        }
      },
    };
  }

  /** Breakers or limits let no instance be called: the call fails, or waits with `waitForReady`. */
  #refused(details: string): experimental.PickResult {
    // Calls that wait are picked again when there is a new picker.
    this.#stopRepick ??= this.#clock.timer(repickMs, () => {
      this.#stopRepick = undefined;
      this.#report();
    });
    const refusal = { code: status.UNAVAILABLE, details, metadata: new Metadata() };
    return {
      ...{ pickResultType: experimental.PickResultType.TRANSIENT_FAILURE, subchannel: null, status: refusal },
      ...{ onCallStarted: null, onCallEnded: null },
    };
  }

  /** Counts the call, and reports its outcome to the balancer. */
  #followed(result: experimental.PickResult, router: ChannelRouter, endpoint: Endpoint, startedAt: number): experimental.PickResult {
    if (result.pickResultType !== experimental.PickResultType.COMPLETE) return result;
    const { onCallStarted, onCallEnded } = result;
    const reservation = this.#reservations.take(endpoint);
    return {
      ...result,
      onCallStarted: () => {
        onCallStarted?.();
        this.#reservations.started(reservation);
      },
      onCallEnded: (code, details, metadata) => {
        onCallEnded?.(code, details, metadata);
        this.#reservations.ended(reservation);
        const now = this.#clock.monotonic();
        router.observe(endpoint, { now, latencyMs: now - startedAt, result: resultOf(code), load: loadOf(metadata) });
      },
    };
  }
}

/** Instances from another resolver, which has only addresses. */
function instancesAt({ addresses }: experimental.Endpoint): readonly Instance[] {
  return addresses.flatMap((address) => {
    if (!('port' in address)) return [];
    const id = experimental.subchannelAddressToString(address);
    return [{ id, service: '', node: '', address: address.host, port: address.port, tags: [], meta: {}, weight: 1, status: 'passing' as const }];
  });
}

/** The options that apply to a channel; limits of requests are gRPC's own (`routed-service-config.ts`). */
function channelRules({ balancer, routing, ejection, panicThreshold, breaker, endpointRequestsMax, onEvent }: ServiceOptions): ChannelRules {
  return {
    ...(balancer === undefined ? {} : { balancer }),
    ...(routing === undefined ? {} : { routing }),
    ...(ejection === undefined ? {} : { ejection }),
    ...(panicThreshold === undefined ? {} : { panicThreshold }),
    ...(breaker === undefined ? {} : { breaker }),
    ...(endpointRequestsMax === undefined ? {} : { endpointRequestsMax }),
    ...(onEvent === undefined ? {} : { onEvent }),
  };
}
