/** Flat values as one file: properties, or nested as JSON or YAML. Pure. */

import { printProperties } from '@rollcall/protocol';

export type Flat = ReadonlyMap<string, string | number | boolean>;

export type Ending = 'properties' | 'json' | 'yml' | 'yaml';

export function printFile(flat: Flat, ending: Ending): { readonly type: string; readonly text: string } {
  switch (ending) {
    case 'properties':
      return { type: 'text/plain; charset=utf-8', text: printProperties([...flat].map(([key, value]) => [key, String(value)] as const).sort(([a], [b]) => (a < b ? -1 : 1))) };
    case 'json':
      return { type: 'application/json', text: JSON.stringify(nest(flat)) };
    case 'yml':
    case 'yaml':
      return { type: 'text/plain; charset=utf-8', text: yaml(nest(flat), '') };
  }
}

type Nested = { [key: string]: Nested } | Nested[] | string | number | boolean;

/** Keys with dots become objects, `[n]` become arrays. Where a key is both a value and an object, the first one of the flat keys wins. */
export function nest(flat: Flat): Nested {
  const root: { [key: string]: Nested } = Object.create(null) as { [key: string]: Nested };
  for (const [key, value] of flat) put(root, segmentsOf(key), value);
  return root;
}

function put(root: { [key: string]: Nested }, segments: readonly (string | number)[], value: string | number | boolean): void {
  let at: Nested = root;
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (typeof at !== 'object') return;
    // Holes of arrays would be null; an index that skips some is the name of a key.
    if (Array.isArray(at) && (typeof segment !== 'number' || segment > at.length)) return;
    const holder = at as { [key: string | number]: Nested };
    if (next === undefined) {
      holder[segment] ??= value;
      return;
    }
    const inner: Nested = (holder[segment] ??= typeof next === 'number' ? [] : (Object.create(null) as { [key: string]: Nested }));
    at = inner;
  }
}

/** `a.b[0].c` → a, b, 0, c */
function segmentsOf(key: string): (string | number)[] {
  return key.split('.').flatMap((part) => {
    const found = /^([^[\]]*)((?:\[\d{1,6}\])+)$/.exec(part);
    if (found === null) return [part];
    const [, name = '', indexes = ''] = found;
    return [...(name === '' ? [] : [name]), ...Array.from(indexes.matchAll(/\d+/g), ([index]) => Number(index))];
  });
}

/** Scalars are written as JSON writes them, which YAML reads; so no text needs a rule of its own. */
function yaml(value: Nested, indent: string): string {
  if (typeof value !== 'object') return `${JSON.stringify(value)}\n`;
  if (Array.isArray(value)) return value.map((each) => `${indent}-${child(each, indent)}`).join('');
  return Object.entries(value)
    .map(([key, each]) => `${indent}${/^[A-Za-z_][\w-]*$/.test(key) && !reserved.test(key) ? key : JSON.stringify(key)}:${child(each, indent)}`)
    .join('');
}

const reserved = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function child(value: Nested, indent: string): string {
  if (typeof value !== 'object') return ` ${yaml(value, '')}`;
  const isEmpty = Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
  return isEmpty ? ` ${Array.isArray(value) ? '[]' : '{}'}\n` : `\n${yaml(value, `${indent}  `)}`;
}
