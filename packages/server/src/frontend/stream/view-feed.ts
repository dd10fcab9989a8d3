/**
 * One watched view and everyone who sees the same of it: one watch in the registry, one encoding per
 * change, the same bytes for all.
 *
 *   views.watch ─► dirty ─► refresh: what changed? ─► delta (from the last revision to this one)
 *                                                 └─► snapshot, made only if somebody needs it
 *   subscriber at the last revision ─► delta      any other ─► snapshot      slow ─► told on drain
 *
 * A revision of the view that changes nothing for the stream (a check's output, say) wakes nobody.
 */

import { toRegistryError, type FrameView, type RegistryError } from '@rollcall/protocol';
import type { Registry } from '../../registry/registry.ts';
import { unrestricted } from '../../security/authorizer.ts';
import type { Audience } from './audience.ts';
import type { FanOut, Pass } from './fan-out.ts';
import { registryView, ViewContent, type ContentChange } from './view-content.ts';
import { frameText, type Message } from './wire.ts';

/** Who is told. */
export interface Subscriber {
  /** True while it has not read what it was sent: it is not sent more, but told on drain. */
  readonly congested: boolean;
  push(message: Message): void;
  /** `subscription.catchUp()` must be called once it can be sent to again. */
  defer(subscription: Subscription): void;
  /** The feed has ended and forgotten the subscription. */
  ended(view: FrameView, error: RegistryError): void;
}

export interface Subscription {
  /** Sends the newest content, unless the subscriber has it. */
  catchUp(): void;
  cancel(): void;
}

export interface FeedOptions {
  readonly registry: Registry;
  readonly fanOut: FanOut;
  /** Everybody who watches may read this much of it; all of it by default. */
  readonly audience?: Audience;
  /** Called when the last subscriber is gone. */
  readonly onIdle: () => void;
}

class Member implements Subscription {
  readonly subscriber: Subscriber;
  /** Of the content that the subscriber has; -1 for none. */
  revision: number;
  /** Position among the members; -1 once cancelled. */
  index = -1;
  readonly #feed: ViewFeed;

  constructor(feed: ViewFeed, subscriber: Subscriber, revision: number) {
    this.#feed = feed;
    this.subscriber = subscriber;
    this.revision = revision;
  }

  catchUp(): void {
    if (this.index >= 0) this.#feed.serve(this);
  }

  cancel(): void {
    if (this.index >= 0) this.#feed.remove(this);
  }
}

export class ViewFeed implements Pass {
  readonly view: FrameView;
  /** Something may be left out, so that revisions of this feed say nothing about others. */
  readonly #partial: boolean;
  readonly #registry: Registry;
  readonly #fanOut: FanOut;
  readonly #onIdle: () => void;
  readonly #name: string;
  readonly #content: ViewContent;
  readonly #members: Member[] = [];
  readonly #unwatch: () => void;
  /** Revision of the content: at which it last changed, as far as the stream is concerned. */
  #revision: number;
  /** Revision of the content before; undefined until it has changed once. */
  #previous: number | undefined;
  #change: ContentChange = { put: [], remove: [] };
  #delta: Message | undefined;
  #snapshot: Message | undefined;
  #dirty = false;
  /** The pass tells members from here down to 0. Going down, it misses nobody when one leaves. */
  #cursor = -1;

  /** @throws RegistryError `resource_exhausted` when a snapshot would be too large */
  constructor(view: FrameView, options: FeedOptions) {
    const audience = options.audience ?? unrestricted;
    this.view = view;
    this.#partial = audience !== unrestricted;
    this.#registry = options.registry;
    this.#fanOut = options.fanOut;
    this.#onIdle = options.onIdle;
    this.#name = registryView(view);
    this.#content = new ViewContent(view, audience);
    this.#content.refresh(this.#registry.state);
    this.#unwatch = this.#registry.views.watch(this.#name, () => {
      this.#dirty = true;
      this.#fanOut.schedule(this);
    });
    this.#revision = this.#registry.views.revision(this.#name);
  }

  /**
   * Subscribes; sends the content now unless the subscriber has it.
   * @param from revision that the subscriber has of the whole view; undefined for nothing
   * @returns the subscription, and the revision that the subscriber will have
   * @throws RegistryError `resource_exhausted` when the content has grown too large; the feed ends
   */
  add(subscriber: Subscriber, from: number | undefined): { subscription: Subscription; revision: number } {
    if (this.#dirty) {
      // The others are told by the pass; this one starts from the newest content.
      try {
        if (this.#refresh()) this.#cursor = this.#members.length - 1;
      } catch (error) {
        this.#end(toRegistryError(error));
        throw error;
      }
    }
    // What it has of the whole view says nothing of what it may see of it.
    const known = this.#partial ? undefined : from;
    if (this.#partial) this.#catchUpRevision();
    const member = new Member(this, subscriber, known ?? -1);
    member.index = this.#members.length;
    this.#members.push(member);
    // Between the two revisions nothing changed, so whoever stands there has it all.
    const current = known !== undefined && known >= this.#revision;
    if (!current) this.serve(member);
    return { subscription: member, revision: current ? known : this.#revision };
  }

  /**
   * What has not changed for this audience is also the content of the view's newest revision: so whoever
   * comes from the whole view is not given an older one than it has.
   */
  #catchUpRevision(): void {
    const revision = this.#registry.views.revision(this.#name);
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#previous = undefined;
    this.#delta = undefined;
    this.#snapshot = undefined;
  }

  advance(budget: number): number {
    if (this.#dirty) {
      try {
        if (!this.#refresh()) return budget;
      } catch (error) {
        this.#end(toRegistryError(error));
        return budget;
      }
      this.#cursor = this.#members.length - 1;
    }
    let left = budget;
    while (this.#cursor >= 0 && left > 0) {
      const member = this.#members[this.#cursor--];
      if (member === undefined) continue;
      this.serve(member);
      left--;
    }
    return left;
  }

  serve(member: Member): void {
    if (member.revision >= this.#revision) return;
    const { subscriber } = member;
    if (subscriber.congested) {
      subscriber.defer(member);
      return;
    }
    const message = member.revision === this.#previous ? this.#deltaMessage() : this.#snapshotMessage();
    member.revision = this.#revision;
    subscriber.push(message);
  }

  remove(member: Member): void {
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[member.index] = last;
      last.index = member.index;
    }
    member.index = -1;
    if (this.#members.length === 0) this.#stop();
  }

  /** Tells whether the content changed. */
  #refresh(): boolean {
    this.#dirty = false;
    const change = this.#content.refresh(this.#registry.state);
    if (change.put.length === 0 && change.remove.length === 0) return false;
    this.#previous = this.#revision;
    this.#revision = this.#registry.views.revision(this.#name);
    this.#change = change;
    this.#delta = undefined;
    this.#snapshot = undefined;
    return true;
  }

  #deltaMessage(): Message {
    if (this.#delta !== undefined) return this.#delta;
    const { put, remove } = this.#change;
    const bytes = put.reduce((sum, json) => sum + json.length, 0);
    if (bytes >= this.#content.bytes) this.#delta = this.#snapshotMessage();
    else {
      const from = `"from":${this.#previous},"revision":${this.#revision}`;
      const items = `"put":[${put.join(',')}],"remove":${JSON.stringify(remove)}`;
      this.#delta = frameText(`{"type":"delta","view":${JSON.stringify(this.view)},${from},${items}}`);
    }
    return this.#delta;
  }

  #snapshotMessage(): Message {
    if (this.#snapshot !== undefined) return this.#snapshot;
    const head = `"view":${JSON.stringify(this.view)},"revision":${this.#revision}${this.#partial ? ',"partial":true' : ''}`;
    return (this.#snapshot = frameText(`{"type":"snapshot",${head},"items":${this.#content.json()}}`));
  }

  #end(error: RegistryError): void {
    const members = this.#members.splice(0);
    this.#stop();
    for (const member of members) {
      member.index = -1;
      member.subscriber.ended(this.view, error);
    }
  }

  #stop(): void {
    this.#unwatch();
    this.#fanOut.cancel(this);
    this.#onIdle();
  }
}
