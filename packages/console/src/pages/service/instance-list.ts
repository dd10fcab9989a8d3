/** The instances of a service in the order of their ids. A batch that adds and removes none costs what it changes, any other a look at each instance. */

import type { Instance } from '@rollcall/protocol';
import type { Content } from '../../live/content.ts';

export function keyOf({ node, id }: Pick<Instance, 'node' | 'id'>): string {
  return `${node}\0${id}`;
}

/** Keeps the order from one content of a view to the next. @returns the instances by `keyOf`, in order */
export function createOrder(): (content: Content<Instance>) => readonly Instance[] {
  let keys: readonly string[] = [];
  let known: ReadonlyMap<string, number> = new Map();
  let before: { readonly turn: number; readonly items: ReadonlyMap<string, Instance>; readonly all: readonly Instance[] } | undefined;
  const wholeOf = (items: ReadonlyMap<string, Instance>): readonly Instance[] => {
    const kept: Instance[] = [];
    for (const key of keys) {
      const instance = items.get(key);
      if (instance !== undefined) kept.push(instance);
    }
    if (kept.length === keys.length && kept.length === items.size) return kept;
    const fresh: Instance[] = [];
    for (const [key, instance] of items) if (!known.has(key)) fresh.push(instance);
    const all = merged(kept, fresh.sort(compare));
    keys = all.map(keyOf);
    known = new Map(keys.map((key, at) => [key, at]));
    return all;
  };
  return ({ items, turn, changed }) => {
    const all = changed !== undefined && before?.items === items && before.turn === turn - 1 && items.size === before.all.length ? replaced(before.all, items, { changed, known }) : undefined;
    before = { turn, items, all: all ?? wholeOf(items) };
    return before.all;
  };
}

/** @returns undefined when instances have come or gone */
function replaced(all: readonly Instance[], items: ReadonlyMap<string, Instance>, { changed, known }: { readonly changed: ReadonlySet<string>; readonly known: ReadonlyMap<string, number> }): readonly Instance[] | undefined {
  const next = [...all];
  for (const key of changed) {
    const instance = items.get(key);
    const at = known.get(key);
    if (instance === undefined || at === undefined) return undefined;
    next[at] = instance;
  }
  return next;
}

function compare(a: Instance, b: Instance): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return a.node < b.node ? -1 : 1;
}

function merged(a: readonly Instance[], b: readonly Instance[]): Instance[] {
  const all: Instance[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) all.push(compare(a[i] as Instance, b[j] as Instance) < 0 ? (a[i++] as Instance) : (b[j++] as Instance));
  return [...all, ...a.slice(i), ...b.slice(j)];
}

export function hostPort({ address, port }: Instance): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return port === 0 ? host : `${host}:${port}`;
}

const versions = new WeakMap<Instance, string>();

/** From metadata, or from a tag such as `v1.2`; empty when the instance says none. */
export function versionOf(instance: Instance): string {
  let version = versions.get(instance);
  if (version === undefined) {
    const { meta, tags } = instance;
    version = meta['version'] ?? tags.find((tag) => /^v?\d+(?:\.\d+)*(?:[-+].*)?$/.test(tag)) ?? '';
    versions.set(instance, version);
  }
  return version;
}
