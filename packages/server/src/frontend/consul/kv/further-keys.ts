/** The port of keys that reads see besides those of the store. Writes never do: those of configurations are refused (`registry/kind/kv/shown-configurations.ts`). */

import type { Pace, Work } from '../../../net/turns.ts';
import { kvKeysUnder } from '../../../registry/kind/kv/find.ts';
import type { RowOf } from '../../../registry/kinds.ts';
import type { Reader } from '../../../registry/reader.ts';

export interface FurtherKeys {
  /** Views on which the answer for a key, or for the keys under a prefix, depends, too. */
  views(namespace: string, key: string, isPrefix: boolean): readonly string[];
  /** The name by which a caller needs the right to read a configuration, too; undefined: there is no further key of this name. */
  rightsName(key: string): string | undefined;
  find(state: Reader, namespace: string, key: string): RowOf<'kv'> | undefined;
  /** The keys under a prefix, those of the store included, in order, prepared in steps. */
  under(state: Reader, namespace: string, prefix: string, pace: Pace): Work<Iterable<string>>;
}

const none: readonly string[] = [];

export const noFurtherKeys: FurtherKeys = {
  views: () => none,
  rightsName: () => undefined,
  find: () => undefined,
  // oxlint-disable-next-line require-yield -- there is nothing to prepare
  *under(state, namespace, prefix) {
    return kvKeysUnder(state, namespace, prefix);
  },
};
