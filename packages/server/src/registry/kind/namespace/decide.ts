/**
 * Decisions about namespaces: creating one, changing its description, deleting it with everything in it, and whether anything
 * may be written in it. `default` always exists; its row only holds its description.
 */

import { defaultNamespace, isNamespaceName, namespaceLengthMax, RegistryError } from '@rollcall/protocol';
import type { Draft } from '../../draft.ts';
import { inNamespace } from '../../kind-table.ts';
import { Removal } from '../../removal.ts';
import { noNamespace } from '../../row.ts';
import type { Steps } from '../../steps.ts';
import type { NamespaceDelete, NamespacePut } from './commands.ts';
import { findNamespace } from './find.ts';
import { namespaceKey } from './keys.ts';
import type { NamespaceRow } from './rows.ts';

/** @throws RegistryError `invalid_argument` for a name that no namespace may have; `failed_precondition` while it is being deleted */
export function putNamespace(draft: Draft, { name, description, meta, foreign }: NamespacePut): boolean {
  if (!isNamespaceName(name)) {
    const rule = `1 to ${namespaceLengthMax} letters, digits and hyphens, with no hyphen at either end`;
    throw new RegistryError('invalid_argument', `namespace ${JSON.stringify(name.slice(0, 80))} is not a valid name: use ${rule}`);
  }
  if (findNamespace(draft, name)?.ending === true) throw beingDeleted(name);
  const row = { kind: 'namespace', name, description: description ?? '', meta: meta ?? {} } as const;
  draft.put<NamespaceRow>({ ...row, ...(foreign === undefined ? {} : { foreign }), created: 0, modified: 0 });
  return true;
}

/** @throws RegistryError `not_found` when there is no such namespace; `failed_precondition` while it is being deleted */
export function demandNamespace(draft: Draft, name: string): void {
  if (name === defaultNamespace || name === noNamespace) return;
  const row = findNamespace(draft, name);
  if (row === undefined) {
    throw new RegistryError('not_found', `namespace ${JSON.stringify(name.slice(0, 80))} does not exist; create it first`);
  }
  if (row.ending === true) throw beingDeleted(name);
}

/**
 * First marks the namespace as ending, in a separate transaction. Every write in a namespace expects its row unchanged, so the
 * next steps find all rows that it will ever have. Its own row is removed last.
 * @returns false when there is no such namespace
 * @throws RegistryError `invalid_argument` for `default`
 */
export function* deleteNamespace(draft: Draft, { name }: NamespaceDelete, now: number): Steps<boolean> {
  if (name === defaultNamespace) throw new RegistryError('invalid_argument', 'namespace "default" cannot be deleted');
  const row = findNamespace(draft, name);
  if (row === undefined) return false;
  if (row.ending !== true) {
    draft.put<NamespaceRow>({ ...row, ending: true });
    draft.fill.end();
    yield;
  }
  const removal = new Removal(draft, now);
  // The end of a session may leave lock delays behind.
  for (let found = true; found; ) {
    found = false;
    for (const each of draft.unguardedBucket(inNamespace(name))) {
      found = true;
      yield* removal.remove(each);
      yield;
    }
  }
  draft.delete(namespaceKey(name));
  return true;
}

function beingDeleted(name: string): RegistryError {
  return new RegistryError('failed_precondition', `namespace ${JSON.stringify(name)} is being deleted; nothing can be written in it`);
}
