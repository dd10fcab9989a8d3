/**
 * The messages that bring clients from one revision of a view to another, each framed once for all clients that need it. They are framed
 * in slices: a small one at once, a large one over several turns of the event loop, in which its clients wait for it. What it shows
 * stays the same meanwhile, even if the view changes.
 */

import type { FrameView } from '@rollcall/protocol';
import type { Pace, Work } from '../../net/turns.ts';
import type { RecentChanges } from './recent-changes.ts';
import type { ContentChange, ViewContent } from './view-content.ts';
import type { Item } from '../../net/view-items/view-items.ts';
import { framingTexts, type Message } from './wire.ts';

/** The revision of a client that has no content. */
export const nothing = -1;

/** Messages from different revisions that are kept until the next change. */
const messagesMax = 64;

/** @typeParam M who waits for the message */
export class Framing<M> {
  /** The revision that a client has which gets the message. */
  readonly revision: number;
  /** Whether a client with any content may get it. */
  readonly isSnapshot: boolean;
  readonly waiting = new Set<M>();
  readonly #work: Work<Message>;
  #message: Message | undefined;

  /** @param pieces of the message's JSON */
  constructor(pieces: Iterable<string>, pace: Pace, { revision, isSnapshot }: Pick<Framing<M>, 'revision' | 'isSnapshot'>) {
    this.revision = revision;
    this.isSnapshot = isSnapshot;
    this.#work = framingTexts(pieces, pace);
  }

  /** Undefined until all of it is framed. */
  get message(): Message | undefined {
    return this.#message;
  }

  /** Frames one slice. */
  step(): void {
    const { done, value } = this.#work.next();
    if (done === true) this.#message = value;
  }
}

export interface ViewMessagesOptions {
  readonly view: FrameView;
  /** Whether items may be left out of the view. */
  readonly partial: boolean;
  readonly content: ViewContent;
  readonly recent: RecentChanges;
  readonly pace: Pace;
}

export class ViewMessages<M> {
  readonly #options: ViewMessagesOptions;
  /** To the present content, or nearly, by the revision that a client has. */
  readonly #messages = new Map<number, Framing<M>>();
  /** To the present content. */
  #snapshot: Framing<M> | undefined;
  /** Those that are not framed yet, or not sent to all that wait; the first is being framed. */
  readonly #unsent: Framing<M>[] = [];
  #revision = 0;

  constructor(options: ViewMessagesOptions) {
    this.#options = options;
  }

  /** Whether no client waits for a message. */
  get framed(): boolean {
    return this.#unsent.length === 0;
  }

  /** The content has changed, or is known to be that of a newer revision. */
  changed(revision: number): void {
    this.#revision = revision;
    this.#messages.clear();
    this.#snapshot = undefined;
  }

  /** The message that leads a client from its revision to the present content, or nearly. A small one is framed already. */
  from(revision: number): Framing<M> {
    const known = this.#messages.get(revision);
    if (known !== undefined) return known;
    const framing = this.#deltaFrom(revision) ?? this.#snapshotFor(revision);
    if (this.#messages.size >= messagesMax) this.#messages.clear();
    this.#messages.set(revision, framing);
    return framing;
  }

  /**
   * Frames a slice of the oldest message that clients wait for, if there is time in this turn. The caller sends a framed one to all of
   * them before it calls this again.
   */
  next(): Framing<M> | undefined {
    while (this.#unsent[0]?.message !== undefined && this.#unsent[0].waiting.size === 0) this.#unsent.shift();
    const framing = this.#unsent[0];
    if (framing?.message === undefined && !this.#options.pace.spent) framing?.step();
    return framing;
  }

  /** Undefined when not all changes since are known, or a snapshot is no larger. */
  #deltaFrom(from: number): Framing<M> | undefined {
    const { view, content, recent } = this.#options;
    const names = recent.since(from);
    if (names === undefined) return undefined;
    const change = content.change(names);
    const bytes = change.put.reduce((sum, item) => sum + item.bytes, 0);
    if (bytes >= content.bytes) return undefined;
    return this.#begin(deltaPieces(view, { from, revision: this.#revision, ...change }), false);
  }

  #snapshotFor(from: number): Framing<M> {
    // For a client without content, the one that is being framed is new enough.
    const underWay = from === nothing ? this.#unsent.find(({ isSnapshot }) => isSnapshot) : undefined;
    if (underWay !== undefined) return underWay;
    const { view, partial, content } = this.#options;
    return (this.#snapshot ??= this.#begin(snapshotPieces(view, { revision: this.#revision, partial, items: content.all() }, '{'), true));
  }

  /** Frames a slice at once, which is all of a small message. */
  #begin(pieces: Iterable<string>, isSnapshot: boolean): Framing<M> {
    const { pace } = this.#options;
    const framing = new Framing<M>(pieces, pace, { revision: this.#revision, isSnapshot });
    if (!pace.spent) framing.step();
    if (framing.message === undefined) this.#unsent.push(framing);
    return framing;
  }
}

/** JSON of a delta, in pieces. */
export function* deltaPieces(
  view: FrameView,
  { from, revision, put, remove }: ContentChange & { readonly from: number; readonly revision: number },
): Generator<string, void, undefined> {
  yield `{"type":"delta","view":${JSON.stringify(view)},"from":${from},"revision":${revision},"put":`;
  yield* list(put);
  yield `,"remove":${JSON.stringify(remove)}}`;
}

/** JSON of a snapshot, in pieces. @param begin before its `type`: the opening brace, and in an answer the id of the request */
export function* snapshotPieces(
  view: FrameView,
  { revision, partial, items }: { readonly revision: number; readonly partial: boolean; readonly items: Iterable<Item> },
  begin: string,
): Generator<string, void, undefined> {
  yield `${begin}"type":"snapshot","view":${JSON.stringify(view)},"revision":${revision}${partial ? ',"partial":true' : ''},"items":`;
  yield* list(items);
  yield '}';
}

function* list(items: Iterable<Item>): Generator<string, void, undefined> {
  let before = '[';
  for (const item of items) {
    yield before + item.json();
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}
