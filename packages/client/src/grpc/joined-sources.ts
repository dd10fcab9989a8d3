/**
 * Several sources of instances as one: a service has the instances of all of them. grpc-js has one resolver for a scheme
 * and a process, while a process may have a client for each registry, and static lists.
 */

import { identityOf, type Instance } from '@rollcall/protocol';
import type { PickCounter } from '../connection/pick-reports.ts';
import type { NamedService } from '../integration/service-host.ts';
import type { SnapshotSource, SourcedRoute, SourcedSnapshot } from '../source/snapshot-source.ts';

type Listener = (instances: readonly Instance[]) => void;

export class JoinedSources {
  readonly #sources = new Set<SnapshotSource>();
  readonly #watches = new Set<JoinedWatch>();
  readonly #routeSeekers = new Set<() => void>();

  /** Adds a source, also to watched services; no effect if it was added before. @returns removes it; idempotent */
  add(source: SnapshotSource): () => void {
    if (!this.#sources.has(source)) {
      this.#sources.add(source);
      for (const seek of this.#routeSeekers) seek();
      for (const watch of this.#watches) watch.add([source]);
    }
    return () => {
      this.#sources.delete(source);
      for (const watch of this.#watches) watch.remove(source);
    };
  }

  /** Leases an ordinal among the callers of a service from the first source that can; see `SnapshotSource.lease`. */
  lease(service: NamedService, listener: (ordinal: number) => void): () => void {
    for (const one of this.#sources) {
      const source = inNamespace(one, service.namespace);
      if (source?.lease !== undefined) return source.lease(service.name, listener);
    }
    return () => {};
  }

  /** Reports the requests to a service to the first registry that counts them; see `SnapshotSource.counted`. */
  counted(service: NamedService, counter: PickCounter): () => void {
    for (const one of this.#sources) {
      const source = inNamespace(one, service.namespace);
      if (source?.counted !== undefined) return source.counted(service.name, counter);
    }
    return () => {};
  }

  /** Follows the route of a service in the first source that has routes; see `SnapshotSource.route`. */
  route(service: NamedService, listener: (route: SourcedRoute) => void): () => void {
    let stop: (() => void) | undefined;
    const look = (): void => {
      for (const one of this.#sources) stop ??= inNamespace(one, service.namespace)?.route?.(service.name, listener);
    };
    look();
    // A source that has routes may be added later.
    this.#routeSeekers.add(look);
    return () => {
      this.#routeSeekers.delete(look);
      stop?.();
    };
  }

  /** Reports every change; an empty list only when each source has given an empty list. @returns ends the watch */
  watch(service: NamedService, listener: Listener): () => void {
    const watch = new JoinedWatch(service, listener);
    this.#watches.add(watch);
    watch.add([...this.#sources]);
    return () => {
      this.#watches.delete(watch);
      watch.end();
    };
  }
}

class JoinedWatch {
  readonly #service: NamedService;
  readonly #listener: Listener;
  readonly #stops = new Map<SnapshotSource, () => void>();
  readonly #lists = new Map<SnapshotSource, readonly Instance[]>();
  #ended = false;

  constructor(service: NamedService, listener: Listener) {
    this.#service = service;
    this.#listener = listener;
  }

  add(added: readonly SnapshotSource[]): void {
    const { name, namespace } = this.#service;
    const sources = added.flatMap((source) => {
      const named = inNamespace(source, namespace);
      return named === undefined ? [] : [{ source, named }];
    });
    // The first source may report before the last one is watched, so all are counted from the beginning.
    for (const { source } of sources) this.#stops.set(source, () => {});
    for (const { source, named } of sources) {
      const stop = named.watch(name, ({ instances }: SourcedSnapshot) => {
        this.#lists.set(source, instances);
        this.#tell();
      });
      this.#stops.set(source, stop);
    }
  }

  remove(source: SnapshotSource): void {
    this.#stops.get(source)?.();
    this.#stops.delete(source);
    if (this.#lists.delete(source)) this.#tell();
  }

  end(): void {
    this.#ended = true;
    for (const stop of this.#stops.values()) stop();
  }

  #tell(): void {
    const byIdentity = new Map<string, Instance>();
    for (const instances of this.#lists.values()) {
      for (const instance of instances) if (!byIdentity.has(identityOf(instance))) byIdentity.set(identityOf(instance), instance);
    }
    const complete = this.#lists.size === this.#stops.size;
    if (!this.#ended && (complete || byIdentity.size > 0)) this.#listener([...byIdentity.values()]);
  }
}

/** The source of a namespace; undefined when a namespace is named and the source has none. */
function inNamespace(source: SnapshotSource, namespace: string | undefined): SnapshotSource | undefined {
  return namespace === undefined ? source : source.inNamespace?.(namespace);
}
