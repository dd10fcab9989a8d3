/**
 * The views that this client watches: requested when a caller needs them, updated over the current link,
 * dropped when no caller has used them for a while.
 */

import {
  RegistryError,
  frameLimits,
  toRegistryError,
  type FrameView,
  type ReplyFrame,
  type WatchedView,
  type WelcomeFrame,
} from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import { CachedView, type Known } from './cached-view.ts';
import type { RegistryConnection, ConnectionPart } from './registry-connection.ts';
import { noNamespaces, viewKey } from './view-name.ts';

/** A view that was not used for one to two of these periods is dropped; in milliseconds. */
const unusedMs = 60_000;

/** Pause before a refused view is requested again: the token may have got the right meanwhile. */
const deniedMs = 10_000;

/** The registry's answers to one frame of these stay well below its buffer's limit, if they are small. */
const batchMax = 500;
const batchBytesMax = frameLimits.frameBytesMax / 4;

export interface WatchedViewsOptions {
  readonly connection: Pick<RegistryConnection, 'welcome' | 'server' | 'ask' | 'urge'>;
  readonly clock: Clock;
  /** Content of a view before its first use, if any. */
  readonly restore: (view: FrameView) => Known | undefined;
  /** Called with a view of the connected registry: when its content is new, and when it stops being current. */
  readonly onContent: (view: CachedView) => void;
}

export class WatchedViews implements ConnectionPart {
  readonly #options: WatchedViewsOptions;
  readonly #views = new Map<string, CachedView>();
  /** Views to ask for at the end of this turn. */
  readonly #wanted = new Set<CachedView>();
  #closed = false;
  /** As `CachedView.staleSince`, for views that are used from now on. */
  #staleSince: number | undefined;
  #cancelSettle: () => void = () => {};
  #cancelSweep: () => void = () => {};

  constructor(options: WatchedViewsOptions) {
    this.#options = options;
  }

  /** The view, watched from now on. */
  use(view: FrameView): CachedView {
    const name = viewKey(view);
    let cached = this.#views.get(name);
    if (cached === undefined) {
      cached = new CachedView(view, this.#options.clock);
      cached.staleSince = this.#staleSince;
      if (this.#views.size === 0) this.#sweepLater();
      this.#views.set(name, cached);
      const known = this.#options.restore(view);
      if (known !== undefined) cached.restore(known);
      if (this.#closed) cached.failure = closedError();
      this.#want(cached);
    }
    cached.used = true;
    return cached;
  }

  /** As `use`, and asks again for a view that the registry has refused before. */
  useAgain(view: FrameView): CachedView {
    const cached = this.use(view);
    this.#options.connection.urge();
    // The next attempt shows whether the registry still refuses it.
    cached.refusal = undefined;
    if (cached.failure !== undefined && !this.#closed) {
      cached.failure = undefined;
      this.#want(cached);
    }
    return cached;
  }

  /** No view will have new content. */
  get isClosed(): boolean {
    return this.#closed;
  }

  opened(): void {}

  greeted({ staleMs = 0 }: WelcomeFrame): void {
    this.#freshness(staleMs);
    for (const view of this.#views.values()) this.#want(view);
  }

  pushed(frame: ReplyFrame): void {
    switch (frame.type) {
      case 'snapshot': {
        const view = this.#views.get(viewKey(frame.view));
        if (view?.snapshot(frame) === true) this.#tellContent(view);
        return;
      }
      case 'delta': {
        const view = this.#views.get(viewKey(frame.view));
        if (view === undefined) return;
        if (view.delta(frame)) this.#tellContent(view);
        else this.#ask([view], { anew: true });
        return;
      }
      case 'freshness':
        this.#freshness(frame.staleMs);
        return;
      case 'watch-ended':
        this.#failed(this.#views.get(viewKey(frame.view)), new RegistryError(frame.code, frame.message));
        return;
      default:
    }
  }

  lost(): void {
    this.#staleSince = undefined;
    for (const view of this.#views.values()) this.#lost(view);
  }

  refused(error: RegistryError): void {
    for (const view of this.#views.values()) {
      view.refusal = error;
      if (view.hopeless === error) view.tell();
    }
  }

  closed(): void {
    this.#cancelSettle();
    this.#cancelSweep();
    this.#closed = true;
    for (const view of this.#views.values()) this.#failed(view, closedError());
  }

  /** @param staleMs milliseconds since the registry was last known to show what is in its store; 0 while it follows it */
  #freshness(staleMs: number): void {
    this.#staleSince = staleMs === 0 ? undefined : this.#options.clock.monotonic() - staleMs;
    for (const view of this.#views.values()) {
      const wasCurrent = view.current;
      view.staleSince = this.#staleSince;
      if (wasCurrent && !view.current) this.#options.onContent(view);
    }
  }

  #tellContent(view: CachedView): void {
    view.registry = this.#options.connection.welcome?.registry;
    this.#options.onContent(view);
  }

  #lost(view: CachedView): void {
    if (view.current) this.#options.onContent(view);
    view.lost();
  }

  #failed(view: CachedView | undefined, error: RegistryError): void {
    if (view === undefined) return;
    this.#lost(view);
    view.failure = error;
    view.tell();
    if (error.code === 'permission_denied') this.#askAgain(view);
  }

  #askAgain(view: CachedView): void {
    this.#options.clock.timer(deniedMs, () => {
      const stillWanted = this.#views.get(viewKey(view.view)) === view && !this.#closed;
      if (stillWanted && view.failure !== undefined) this.#want(view);
    });
  }

  #want(view: CachedView): void {
    const { welcome } = this.#options.connection;
    if (welcome === undefined) return;
    if (view.registry !== undefined && view.registry !== welcome.registry) this.#replaced(view, welcome);
    if (this.#wanted.size === 0) queueMicrotask(() => this.#askWanted());
    this.#wanted.add(view);
  }

  #replaced(view: CachedView, { graceMs }: WelcomeFrame): void {
    view.replaced(view.view.kind === 'service');
    this.#cancelSettle();
    // Instances notice the new registry at the same moment as this client, and have this time to register
    // again.
    this.#cancelSettle = this.#options.clock.timer(graceMs, () => {
      for (const each of this.#views.values()) each.settle();
    });
  }

  #askWanted(): void {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    let batch: CachedView[] = [];
    let bytes = 0;
    for (const view of wanted) {
      bytes += Buffer.byteLength(view.view.name) * 2 + 150;
      if (batch.length >= batchMax || bytes > batchBytesMax) {
        this.#ask(batch, { anew: false });
        batch = [];
        bytes = 0;
      }
      batch.push(view);
    }
    if (batch.length > 0) this.#ask(batch, { anew: false });
  }

  /** @param anew request the whole content, even if some is known */
  #ask(views: readonly CachedView[], { anew }: { anew: boolean }): void {
    const { connection } = this.#options;
    const { welcome } = connection;
    if (welcome === undefined) return;
    if (welcome.namespace === undefined && views.some(({ view }) => view.namespace !== undefined)) {
      return this.#withoutNamespaces(views, anew, connection.server);
    }
    const asked = views.map(({ view, resumable }): WatchedView => {
      return anew || resumable === undefined ? view : { ...view, revision: resumable };
    });
    // Not repeatable: the next link requests everything again.
    connection.ask({ type: 'watch', views: asked }, { repeatable: false, timeoutMs: Infinity }).then(
      (reply) => {
        if (reply.type !== 'watching' || connection.welcome !== welcome) return;
        views.forEach((view, index) => {
          if (view.revision !== undefined && reply.revisions[index] === view.revision) this.#confirmed(view);
        });
      },
      (error: unknown) => {
        if (connection.welcome !== welcome) return;
        if (views.length > 1) for (const view of views) this.#ask([view], { anew });
        else this.#failed(views[0], toRegistryError(error));
      },
    );
  }

  /** A registry without namespaces would return the views of `default` for all of them. */
  #withoutNamespaces(views: readonly CachedView[], anew: boolean, server: string | undefined): void {
    const known = views.filter(({ view }) => view.namespace === undefined);
    if (known.length > 0) this.#ask(known, { anew });
    for (const view of views) if (view.view.namespace !== undefined) this.#failed(view, noNamespaces(server, view.view.namespace));
  }

  #confirmed(view: CachedView): void {
    const wasCurrent = view.current;
    view.confirm();
    if (!wasCurrent) this.#tellContent(view);
  }

  #sweepLater(): void {
    this.#cancelSweep();
    this.#cancelSweep = this.#options.clock.timer(unusedMs, () => {
      const unused = [...this.#views.values()].filter((view) => {
        const idle = !view.used && !view.watched;
        view.used = false;
        return idle;
      });
      // A refused view may be allowed now.
      for (const view of this.#views.values()) if (view.failure !== undefined) this.#want(view);
      for (const view of unused) {
        this.#views.delete(viewKey(view.view));
        this.#wanted.delete(view);
      }
      this.#unwatch(unused.map(({ view }) => view));
      if (this.#views.size > 0) this.#sweepLater();
    });
  }

  #unwatch(views: readonly FrameView[]): void {
    const { connection } = this.#options;
    if (connection.welcome === undefined) return;
    for (let start = 0; start < views.length; start += batchMax) {
      const ask = { type: 'unwatch', views: views.slice(start, start + batchMax) } as const;
      // A link that ends meanwhile has unwatched everything.
      connection.ask(ask, { repeatable: false, timeoutMs: Infinity }).catch(() => {});
    }
  }
}

function closedError(): RegistryError {
  return new RegistryError('cancelled', 'the client is closed');
}
