/**
 * This client's copy of one view: stored by key, updated by snapshots and deltas, and kept while the registry is
 * unreachable. It sends no requests.
 *
 * A registry with another identity has new revisions, and may be empty because it has lost its data.
 * Then instances that it does not list yet are kept for a while beside those that it lists, so that a list does
 * not shrink to the instances that came back first.
 */

import type { DeltaFrame, FrameItem, FrameItemKey, FrameView, SnapshotFrame } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';

export type ViewListener = () => void;

/** Content from before this process. */
export interface Known {
  readonly items: readonly FrameItem[];
  readonly revision: number;
  readonly registry: string;
  readonly ageMs: number;
}

export class CachedView {
  readonly view: FrameView;
  readonly #clock: Clock;
  readonly #listeners = new Set<ViewListener>();
  #items = new Map<string, FrameItem>();
  /** Content of the previous registry that this one may not list yet; undefined when the wait for it is over. */
  #kept: Map<string, FrameItem> | undefined;
  #all: readonly FrameItem[] | undefined;
  #revision: number | undefined;
  /**
   * The content is only the part that this client may read: the revision does not hold for another part or for the
   * whole.
   */
  #partial = false;
  #confirmed = false;
  /** When the content was last known to be current, on the monotonic clock. */
  #confirmedAt = -Infinity;
  #stamp = 0;
  /** Identity of the registry that the content is from. */
  registry: string | undefined;
  /** Why the registry does not serve the view; undefined while it does. */
  failure: Error | undefined;
  /** Why no registry accepts this client; undefined while one does, or while that is unknown. */
  refusal: Error | undefined;
  /** The content is from before this process, and no registry has confirmed it. */
  restored = false;
  /**
   * Since when the server that is connected does not follow its store, on the monotonic clock: its content may be old. Undefined
   * while it follows it.
   */
  staleSince: number | undefined;
  /** Set by each use of the view, cleared by the search for unused ones. */
  used = true;

  constructor(view: FrameView, clock: Clock) {
    this.view = view;
    this.#clock = clock;
  }

  /** In no particular order; undefined until the first content is known. */
  get items(): readonly FrameItem[] | undefined {
    if (this.#stamp === 0) return undefined;
    return (this.#all ??= [...new Map([...(this.#kept ?? []), ...this.#items]).values()]);
  }

  /** Revision from which to ask again; undefined when the whole content is needed. */
  get resumable(): number | undefined {
    return this.#partial ? undefined : this.#revision;
  }

  /** Why no content will come: it is not served, or no server accepts this client. */
  get hopeless(): Error | undefined {
    return this.failure ?? (this.items === undefined ? this.refusal : undefined);
  }

  /**
   * Revision of the content from the registry; undefined when no registry was asked yet, or when it is another one
   * now.
   */
  get revision(): number | undefined {
    return this.#revision;
  }

  /** Rises with every change of the content. */
  get stamp(): number {
    return this.#stamp;
  }

  /** False while the registry cannot be asked, has not answered yet, or does not know itself whether its content is current. */
  get current(): boolean {
    return this.#confirmed && this.staleSince === undefined && this.#kept === undefined;
  }

  /** Milliseconds since the content was known to be current. */
  get ageMs(): number {
    if (this.current) return 0;
    const since = this.#confirmed ? (this.staleSince ?? this.#confirmedAt) : this.#confirmedAt;
    return Math.max(0, this.#clock.monotonic() - since);
  }

  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Takes over content that was current `ageMs` ago. */
  restore({ items, revision, registry, ageMs }: Known): void {
    this.#items = byKey(items);
    this.#revision = revision;
    this.registry = registry;
    this.#confirmedAt = this.#clock.monotonic() - ageMs;
    this.restored = true;
    this.#changed();
  }

  /** @returns false for a snapshot older than the known content, which is dropped */
  snapshot({ items, revision, partial }: SnapshotFrame): boolean {
    if (!this.#partial && this.#revision !== undefined && revision < this.#revision) return false;
    this.#partial = partial === true;
    this.#items = byKey(items);
    this.#revision = revision;
    if (this.#kept !== undefined && [...this.#kept.keys()].every((key) => this.#items.has(key))) this.#kept = undefined;
    this.confirm();
    this.#changed();
    return true;
  }

  /** @returns false for a delta that does not follow the known content: a snapshot is needed */
  delta({ from, revision, put, remove }: DeltaFrame): boolean {
    if (from !== this.#revision) return this.#revision !== undefined && revision <= this.#revision;
    for (const key of remove) {
      this.#items.delete(keyText(key));
      this.#kept?.delete(keyText(key));
    }
    for (const item of put) this.#items.set(keyText(keyOf(item)), item);
    this.#revision = revision;
    this.confirm();
    this.#changed();
    return true;
  }

  /** The registry confirms that the content is current. */
  confirm(): void {
    this.#confirmed = true;
    this.restored = false;
    this.failure = undefined;
    this.refusal = undefined;
  }

  /** The registry cannot be asked any more. */
  lost(): void {
    if (this.#confirmed) this.#confirmedAt = this.staleSince ?? this.#clock.monotonic();
    this.#confirmed = false;
    this.staleSince = undefined;
  }

  /**
   * The registry is another one: its content replaces this one, at once or after the time in which instances can
   * register again.
   */
  replaced(keep: boolean): void {
    const known = this.items;
    if (known === undefined) return;
    this.#kept = keep ? byKey(known) : undefined;
    // This content stays until the first content of the other registry.
    this.#all = known;
    this.#items = new Map();
    this.#revision = undefined;
    this.registry = undefined;
  }

  /** The time to register again is over: from now on only the other registry's content counts. */
  settle(): void {
    if (this.#kept === undefined) return;
    this.#kept = undefined;
    if (this.#revision !== undefined) this.#changed();
  }

  listen(listener: ViewListener): () => void {
    // A function that was added twice is called twice.
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Calls the listeners: the content has changed, or the view has failed. */
  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #changed(): void {
    this.#all = undefined;
    this.#stamp++;
    this.tell();
  }
}

function byKey(items: readonly FrameItem[]): Map<string, FrameItem> {
  return new Map(items.map((item) => [keyText(keyOf(item)), item]));
}

function keyOf(item: FrameItem): FrameItemKey {
  if ('node' in item) return [item.node, item.id];
  if ('contender' in item) return item.contender;
  if ('key' in item) return item.key;
  // A configuration is kept elsewhere (config/configuration.ts).
  return 'service' in item ? item.service : item.name;
}

function keyText(key: FrameItemKey): string {
  return typeof key === 'string' ? key : `${key[0]}\n${key[1]}`;
}
