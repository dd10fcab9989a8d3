/**
 * The content of watched views. Pushes are applied at once, and shown ten times a second at most, or not at all while the operator has paused. Content
 * stays when the connection is lost, and says since when it is old. While the console shows the past, content comes from the history instead (`past.ts`).
 */

import { createEffect, createMemo, createSignal, onCleanup, type Accessor } from 'solid-js';
import type { DeltaFrame, FrameItem, FrameItemKey, FrameView, Instance, ItemView, ReplyFrame, SnapshotFrame } from '@rollcall/protocol';
import { asOfMs } from './as-of.ts';
import type { Content } from './content.ts';
import { pastOf } from './past.ts';
import { pendingContent } from './pending.ts';
import { unansweredSinceMs } from './polled.ts';
import { Socket, type Request } from './socket.ts';

/** What a page shows of a view. */
export interface Shown<T extends FrameItem> extends Content<T> {
  /** The first content has come. */
  readonly isReady: boolean;
  /** Some items may be hidden from this caller. */
  readonly isPartial: boolean;
  /** Why there is no content: the view may not be read, or is too large. */
  readonly error: string | undefined;
}

export interface Link {
  readonly isConnected: boolean;
  /** When the connection was lost, the server stopped answering requests, or the node stopped following its store; milliseconds since the Unix epoch. */
  readonly staleSinceMs: number | undefined;
}

class Watched {
  readonly view: ItemView;
  readonly shown: Accessor<Shown<FrameItem>>;
  readonly #show: (shown: Shown<FrameItem>) => void;
  #items = new Map<string, FrameItem>();
  /** The items of a snapshot that is not shown yet. */
  #next: Map<string, FrameItem> | undefined;
  #revision: number | undefined;
  #isPartial = false;
  #error: string | undefined;
  #isReady = false;
  #turn = 0;
  /** Changes that are not shown yet: readers have the items. Undefined: removed. */
  #pending = new Map<string, FrameItem | undefined>();
  isDirty = false;
  readers = 0;

  constructor(view: ItemView) {
    this.view = view;
    const [shown, show] = createSignal<Shown<FrameItem>>(this.#now());
    this.shown = shown;
    this.#show = show;
  }

  /** Undefined: the next snapshot is taken whatever its revision is. */
  get revision(): number | undefined {
    return this.#isPartial ? undefined : this.#revision;
  }

  snapshot({ revision, partial, items }: SnapshotFrame): void {
    const next = new Map<string, FrameItem>();
    // In the order in which lists show them: a list that is nearly sorted is sorted by looking at it once.
    for (const item of [...items].sort(byName)) {
      const key = keyOf(this.view, item);
      next.set(key, kept(this.#pending.get(key) ?? this.#items.get(key), item));
    }
    this.#replace(next);
    this.#revision = revision;
    this.#isPartial = partial === true;
    this.#error = undefined;
    this.#isReady = true;
    this.isDirty = true;
  }

  /** @returns false when the delta is for another content: the view must be watched again */
  delta({ from, revision, put, remove }: DeltaFrame): boolean {
    if (from !== this.#revision) return false;
    for (const key of remove) this.#pending.set(nameOf(key), undefined);
    for (const item of put) this.#pending.set(keyOf(this.view, item), item);
    this.#revision = revision;
    this.isDirty = true;
    return true;
  }

  failed(message: string): void {
    this.#error = message;
    this.#replace(new Map());
    this.#revision = undefined;
    this.#isReady = true;
    this.isDirty = true;
  }

  forget(): void {
    this.#revision = undefined;
  }

  flush(): void {
    if (!this.isDirty) return;
    this.isDirty = false;
    const isNew = this.#next !== undefined;
    if (this.#next !== undefined) this.#items = this.#next;
    this.#next = undefined;
    const changed = this.#pending;
    this.#pending = new Map();
    for (const [key, item] of changed) {
      if (item === undefined) this.#items.delete(key);
      else this.#items.set(key, item);
    }
    this.#turn++;
    this.#show(this.#now(isNew ? undefined : new Set(changed.keys())));
  }

  /** All items are others from the next content on. */
  #replace(items: Map<string, FrameItem>): void {
    this.#next = items;
    this.#pending.clear();
  }

  #now(changed?: ReadonlySet<string>): Shown<FrameItem> {
    return { items: this.#items, turn: this.#turn, changed, isReady: this.#isReady, isPartial: this.#isPartial, error: this.#error };
  }
}

const showMs = 100;

export class LiveViews {
  readonly link: Accessor<Link>;
  readonly isPaused: Accessor<boolean>;
  /** The newest revision that has been seen; 0 before the first. */
  readonly revision: Accessor<number>;
  readonly #setRevision: (revision: number) => void;
  readonly #setLink: (link: Link) => void;
  readonly #setPaused: (isPaused: boolean) => void;
  readonly #socket: Socket;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: ReturnType<typeof setInterval>;
  #registry: string | undefined;
  #isOpen = false;

  constructor(namespace: string) {
    const [link, setLink] = createSignal<Link>({ isConnected: false, staleSinceMs: undefined });
    const [isPaused, setPaused] = createSignal(false);
    this.link = createMemo(() => {
      const { isConnected, staleSinceMs = Infinity } = link();
      const sinceMs = Math.min(staleSinceMs, unansweredSinceMs() ?? Infinity);
      return { isConnected, staleSinceMs: sinceMs === Infinity ? undefined : sinceMs };
    });
    this.isPaused = isPaused;
    const [revision, setRevision] = createSignal(0);
    this.revision = revision;
    this.#setRevision = setRevision;
    this.#setLink = setLink;
    this.#setPaused = setPaused;
    this.#socket = new Socket(namespace, {
      opened: ({ registry, staleMs = 0 }) => {
        // Revisions of another store cannot be compared.
        if (this.#registry !== undefined && this.#registry !== registry) for (const view of this.#watched.values()) view.forget();
        this.#registry = registry;
        this.#isOpen = true;
        this.#setLink({ isConnected: true, staleSinceMs: staleMs > 0 ? Date.now() - staleMs : undefined });
        for (const view of this.#watched.values()) this.#ask(view);
      },
      pushed: (push) => {
        if (push.type === 'freshness') this.#setLink({ isConnected: true, staleSinceMs: push.staleMs > 0 ? Date.now() - push.staleMs : undefined });
        if (push.type !== 'snapshot' && push.type !== 'delta' && push.type !== 'watch-ended') return;
        const view = this.#watched.get(viewName(push.view));
        if (view === undefined) return;
        if (push.type !== 'watch-ended' && push.revision > this.revision()) this.#setRevision(push.revision);
        if (push.type === 'snapshot') {
          const isFirst = !view.shown().isReady;
          view.snapshot(push);
          // The first content does not wait for the next tick.
          if (isFirst && !isPaused()) view.flush();
        } else if (push.type === 'watch-ended') view.failed(push.message);
        else if (!view.delta(push)) {
          view.forget();
          this.#ask(view);
        }
      },
      lost: (sinceMs) => {
        this.#isOpen = false;
        this.#setLink({ isConnected: false, staleSinceMs: link().staleSinceMs ?? sinceMs });
      },
    });
    this.#timer = setInterval(() => this.#flush(), showMs);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  pause(isPaused: boolean): void {
    this.#setPaused(isPaused);
    this.#flush();
  }

  /** Watches a view for as long as the component that calls this lives, or has its content of the past time that the console shows. */
  watch(view: FrameView & { readonly kind: 'service' }): Accessor<Shown<Instance>>;
  watch<T extends FrameItem>(view: ItemView): Accessor<Shown<T>>;
  watch(view: ItemView): Accessor<Shown<FrameItem>> {
    const name = viewName(view);
    let watched = this.#watched.get(name);
    if (watched === undefined) {
      watched = new Watched(view);
      this.#watched.set(name, watched);
      if (this.#isOpen) this.#ask(watched);
    }
    const own = watched;
    own.readers++;
    const past = pastOf(view);
    onCleanup(() => {
      if (--own.readers > 0) return;
      this.#watched.delete(name);
      if (this.#isOpen) this.#socket.request({ type: 'unwatch', views: [view] }).catch(() => {});
    });
    const shown = createMemo(() => {
      if (asOfMs() === undefined) return own.shown();
      const then = past();
      return { items: new Map(then?.items.map((item) => [keyOf(view, item), item])), turn: 0, changed: undefined, isReady: then !== undefined, isPartial: then?.isPartial === true, error: then?.error };
    });
    createEffect(() => {
      if (shown().isReady) return;
      const come = pendingContent();
      createEffect(() => shown().isReady && come());
    });
    return shown;
  }

  /** Sends a request of its own over the connection of the views. @throws Error (the promise) with the server's message */
  request(request: Request): Promise<ReplyFrame> {
    return this.#socket.request(request);
  }

  #ask(watched: Watched): void {
    const { revision } = watched;
    this.#socket.request({ type: 'watch', views: [{ ...watched.view, ...(revision === undefined ? {} : { revision }) }] }).catch((error: unknown) => {
      if (this.#isOpen) watched.failed(error instanceof Error ? error.message : String(error));
    });
  }

  #flush(): void {
    if (this.isPaused()) return;
    for (const view of this.#watched.values()) view.flush();
  }
}

function viewName({ kind, namespace = 'default', name }: FrameView): string {
  return `${kind}\0${namespace}\0${name}`;
}

function keyOf({ kind }: ItemView, item: FrameItem): string {
  if (kind === 'service') {
    const { node, id } = item as Instance;
    return nameOf([node, id]);
  }
  if ('key' in item) return item.key;
  if ('contender' in item) return item.contender;
  return 'service' in item ? item.service : '';
}

function nameOf(key: FrameItemKey): string {
  return typeof key === 'string' ? key : `${key[0]}\0${key[1]}`;
}

function byName(a: FrameItem, b: FrameItem): number {
  const [left, right] = [nameIn(a), nameIn(b)];
  return left < right ? -1 : Number(left > right);
}

function nameIn(item: FrameItem): string {
  return 'id' in item ? item.id : 'key' in item ? item.key : '';
}

/** The item that is known, if the new one says the same: rows that show it are not drawn again. */
function kept(before: FrameItem | undefined, item: FrameItem): FrameItem {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(item) ? before : item;
}
