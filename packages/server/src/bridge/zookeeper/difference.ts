/**
 * What one direction of the bridge must do in a group so that the target has the registrations of the source. Pure: it knows entries, not
 * where they are kept.
 *
 * An entry is either an application's own or mirrored by the bridge. Only own entries are mirrored, so nothing goes round in a circle; only
 * mirrored entries are changed or deleted, so an application that registers at the target itself wins.
 */

export interface Entry {
  readonly data: Buffer;
  readonly version: number;
  /** Whether this bridge has created it. */
  readonly mirrored: boolean;
}

export type Entries = ReadonlyMap<string, Entry>;

export type Action =
  | { readonly kind: 'create'; readonly name: string; readonly data: Buffer }
  /** Only if the entry still has this version. */
  | { readonly kind: 'update'; readonly name: string; readonly data: Buffer; readonly version: number }
  | { readonly kind: 'delete'; readonly name: string; readonly version: number };

export function difference(source: Entries, target: Entries): Action[] {
  const actions: Action[] = [];
  for (const [name, { data, mirrored }] of source) {
    if (mirrored) continue;
    const there = target.get(name);
    if (there === undefined) actions.push({ kind: 'create', name, data });
    else if (there.mirrored && !there.data.equals(data)) actions.push({ kind: 'update', name, data, version: there.version });
  }
  for (const [name, { mirrored, version }] of target) {
    const origin = source.get(name);
    if (mirrored && (origin === undefined || origin.mirrored)) actions.push({ kind: 'delete', name, version });
  }
  return actions;
}
