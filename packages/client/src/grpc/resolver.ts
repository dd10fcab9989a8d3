/**
 * The resolver for grpc-js: `rollcall:///orders` is the service `orders`, as the registry sees it at any time;
 * `rollcall://team-a/orders` is the service of the namespace `team-a`. The list includes draining and critical
 * instances: the policy chooses among them.
 */

import { experimental, status, Metadata, type ChannelOptions } from '@grpc/grpc-js';
import type { Instance } from '@rollcall/protocol';
import type { PickCounter } from '../connection/pick-reports.ts';
import type { NamedService } from '../integration/service-host.ts';
import type { SnapshotSource, SourcedRoute } from '../source/snapshot-source.ts';
import { settingsOption } from './channel-options.ts';
import type { ChannelSettings } from './channel-router.ts';
import { JoinedSources } from './joined-sources.ts';
import { serviceConfigOf } from './routed-service-config.ts';

type Endpoint = experimental.Endpoint;

/** The result of resolving a service, besides addresses. */
export interface ResolvedList {
  readonly instances: readonly Instance[];
  /** The route of the service, not checked; undefined while none is known, or the channel follows none. */
  readonly route?: SourcedRoute | undefined;
  /** Leases an ordinal among the callers of the service; see `SnapshotSource.lease`. */
  readonly lease?: ((listener: (ordinal: number) => void) => () => void) | undefined;
  /** Reports the calls to the service; see `SnapshotSource.counted`. */
  readonly counted?: ((counter: PickCounter) => () => void) | undefined;
}

/** The channel option in which the policy finds it. Options of this prefix do not prevent a shared connection. */
export const listAttribute = `${experimental.SUBCHANNEL_ARGS_EXCLUDE_KEY_PREFIX}.rollcall.list`;

/** One for the whole process, since grpc-js keeps resolvers per process. */
const sources = new JoinedSources();

/**
 * Registers the scheme for this process, and adds a source for all channels, including present ones.
 * @param source of instances: `rollcall.source`, or a `StaticSource`
 * @returns removes the source again; idempotent
 */
export function registerScheme(source: SnapshotSource): () => void {
  experimental.registerResolver('rollcall', resolverOf(sources));
  return sources.add(source);
}

function resolverOf(source: JoinedSources) {
  return class implements experimental.Resolver {
    readonly #service: NamedService;
    readonly #listener: experimental.ResolverListener;
    readonly #options: ChannelOptions;
    #instances: readonly Instance[] | undefined;
    #route: SourcedRoute | undefined;
    #stop: (() => void) | undefined;

    constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener, options: ChannelOptions = {}) {
      this.#options = options;
      this.#service = serviceOf(target);
      this.#listener = listener;
    }

    static getDefaultAuthority(target: experimental.GrpcUri): string {
      return serviceOf(target).name;
    }

    /** The first call begins the watch; after that, every change is reported without a call. */
    updateResolution(): void {
      if (this.#stop !== undefined) return;
      let stopped = false;
      let stop = () => {};
      this.#stop = () => {
        stopped = true;
        stop();
      };
      // Listeners must not be called from here, and a watch may report at once.
      queueMicrotask(() => {
        if (!stopped) stop = this.#follow();
        if (stopped) stop();
      });
    }

    destroy(): void {
      this.#stop?.();
      this.#stop = undefined;
    }

    #follow(): () => void {
      const { followRoute = true } = (this.#options[settingsOption] as ChannelSettings | undefined) ?? {};
      // Before the list, so that the first calls go by the route.
      const stopRoute = followRoute
        ? source.route(this.#service, (route) => {
            this.#route = route;
            if (this.#instances !== undefined) this.#tell(this.#instances);
          })
        : () => {};
      const stopList = source.watch(this.#service, (instances) => {
        this.#instances = instances;
        this.#tell(instances);
      });
      return () => {
        stopRoute();
        stopList();
      };
    }

    #tell(instances: readonly Instance[]): void {
      const reachable = instances.filter(({ port }) => port !== 0);
      const list = reachable.length === 0 ? experimental.statusOrFromError<Endpoint[]>(noInstance(this.#service.name)) : experimental.statusOrFromValue(reachable.map(endpointOf));
      const resolved: ResolvedList = { instances: reachable, route: this.#route, lease: (heard) => source.lease(this.#service, heard), counted: (counter) => source.counted(this.#service, counter) };
      const config = serviceConfigOf(this.#options['grpc.service_config'], this.#route?.route);
      this.#listener(list, { [listAttribute]: resolved }, config && experimental.statusOrFromValue(config), '');
    }
  };
}

/** `rollcall:///orders`, also `rollcall:orders`; `rollcall://team-a/orders` in the namespace `team-a`. */
function serviceOf({ authority, path }: experimental.GrpcUri): NamedService {
  return { name: decodeURIComponent(path.replace(/^\//, '')), namespace: authority || undefined };
}

export function endpointOf({ address, port }: Instance): Endpoint {
  return { addresses: [{ host: address, port }] };
}

function noInstance(service: string) {
  return { code: status.UNAVAILABLE, details: `no instance of ${service} is registered`, metadata: new Metadata() };
}
