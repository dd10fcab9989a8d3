/**
 * The flags of a configuration in flagd's format, read to be shown and changed one flag at a time. A change touches the fields that the editor knows
 * and keeps all others, and the indentation of the text.
 */

import { parseFlags } from '@rollcall/protocol';
import type { Json } from './rules.ts';

export interface FlagFields {
  readonly state: 'ENABLED' | 'DISABLED';
  readonly variants: Readonly<Record<string, Json>>;
  /** Undefined: the default of the code. */
  readonly defaultVariant: string | undefined;
  readonly targeting: Json | undefined;
}

/** One flag as it is in the text. */
export interface ShownFlag extends FlagFields {
  readonly key: string;
  readonly whole: Json;
}

export type ReadFlags = { readonly ok: true; readonly flags: readonly ShownFlag[] } | { readonly ok: false; readonly message: string };

type Fields = Readonly<Record<string, Json>>;

export function readFlags(content: string): ReadFlags {
  const parsed = parseFlags(content);
  if (!parsed.ok) return parsed;
  const { flags = {} } = JSON.parse(content) as { readonly flags?: Readonly<Record<string, Json>> };
  return { ok: true, flags: Object.entries(flags).map(([key, whole]) => ({ key, whole, ...fieldsOf(whole) })) };
}

/** @param whole a flag that was parsed before, or has variants at least */
export function fieldsOf(whole: Json): FlagFields {
  const { state, variants, defaultVariant, targeting } = whole as Fields;
  return {
    state: state === 'DISABLED' ? 'DISABLED' : 'ENABLED',
    variants: variants as Readonly<Record<string, Json>>,
    defaultVariant: typeof defaultVariant === 'string' && defaultVariant !== '' ? defaultVariant : undefined,
    targeting,
  };
}

/** @returns the whole flag with these fields, and every other field as it was */
export function withFields(whole: Json, { state, variants, defaultVariant, targeting }: FlagFields): Json {
  const before = whole as Fields;
  const namedDefault = typeof before['defaultVariant'] === 'string' && before['defaultVariant'] !== '';
  const after: Readonly<Record<string, Json | undefined>> = {
    ...before, state, variants,
    // No default and no targeting have several spellings: the text keeps the one that it has.
    defaultVariant: defaultVariant ?? (namedDefault ? undefined : before['defaultVariant']),
    targeting: targeting ?? (isEmpty(before['targeting']) ? before['targeting'] : undefined),
  };
  return Object.fromEntries(Object.entries(after).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

function isEmpty(targeting: Json | undefined): boolean {
  return targeting === null || (typeof targeting === 'object' && Object.keys(targeting).length === 0);
}

/** @param flag undefined: removes it @returns the text with one flag changed */
export function withFlag(content: string, key: string, flag: Json | undefined): string {
  const definition = JSON.parse(content) as { readonly flags?: Readonly<Record<string, Json>> };
  const flags: Record<string, Json> = { ...definition.flags };
  if (flag === undefined) delete flags[key];
  else flags[key] = flag;
  const end = content.endsWith('\n') ? '\n' : '';
  return JSON.stringify({ ...definition, flags }, undefined, indentationOf(content)) + end;
}

/** The indentation of the first line that has one; none for a text of one line. */
function indentationOf(content: string): string {
  return /^\s*\{\r?\n([ \t]+)/.exec(content)?.[1] ?? '';
}

/** Why the text could not be published because of this flag; undefined: it could. */
export function faultOf(content: string, key: string): string | undefined {
  const parsed = parseFlags(content);
  if (!parsed.ok) return parsed.message;
  return parsed.invalid.find((each) => each.key === key)?.message;
}
