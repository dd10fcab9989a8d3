/** The rows of a table that an operator has chosen, by key: one by one, a range from the last one, or all that are shown. */

import { createSignal, type Accessor } from 'solid-js';

export interface Selection {
  readonly keys: Accessor<ReadonlySet<string>>;
  readonly has: (key: string) => boolean;
  /** Chooses the row or leaves it out; the next range begins at it. */
  readonly toggle: (key: string) => void;
  /** Chooses the rows from the last toggled one to this one. @param shown keys in the order in which they are shown */
  readonly extend: (key: string, shown: readonly string[]) => void;
  readonly set: (keys: Iterable<string>) => void;
  readonly clear: () => void;
}

export function createSelection(): Selection {
  const [keys, setKeys] = createSignal<ReadonlySet<string>>(new Set());
  let anchor: string | undefined;
  const set = (next: Iterable<string>): void => {
    setKeys(new Set(next));
  };
  return {
    keys,
    has: (key) => keys().has(key),
    toggle: (key) => {
      anchor = key;
      const next = new Set(keys());
      if (!next.delete(key)) next.add(key);
      setKeys(next);
    },
    extend: (key, shown) => {
      const [from, to] = [shown.indexOf(anchor ?? key), shown.indexOf(key)];
      if (from < 0 || to < 0) return set([...keys(), key]);
      set([...keys(), ...shown.slice(Math.min(from, to), Math.max(from, to) + 1)]);
    },
    set,
    clear: () => set([]),
  };
}
