/**
 * One watched view and all clients that see the same content of it: one watch in the registry, one encoding per
 * change, the same bytes for all.
 *
 *   item-notes ─► what may have changed ─┐
 *   views.watch ─► dirty ─► refresh ◄────┘ ─► what has changed ─► recent-changes
 *   subscriber at a recent revision ─► delta from there      any other ─► snapshot      slow ─► told on drain
 *
 * A revision of the view that changes nothing for the stream (a check's output, say) wakes no client. A look costs as much as has
 * changed, however many items the view has.
 *
 * A view of which much has changed is looked at as a whole, over several turns of the event loop. Meanwhile its readers keep their
 * content, and new readers get the same content, or nothing yet; the next look finds changes of that time.
 */

import { toRegistryError, type FrameView, type RegistryError } from '@rollcall/protocol';
import type { Registry } from '../../registry/registry.ts';
import { unrestricted } from '../../security/authorizer.ts';
import type { Audience } from './audience.ts';
import type { FanOut, Pass } from '../../net/fan-out.ts';
import type { ItemNotes, ItemObserver } from './item-notes.ts';
import { RecentChanges } from './recent-changes.ts';
import { revisionOf, watchContent } from './registry-view.ts';
import { ViewContent, type ContentChange } from './view-content.ts';
import { frameTexts, type Message } from './wire.ts';

/** A client that gets the pushes. */
export interface Subscriber {
  /** True while pushes must wait: the client reads too slowly, or its rights are being checked. */
  readonly congested: boolean;
  push(message: Message): void;
  /** Called instead of a push while congested: the subscriber calls `subscription.catchUp()` afterwards. */
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
  readonly observer: ItemObserver;
  /** The part of the view that all its subscribers may read; the whole view by default. */
  readonly audience?: Audience;
  /** Called when the last subscriber is gone. */
  readonly onIdle: () => void;
}

/** Items looked at in one turn, some 6 ms; and how many of them cost as much as telling a subscriber. */
export const looksAtOnce = 2_000;
export const looksPerWrite = 4;

/** Deltas from different revisions that are kept until the next change. */
const deltasMax = 64;

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
  /** Some items may be left out, so that revisions of this feed are not comparable with those of other feeds. */
  readonly #partial: boolean;
  readonly #registry: Registry;
  readonly #fanOut: FanOut;
  readonly #onIdle: () => void;
  readonly #content: ViewContent;
  readonly #members: Member[] = [];
  readonly #notes: ItemNotes;
  readonly #unwatch: () => void;
  /** Revision of the content: its last change that the stream shows. */
  #revision: number;
  readonly #recent = new RecentChanges();
  /** To the present content, by the revision that a client has. */
  readonly #deltas = new Map<number, Message>();
  #snapshot: Message | undefined;
  #dirty = true;
  /** The look at the whole view that is under way, and the revision that the content will have after it. */
  #look: Generator<void, readonly string[], undefined> | undefined;
  #lookRevision = 0;
  /** True once the first look is complete; before that there is nothing to send. */
  #ready = false;
  /** The pass pushes to members from here down to 0. Going down, it misses no member when one leaves. */
  #cursor = -1;

  /** @throws RegistryError `resource_exhausted` when a snapshot would be too large */
  constructor(view: FrameView, options: FeedOptions) {
    const audience = options.audience ?? unrestricted;
    this.view = view;
    this.#partial = audience !== unrestricted;
    this.#registry = options.registry;
    this.#fanOut = options.fanOut;
    this.#onIdle = options.onIdle;
    this.#content = new ViewContent(view, audience);
    this.#revision = revisionOf(this.#registry, view);
    const { notes, stop } = options.observer.follow(view);
    this.#notes = notes;
    let ready: boolean;
    try {
      ready = this.#refresh(looksAtOnce) > 0;
    } catch (error) {
      stop();
      throw error;
    }
    const unwatch = watchContent(this.#registry, view, () => {
      this.#dirty = true;
      this.#fanOut.schedule(this);
    });
    this.#unwatch = () => {
      stop();
      unwatch();
    };
    if (!ready) this.#fanOut.schedule(this);
  }

  /**
   * Subscribes; sends the content now unless the subscriber has it.
   * @param from revision that the subscriber has of the whole view; undefined for nothing
   * @returns the subscription, and the revision that the subscriber will have
   * @throws RegistryError `resource_exhausted` when the content has grown too large; the feed ends
   */
  add(subscriber: Subscriber, from: number | undefined): { subscription: Subscription; revision: number } {
    let newest: boolean;
    try {
      // The pass serves the others; this one starts from the newest content, unless the view is large.
      newest = this.#refresh(looksAtOnce) > 0;
    } catch (error) {
      this.#end(toRegistryError(error));
      throw error;
    }
    // Its revision of the whole view says nothing about the part that it may see.
    const known = this.#partial ? undefined : from;
    if (this.#partial && newest) this.#catchUpRevision();
    const member = new Member(this, subscriber, known ?? -1);
    member.index = this.#members.length;
    this.#members.push(member);
    // Nothing changed between the two revisions, so a client at this one has the whole content.
    const revision = this.#ready ? this.#revision : this.#lookRevision;
    const current = known !== undefined && known >= revision;
    if (!current) this.serve(member);
    return { subscription: member, revision: current ? known : revision };
  }

  /**
   * Content that has not changed for this audience is also the content at the view's newest revision, so that a client
   * that comes from the whole view does not get an older revision than it has.
   */
  #catchUpRevision(): void {
    const revision = revisionOf(this.#registry, this.view);
    if (revision === this.#revision) return;
    this.#revision = revision;
    this.#deltas.clear();
    this.#snapshot = undefined;
  }

  advance(budget: number): number {
    const looks = Math.min(looksAtOnce, budget * looksPerWrite);
    let left = budget;
    try {
      const looksLeft = this.#refresh(looks);
      if (looksLeft === 0) return 0;
      left -= Math.ceil((looks - looksLeft) / looksPerWrite);
    } catch (error) {
      this.#end(toRegistryError(error));
      return budget;
    }
    while (this.#cursor >= 0 && left > 0) {
      const member = this.#members[this.#cursor--];
      if (member === undefined) continue;
      this.serve(member);
      left--;
    }
    // It has changed again while it was looked at.
    return this.#dirty ? 0 : left;
  }

  serve(member: Member): void {
    if (!this.#ready || member.revision >= this.#revision) return;
    const { subscriber } = member;
    if (subscriber.congested) {
      subscriber.defer(member);
      return;
    }
    const message = this.#messageFrom(member.revision);
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

  /**
   * Looks at the view again if it has changed, at most at so many of its items.
   * @returns how many looks are left; with any left, the content is complete
   */
  #refresh(looks: number): number {
    if (this.#look === undefined) {
      if (!this.#dirty) return looks;
      if (looks <= 0) return 0;
      const { state } = this.#registry;
      const noted = this.#notes.take();
      const names = noted && this.#content.changed(state, noted);
      this.#dirty = false;
      this.#lookRevision = revisionOf(this.#registry, this.view);
      if (names !== undefined && names.size <= looksAtOnce) {
        this.#takeOver(this.#content.look(state, names));
        return Math.max(1, looks - names.size);
      }
      this.#look = this.#content.lookingAtAll(state);
    }
    for (let left = looks; left > 0; left--) {
      const step = this.#look.next();
      if (step.done !== true) continue;
      this.#look = undefined;
      this.#takeOver(step.value);
      return left;
    }
    return 0;
  }

  #takeOver(changed: readonly string[]): void {
    const first = !this.#ready;
    if (!first && changed.length === 0) return;
    this.#ready = true;
    this.#revision = this.#lookRevision;
    if (first) this.#recent.beginAt(this.#revision);
    else this.#recent.add(this.#revision, changed, this.#content.size);
    this.#deltas.clear();
    this.#snapshot = undefined;
    this.#cursor = this.#members.length - 1;
  }

  /** What leads a client from its revision to the present content. */
  #messageFrom(from: number): Message {
    const known = this.#deltas.get(from);
    if (known !== undefined) return known;
    const names = this.#recent.since(from);
    if (names === undefined) return this.#snapshotMessage();
    const change = this.#content.change(names);
    const bytes = change.put.reduce((sum, json) => sum + json.length, 0);
    const message = bytes >= this.#content.bytes ? this.#snapshotMessage() : deltaMessage(this.view, { from, revision: this.#revision, ...change });
    if (this.#deltas.size >= deltasMax) this.#deltas.clear();
    this.#deltas.set(from, message);
    return message;
  }

  #snapshotMessage(): Message {
    if (this.#snapshot !== undefined) return this.#snapshot;
    return (this.#snapshot = snapshotMessage(this.view, { revision: this.#revision, partial: this.#partial, items: this.#content.json() }));
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
    this.#look?.return([]);
    this.#look = undefined;
    this.#fanOut.cancel(this);
    this.#onIdle();
  }
}

/** The frame with which clients at one revision get to the next. */
export function deltaMessage(view: FrameView, { from, revision, put, remove }: ContentChange & { readonly from: number; readonly revision: number }): Message {
  const head = `{"type":"delta","view":${JSON.stringify(view)},"from":${from},"revision":${revision},"put":[`;
  return frameTexts(framed(head, commaSeparated(put), `],"remove":${JSON.stringify(remove)}}`));
}

/** The frame with all of a view. @param content `items`: their JSON, in pieces */
export function snapshotMessage(view: FrameView, content: { readonly revision: number; readonly partial: boolean; readonly items: Iterable<string> }): Message {
  const head = `"view":${JSON.stringify(view)},"revision":${content.revision}${content.partial ? ',"partial":true' : ''}`;
  return frameTexts(framed(`{"type":"snapshot",${head},"items":`, content.items, '}'));
}

function* framed(head: string, pieces: Iterable<string>, tail: string): Generator<string, void, undefined> {
  yield head;
  yield* pieces;
  yield tail;
}

function* commaSeparated(items: readonly string[]): Generator<string, void, undefined> {
  for (const [at, item] of items.entries()) yield at === 0 ? item : `,${item}`;
}
