/** Finds namespaces. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Lookup } from '../../room.ts';
import { namespaceBuckets, namespaceKey } from './keys.ts';
import type { NamespaceRow } from './rows.ts';

export function findNamespace(reader: Lookup, name: string): NamespaceRow | undefined {
  return reader.get(namespaceKey(name)) as NamespaceRow | undefined;
}

/** Those that were created, and `default` if it was described. */
export function allNamespaces(reader: Lookup): Iterable<NamespaceRow> {
  return reader.bucket(namespaceBuckets.all()) as Iterable<NamespaceRow>;
}

/** The names of all namespaces: `default` and those that were created. */
export function* namespaceNames(reader: Lookup): Generator<string, void, undefined> {
  yield defaultNamespace;
  for (const { name } of allNamespaces(reader)) if (name !== defaultNamespace) yield name;
}
