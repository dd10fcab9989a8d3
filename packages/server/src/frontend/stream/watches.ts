/**
 * The views that one stream watches. A slow reader is not sent more: the views that changed in the
 * meantime are remembered, each once, and sent as they are when it has read.
 */

import { RegistryError, type FrameView, type WatchEndedFrame, type WatchedView } from '@rollcall/protocol';
import type { FanOut } from './fan-out.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Outbox } from './outbox.ts';
import { registryView } from './view-content.ts';
import { ViewFeed, type Subscriber, type Subscription } from './view-feed.ts';
import { frameText, type Message } from './wire.ts';

/** The feeds of all watched views of a server. */
export class Feeds {
  readonly #feeds = new Map<string, ViewFeed>();
  readonly #registry: Registry;
  readonly #fanOut: FanOut;

  constructor(registry: Registry, fanOut: FanOut) {
    this.#registry = registry;
    this.#fanOut = fanOut;
  }

  get size(): number {
    return this.#feeds.size;
  }

  /** @throws RegistryError `resource_exhausted` when the view is too large to be watched */
  of(view: FrameView): ViewFeed {
    const name = registryView(view);
    let feed = this.#feeds.get(name);
    if (feed === undefined) {
      feed = new ViewFeed(view, {
        registry: this.#registry,
        fanOut: this.#fanOut,
        onIdle: () => this.#feeds.delete(name),
      });
      this.#feeds.set(name, feed);
    }
    return feed;
  }
}

export interface WatchesOptions {
  readonly feeds: Feeds;
  readonly outbox: Outbox;
  /** Views that may be watched. */
  readonly limit: number;
  /** Bytes that may wait before the reader counts as slow. */
  readonly bufferBytesMax: number;
}

export class Watches implements Subscriber {
  readonly #feeds: Feeds;
  readonly #outbox: Outbox;
  readonly #limit: number;
  readonly #bufferBytesMax: number;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #deferred = new Set<Subscription>();

  constructor(options: WatchesOptions) {
    this.#feeds = options.feeds;
    this.#outbox = options.outbox;
    this.#limit = options.limit;
    this.#bufferBytesMax = options.bufferBytesMax;
  }

  get congested(): boolean {
    return this.#outbox.busy && this.#outbox.bytes > this.#bufferBytesMax;
  }

  /**
   * Watches views, from the revisions that the client has; watching one again starts it anew.
   * @returns where each view stands
   * @throws RegistryError `resource_exhausted` over the limit, or for a view that is too large;
   *   what was watched before stays watched
   */
  watch(views: readonly WatchedView[]): number[] {
    const names = new Set(this.#subscriptions.keys());
    for (const view of views) names.add(registryView(view));
    if (names.size > this.#limit) {
      const message = `the stream would watch ${names.size} views, the limit is ${this.#limit}`;
      throw new RegistryError('resource_exhausted', message);
    }
    return views.map(({ kind, name, revision }) => this.#watch({ kind, name }, revision));
  }

  /** @returns whether any of them was watched */
  unwatch(views: readonly FrameView[]): boolean {
    let any = false;
    for (const view of views) any = this.#cancel(registryView(view)) || any;
    return any;
  }

  /** The reader has read everything: sends what it has missed, until it is slow again. */
  drained(): void {
    for (const subscription of this.#deferred) {
      if (this.congested) return;
      this.#deferred.delete(subscription);
      subscription.catchUp();
    }
  }

  close(): void {
    this.#deferred.clear();
    for (const subscription of this.#subscriptions.values()) subscription.cancel();
    this.#subscriptions.clear();
  }

  push(message: Message): void {
    this.#outbox.write(message);
  }

  defer(subscription: Subscription): void {
    this.#deferred.add(subscription);
  }

  ended(view: FrameView, { code, message }: RegistryError): void {
    this.#cancel(registryView(view));
    const frame: WatchEndedFrame = { type: 'watch-ended', view, code, message };
    this.#outbox.write(frameText(JSON.stringify(frame)));
  }

  #watch(view: FrameView, from: number | undefined): number {
    const name = registryView(view);
    const feed = this.#feeds.of(view);
    // Before the old one is cancelled, or the feed would end and begin again.
    const { subscription, revision } = feed.add(this, from);
    this.#cancel(name);
    this.#subscriptions.set(name, subscription);
    return revision;
  }

  #cancel(name: string): boolean {
    const subscription = this.#subscriptions.get(name);
    if (subscription === undefined) return false;
    this.#subscriptions.delete(name);
    this.#deferred.delete(subscription);
    subscription.cancel();
    return true;
  }
}
