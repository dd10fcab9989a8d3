/**
 * Adapts the watched views to a `SnapshotSource`, the form in which the balancing code needs instances.
 */

import { RegistryError, type FrameView, type Instance, type RouteEntry } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { CachedView } from '../connection/cached-view.ts';
import type { Leases } from '../connection/leases.ts';
import type { PickCounter, PickReports } from '../connection/pick-reports.ts';
import { viewIn } from '../connection/view-name.ts';
import type { WatchedViews } from '../connection/watched-views.ts';
import type { SnapshotSource, SourcedRoute, SourcedSnapshot } from './snapshot-source.ts';

export interface WatchCacheOptions {
  readonly views: WatchedViews;
  readonly leases: Pick<Leases, 'want'>;
  readonly pickReports: Pick<PickReports, 'add'>;
  readonly clock: Clock;
  /** Longest that `first` waits for a registry, in milliseconds. */
  readonly timeoutMs: number;
  readonly namespace: string;
}

export class WatchCache implements SnapshotSource {
  readonly namespace: string;
  readonly #options: WatchCacheOptions;
  readonly #views: WatchedViews;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** The latest snapshot of each view that is current: every request reads it. */
  readonly #made = new WeakMap<CachedView, { readonly stamp: number; readonly snapshot: SourcedSnapshot }>();

  constructor(options: WatchCacheOptions) {
    this.#options = options;
    this.namespace = options.namespace;
    this.#views = options.views;
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  inNamespace(namespace: string): WatchCache {
    return namespace === this.namespace ? this : new WatchCache({ ...this.#options, namespace });
  }

  lease(service: string, listener: (ordinal: number) => void): () => void {
    return this.#options.leases.want({ namespace: this.namespace, service }, listener);
  }

  counted(service: string, counter: PickCounter): () => void {
    return this.#options.pickReports.add({ namespace: this.namespace, service }, counter);
  }

  current(service: string): SourcedSnapshot | undefined {
    return this.#snapshot(this.#views.use(this.#viewOf(service)));
  }

  /**
   * @throws RegistryError `unavailable` when no registry could be asked in time, or why it refused;
   *   the signal's reason
   */
  first(service: string, signal?: AbortSignal): Promise<SourcedSnapshot> {
    const view = this.#views.useAgain(this.#viewOf(service));
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) throw signal.reason;
      const end = (): void => {
        stopListening();
        stopTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      const look = (): void => {
        const snapshot = this.#snapshot(view);
        if (snapshot === undefined && view.hopeless === undefined) return;
        end();
        if (snapshot !== undefined) resolve(snapshot);
        else reject(view.hopeless);
      };
      const onAbort = (): void => {
        end();
        reject(signal?.reason);
      };
      const stopListening = view.listen(look);
      const stopTimer = this.#clock.timer(this.#timeoutMs, () => {
        end();
        const message = `no registry could be asked for ${service} within ${this.#timeoutMs} ms, and nothing is cached`;
        reject(new RegistryError('unavailable', message));
      });
      signal?.addEventListener('abort', onAbort);
      look();
    });
  }

  watch(service: string, listener: (snapshot: SourcedSnapshot) => void): () => void {
    const view = this.#views.use(this.#viewOf(service));
    let told = 0;
    const look = (): void => {
      if (view.stamp === told) return;
      told = view.stamp;
      const snapshot = this.#snapshot(view);
      if (snapshot !== undefined) listener(snapshot);
    };
    const stop = view.listen(look);
    look();
    return stop;
  }

  route(service: string, listener: (route: SourcedRoute) => void): () => void {
    const view = this.#views.use(viewIn(this.namespace, 'route', service));
    let told = 0;
    const look = (): void => {
      const { stamp, items, revision = 0 } = view;
      if (stamp === told || items === undefined) return;
      told = stamp;
      const [entry] = items as readonly RouteEntry[];
      listener({ route: entry?.route, revision });
    };
    const stop = view.listen(look);
    look();
    return stop;
  }

  #snapshot(view: CachedView): SourcedSnapshot | undefined {
    const { stamp } = view;
    const made = this.#made.get(view);
    if (view.current && made?.stamp === stamp && !made.snapshot.stale) return made.snapshot;
    const { items } = view;
    if (items === undefined) return undefined;
    const snapshot: SourcedSnapshot = {
      service: view.view.name,
      revision: view.revision ?? made?.snapshot.revision ?? 0,
      instances: items as readonly Instance[],
      stale: !view.current,
      ageMs: view.ageMs,
      origin: view.restored ? 'disk cache' : 'registry',
    };
    this.#made.set(view, { stamp, snapshot });
    return snapshot;
  }

  #viewOf(service: string): FrameView {
    return viewIn(this.namespace, 'service', service);
  }
}
