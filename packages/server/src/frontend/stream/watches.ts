/**
 * The views that one stream watches. A slow reader gets no more pushes: the views that change meanwhile
 * are noted, each once, and their newest content is sent when it has read. The same holds while the rights
 * of the reader are being checked: nothing is sent until every view has been checked.
 */

import { isItemView, RegistryError, toRegistryError, type ConfigReportFrame, type FrameView, type ItemView, type WatchEndedFrame, type WatchedView } from '@rollcall/protocol';
import { unrestricted } from '../../security/authorizer.ts';
import type { ReaderEntry } from '../../configurations/readers.ts';
import type { StreamAccess } from './access.ts';
import { Audiences, type Audience } from '../../net/view-items/audience.ts';
import { ConfigReading, type ConfigReadingOptions } from './config/config-reading.ts';
import type { FanOut, Pass } from '../../net/fan-out.ts';
import { ItemObserver } from './item-notes.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Outbox } from './outbox.ts';
import { registryView } from './registry-view.ts';
import { ViewFeed, type Subscriber, type Subscription } from './view-feed.ts';
import { frameText, type Message } from './wire.ts';

/** The feeds of all watched views of a server, one for each view and audience. */
export class Feeds {
  readonly audiences = new Audiences();
  readonly #feeds = new Map<Audience, Map<string, ViewFeed>>();
  readonly #registry: Registry;
  readonly #fanOut: FanOut;
  readonly #observer: ItemObserver;

  constructor(registry: Registry, fanOut: FanOut) {
    this.#registry = registry;
    this.#fanOut = fanOut;
    this.#observer = new ItemObserver(registry);
  }

  get size(): number {
    let size = 0;
    for (const feeds of this.#feeds.values()) size += feeds.size;
    return size;
  }

  /** Advances `pass` in turns with the feeds. */
  schedule(pass: Pass): void {
    this.#fanOut.schedule(pass);
  }

  cancel(pass: Pass): void {
    this.#fanOut.cancel(pass);
  }

  /** @throws RegistryError `resource_exhausted` when the view is too large to be watched */
  of(view: ItemView, audience: Audience = unrestricted): ViewFeed {
    const name = registryView(view);
    const feeds = this.#feeds.get(audience) ?? new Map<string, ViewFeed>();
    const known = feeds.get(name);
    if (known !== undefined) return known;
    const onIdle = () => {
      feeds.delete(name);
      if (feeds.size === 0) this.#feeds.delete(audience);
    };
    const feed = new ViewFeed(view, { registry: this.#registry, fanOut: this.#fanOut, observer: this.#observer, audience, onIdle });
    this.#feeds.set(audience, feeds);
    feeds.set(name, feed);
    return feed;
  }
}

export interface WatchesOptions {
  readonly feeds: Feeds;
  readonly outbox: Outbox;
  readonly access: StreamAccess;
  /** Views that may be watched. */
  readonly limit: number;
  /** Bytes that may wait before the reader counts as slow. */
  readonly bufferBytesMax: number;
  /** Who reads configurations, and where that is noted. */
  readonly reader: Pick<ConfigReadingOptions, 'feeds' | 'readers' | 'client' | 'now' | 'onFailure'>;
}

interface Watched {
  readonly view: FrameView;
  readonly audience: Audience;
  readonly subscription: Subscription;
}

export class Watches implements Subscriber {
  readonly #feeds: Feeds;
  readonly #outbox: Outbox;
  readonly #access: StreamAccess;
  readonly #limit: number;
  readonly #bufferBytesMax: number;
  readonly #reader: WatchesOptions['reader'];
  readonly #watched = new Map<string, Watched>();
  readonly #deferred = new Set<Subscription>();
  /** The rights of the reader are being checked. */
  #held = false;

  constructor(options: WatchesOptions) {
    this.#feeds = options.feeds;
    this.#outbox = options.outbox;
    this.#access = options.access;
    this.#limit = options.limit;
    this.#bufferBytesMax = options.bufferBytesMax;
    this.#reader = options.reader;
  }

  get congested(): boolean {
    return this.#held || this.#tooSlow;
  }

  /** Views that are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** The views that are watched. */
  *views(): Generator<FrameView, void, undefined> {
    for (const { view } of this.#watched.values()) yield view;
  }

  /** The configurations that are read, as `who` shows their reader. */
  *readings(): Generator<{ readonly view: FrameView; readonly entry: ReaderEntry }, void, undefined> {
    for (const { view, subscription } of this.#watched.values()) if (subscription instanceof ConfigReading) yield { view, entry: subscription.entry };
  }

  get #tooSlow(): boolean {
    return this.#outbox.busy && this.#outbox.bytes > this.#bufferBytesMax;
  }

  /**
   * Watches views, from the revisions that the client has; watching one again starts it from the beginning.
   * @returns the revision of each view
   * @throws RegistryError `resource_exhausted` over the limit, or for a view that is too large;
   *   `permission_denied`; views that were watched before stay watched
   */
  watch(views: readonly WatchedView[]): number[] {
    const names = new Set(this.#watched.keys());
    for (const view of views) names.add(registryView(view));
    if (names.size > this.#limit) {
      const message = `the stream would watch ${names.size} views, the limit is ${this.#limit}`;
      throw new RegistryError('resource_exhausted', message);
    }
    const audiences = views.map((view) => this.audienceOf(view));
    return views.map((view, at) => this.#watch(view, audiences[at] as Audience));
  }

  /** @throws RegistryError `permission_denied` */
  audienceOf(view: FrameView): Audience {
    const audience = this.#audienceOf(view);
    if (audience === undefined) throw this.#access.unreadable(view);
    return audience;
  }

  #audienceOf(view: FrameView): Audience | undefined {
    return this.#feeds.audiences.of(this.#access.caller, view);
  }

  /** Sends nothing more until `review`: the reader's rights may have changed. */
  hold(): void {
    this.#held = true;
  }

  /** Checks every view again: ends those that may no longer be read, and sends the readable part of the others. */
  review(): void {
    this.#held = false;
    for (const { view, audience, subscription } of this.#watched.values()) {
      const now = this.#audienceOf(view);
      // Rights on a configuration's layers and secrets may have changed.
      if (now !== undefined && subscription instanceof ConfigReading) this.#deferred.add(subscription);
      if (now === audience) continue;
      if (now === undefined) {
        this.ended(view, this.#access.unreadable(view));
        continue;
      }
      try {
        this.#watch(view, now);
      } catch (error) {
        this.ended(view, toRegistryError(error));
      }
    }
    this.drained();
  }

  /** @returns whether any of them was watched */
  unwatch(views: readonly FrameView[]): boolean {
    let any = false;
    for (const view of views) any = this.#cancel(registryView(view)) || any;
    return any;
  }

  /** Sends the views that the reader has missed, until it is slow again; called when the outbox is empty. */
  drained(): void {
    for (const subscription of this.#deferred) {
      if (this.congested) return;
      this.#deferred.delete(subscription);
      subscription.catchUp();
    }
  }

  close(): void {
    this.#deferred.clear();
    for (const { subscription } of this.#watched.values()) subscription.cancel();
    this.#watched.clear();
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

  /** Notes what the client does with a configuration. @returns false if it does not watch it */
  report(frame: ConfigReportFrame): boolean {
    const subscription = this.#watched.get(registryView({ ...frame, kind: 'config' }))?.subscription;
    if (!(subscription instanceof ConfigReading)) return false;
    subscription.report(frame);
    return true;
  }

  #watch({ revision: from, releases, reader, ...view }: WatchedView, audience: Audience): number {
    const name = registryView(view);
    // Subscribes before the old subscription is cancelled, or the feed would end and begin again.
    const { subscription, revision } = isItemView(view)
      ? this.#feeds.of(view, audience).add(this, from)
      : this.#read(view, { from, has: releases, facts: reader ?? {} });
    this.#cancel(name);
    this.#watched.set(name, { view, audience, subscription });
    return revision;
  }

  #read(view: FrameView, { from, has, facts }: Pick<ConfigReadingOptions, 'has' | 'facts'> & { readonly from: number | undefined }): { subscription: Subscription; revision: number } {
    const subscription = new ConfigReading(view, { ...this.#reader, subscriber: this, access: this.#access, facts, has });
    return { subscription, revision: subscription.isNews ? subscription.revision : (from ?? subscription.revision) };
  }

  #cancel(name: string): boolean {
    const watched = this.#watched.get(name);
    if (watched === undefined) return false;
    this.#watched.delete(name);
    this.#deferred.delete(watched.subscription);
    watched.subscription.cancel();
    return true;
  }
}
