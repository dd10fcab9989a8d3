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
 * A view of which much has changed is looked at as a whole, in slices of the pace that all feeds share. Large messages are framed so, too
 * (`view-messages.ts`). Meanwhile its readers keep their content, and new readers get the same content, or nothing yet; the next look
 * finds changes of that time.
 */

import { toRegistryError, type FrameView, type ItemView, type RegistryError } from '@rollcall/protocol';
import type { Registry } from '../../registry/registry.ts';
import { unrestricted } from '../../security/authorizer.ts';
import type { Audience } from '../../net/view-items/audience.ts';
import { pushCost, type FanOut, type Pass } from '../../net/fan-out.ts';
import type { Work } from '../../net/turns.ts';
import type { ItemNotes, ItemObserver } from './item-notes.ts';
import { RecentChanges } from './recent-changes.ts';
import { revisionOf, watchContent } from './registry-view.ts';
import { ViewContent, unitsPerItem } from './view-content.ts';
import { ViewMessages, nothing, type Framing } from './view-messages.ts';
import { messageBytes, type Message } from './wire.ts';

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

/** Changed items that are looked at in one go, some 6 ms. For more of them all items are, in slices. */
export const looksAtOnce = 2_000;

class Member implements Subscription {
  readonly subscriber: Subscriber;
  /** Of the content that the subscriber has, or `nothing`. */
  revision: number;
  /** The message that it waits for. */
  framing: Framing<Member> | undefined;
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
  readonly #messages: ViewMessages<Member>;
  #dirty = true;
  /** The look at the whole view that is under way, and the revision that the content will have after it, or a later one. */
  #look: Work<readonly string[]> | undefined;
  #lookRevision: number;
  /** True once the first look is complete; before that there is nothing to send. */
  #ready = false;
  /** The pass pushes to members from here down to 0. Going down, it misses no member when one leaves. */
  #cursor = -1;

  /** @throws RegistryError `resource_exhausted` when a snapshot would be too large */
  constructor(view: ItemView, options: FeedOptions) {
    const audience = options.audience ?? unrestricted;
    this.view = view;
    this.#partial = audience !== unrestricted;
    this.#registry = options.registry;
    this.#fanOut = options.fanOut;
    this.#onIdle = options.onIdle;
    this.#content = new ViewContent(view, audience);
    this.#messages = new ViewMessages({ view, partial: this.#partial, content: this.#content, recent: this.#recent, pace: options.fanOut.pace });
    this.#revision = revisionOf(this.#registry, view);
    this.#lookRevision = this.#revision;
    const { notes, stop } = options.observer.follow(view);
    this.#notes = notes;
    let ready: boolean;
    try {
      ready = this.#refresh();
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
    if (ready) this.#fanOut.renewSoon();
    else this.#fanOut.schedule(this);
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
      newest = this.#refresh();
    } catch (error) {
      this.#end(toRegistryError(error));
      throw error;
    }
    // Its revision of the whole view says nothing about the part that it may see.
    const known = this.#partial ? undefined : from;
    if (this.#partial && newest) this.#catchUpRevision();
    const member = new Member(this, subscriber, known ?? nothing);
    member.index = this.#members.length;
    this.#members.push(member);
    // Nothing changed between the two revisions, so a client at this one has the whole content.
    const revision = this.#ready ? this.#revision : this.#lookRevision;
    const current = known !== undefined && known >= revision;
    if (!current) this.serve(member);
    this.#fanOut.renewSoon();
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
    this.#messages.changed(revision);
  }

  advance(budget: number): number {
    let left = this.#sendFramed(budget);
    try {
      // New content comes after the messages of the old one: those that wait for them wait once.
      if (this.#messages.framed && !this.#refresh()) return 0;
    } catch (error) {
      this.#end(toRegistryError(error));
      return budget;
    }
    while (this.#cursor >= 0 && left > 0) {
      const member = this.#members[this.#cursor--];
      if (member === undefined) continue;
      left -= this.serve(member);
    }
    // It has changed again while it was looked at.
    return this.#dirty || !this.#messages.framed ? 0 : Math.max(left, 0);
  }

  /** @returns what it takes of the budget of a turn */
  serve(member: Member): number {
    if (!this.#ready || member.revision >= this.#revision || member.framing !== undefined) return 1;
    if (member.subscriber.congested) {
      member.subscriber.defer(member);
      return 1;
    }
    const framing = this.#messages.from(member.revision);
    if (framing.message !== undefined) return this.#give(member, framing.message, framing.revision);
    framing.waiting.add(member);
    member.framing = framing;
    this.#fanOut.schedule(this);
    return 1;
  }

  #give(member: Member, message: Message, revision: number): number {
    member.revision = revision;
    member.subscriber.push(message);
    const cost = pushCost(messageBytes(message));
    // The view may have changed while the message was framed.
    return revision < this.#revision ? cost + this.serve(member) : cost;
  }

  /** Frames a slice of the message that members wait for, or sends it to them. @returns how much of the budget is left */
  #sendFramed(budget: number): number {
    let left = budget;
    for (;;) {
      const framing = this.#messages.next();
      if (framing === undefined) return left;
      const { message, revision, waiting } = framing;
      if (message === undefined) return left;
      for (const member of waiting) {
        if (left <= 0) return 0;
        waiting.delete(member);
        member.framing = undefined;
        if (!member.subscriber.congested) left -= this.#give(member, message, revision);
        else {
          left--;
          member.subscriber.defer(member);
        }
      }
    }
  }

  remove(member: Member): void {
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[member.index] = last;
      last.index = member.index;
    }
    member.index = -1;
    member.framing?.waiting.delete(member);
    if (this.#members.length === 0) this.#stop();
  }

  /**
   * Looks at the view again if it has changed, until the pace of the turn is used up.
   * @returns whether the content is complete
   */
  #refresh(): boolean {
    const { pace } = this.#fanOut;
    if (this.#look === undefined && !this.#dirty) return true;
    if (pace.spent) return false;
    if (this.#look === undefined) {
      const { state } = this.#registry;
      const noted = this.#notes.take();
      const names = noted && this.#content.changed(state, noted);
      this.#dirty = false;
      this.#lookRevision = revisionOf(this.#registry, this.view);
      if (names !== undefined && names.size <= looksAtOnce) {
        pace.spend(names.size * unitsPerItem);
        this.#takeOver(this.#content.look(state, names));
        return true;
      }
      this.#look = this.#content.lookingAtAll(state, pace);
    }
    const step = this.#look.next();
    if (step.done !== true) return false;
    this.#look = undefined;
    this.#takeOver(step.value);
    return true;
  }

  #takeOver(changed: readonly string[]): void {
    const first = !this.#ready;
    if (!first && changed.length === 0) return;
    this.#ready = true;
    this.#revision = this.#lookRevision;
    if (first) this.#recent.beginAt(this.#revision);
    else this.#recent.add(this.#revision, changed, this.#content.size);
    this.#messages.changed(this.#revision);
    this.#cursor = this.#members.length - 1;
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
