/**
 * The rows that may have a deadline. A start looks at these only: most rows are instances, and a look at all of them would take a good part
 * of it. A claim on a deadline needs no look, since the owner of a deadline is asked for when the deadline begins.
 */

import { catalogBuckets } from '../registry/kind/catalog/keys.ts';
import { namespaceNames } from '../registry/kind/namespace/find.ts';
import { sessionBuckets } from '../registry/kind/session/keys.ts';
import type { Row } from '../registry/kinds.ts';
import type { State } from '../registry/state.ts';

/** With their keys. Others may change the state between two of them. */
export function* withDeadlines(state: State): Generator<[string, Row], void, undefined> {
  for (const namespace of namespaceNames(state)) {
    for (const entry of state.entries(catalogBuckets.checks(namespace))) yield entry;
    for (const entry of state.entries(sessionBuckets.all(namespace))) yield entry;
  }
}
