/**
 * The content of one view as items by name, and which of them changed since the last look. Items
 * are encoded when they are new or changed, not on every look. Knows nothing of subscribers.
 */

import { RegistryError, frameLimits, type FrameItemKey, type ItemView } from '@rollcall/protocol';
import type { Pace, Work } from '../../net/turns.ts';
import type { State } from '../../registry/state.ts';
import { unrestricted } from '../../security/authorizer.ts';
import type { Audience } from '../../net/view-items/audience.ts';
import { ViewItems, type Item, type Noted } from '../../net/view-items/view-items.ts';

export interface ContentChange {
  /** The new and changed items. */
  readonly put: readonly Item[];
  readonly remove: readonly FrameItemKey[];
}

/** Units of a `Pace` for reading an item and encoding it when it is new. */
export const unitsPerItem = 5;
/** Names that are looked up in the time in which one item is read. */
const namesPerItem = 16;

export class ViewContent {
  readonly #view: ItemView;
  readonly #source: ViewItems;
  #items = new Map<string, Item>();
  #bytes = 0;

  /** @param audience items that it may not read are left out */
  constructor(view: ItemView, audience: Audience = unrestricted) {
    this.#view = view;
    this.#source = new ViewItems(view, audience);
  }

  /** Approximate bytes of a snapshot. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of items. */
  get size(): number {
    return this.#items.size;
  }

  /**
   * The items that a look must read, when it need not read all.
   * @param noted what may have changed since the last look
   */
  changed(state: State, noted: Noted): ReadonlySet<string> | undefined {
    return this.#source.changed(state, noted, this.#items.size);
  }

  /**
   * Reads the items with these names again.
   * @returns names of those that are new, changed or gone
   * @throws RegistryError `resource_exhausted` when a snapshot would be too large
   */
  look(state: State, names: ReadonlySet<string>): readonly string[] {
    const read = this.#source.reader(state);
    const changed: string[] = [];
    for (const name of names) {
      const before = this.#items.get(name);
      const item = read(name, before);
      if (item === undefined) this.#items.delete(name);
      else this.#items.set(name, item);
      this.#bytes += (item?.bytes ?? 0) - (before?.bytes ?? 0);
      if (item?.content !== before?.content) changed.push(name);
    }
    if (this.#bytes > frameLimits.snapshotBytesMax) throw this.#tooLarge();
    return changed;
  }

  /**
   * Reads all items again, as they are now, in slices. Until the end the content stays as it was.
   * @returns names of those that are new, changed or gone
   * @throws RegistryError `resource_exhausted` when a snapshot would be too large
   */
  *lookingAtAll(state: State, pace: Pace): Work<readonly string[]> {
    const frozen = state.freeze();
    try {
      const next = new Map<string, Item>();
      const changed: string[] = [];
      let bytes = 0;
      let added = 0;
      for (const found of this.#source.all(frozen, this.#items)) {
        if (typeof found === 'object') {
          const [name, item] = found;
          const before = this.#items.get(name);
          next.set(name, item);
          bytes += item.bytes;
          if (bytes > frameLimits.snapshotBytesMax) throw this.#tooLarge();
          if (before === undefined) added++;
          if (before?.content !== item.content) changed.push(name);
        }
        if (pace.spend(typeof found === 'number' ? found * unitsPerItem : unitsPerItem)) yield;
      }
      if (next.size - added < this.#items.size) {
        for (const name of this.#items.keys()) {
          if (!next.has(name)) changed.push(name);
          if (pace.spend(unitsPerItem / namesPerItem)) yield;
        }
      }
      this.#items = next;
      this.#bytes = bytes;
      return changed;
    } finally {
      frozen.close();
    }
  }

  /** All items. The result does not change with the content. */
  all(): readonly Item[] {
    return [...this.#items.values()];
  }

  /** What leads to the present content from an older one that differs in no other items than these. The result stays as it is. */
  change(names: Iterable<string>): ContentChange {
    const put: Item[] = [];
    const remove: FrameItemKey[] = [];
    for (const name of names) {
      const item = this.#items.get(name);
      if (item === undefined) remove.push(this.#source.keyOf(name));
      else put.push(item);
    }
    return { put, remove };
  }

  #tooLarge(): RegistryError {
    const { kind, name } = this.#view;
    return new RegistryError(
      'resource_exhausted',
      `${kind} ${JSON.stringify(name)} has more than ${frameLimits.snapshotBytesMax} bytes; ask for a part of it`,
    );
  }
}
