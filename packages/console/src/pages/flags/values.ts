/** Values of attributes as an operator types them: `42` and `true` are what they look like, `"42"` is a text, and everything that is no JSON is a text as well. */

import type { Json } from './rules.ts';

export function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

export function textOfValue(value: Json): string {
  return typeof value === 'string' && valueOf(value) === value ? value : JSON.stringify(value);
}

/** A list with commas between its items; JSON if an item would be read as another one. */
export function textOfList(values: readonly Json[]): string {
  const text = values.map(textOfValue).join(', ');
  return JSON.stringify(listOf(text)) === JSON.stringify(values) ? text : JSON.stringify(values);
}

export function listOf(text: string): readonly Json[] {
  const whole = valueOf(text);
  if (Array.isArray(whole)) return whole as readonly Json[];
  return text.split(',').map((each) => each.trim()).filter((each) => each !== '').map(valueOf);
}

/**
 * The attributes of a user or request, one a line: `country=de`.
 * @returns the lines that are none, too
 */
export function attributesIn(text: string): { readonly attributes: Readonly<Record<string, Json>>; readonly wrong: readonly string[] } {
  const attributes: Record<string, Json> = {};
  const wrong: string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const at = line.indexOf('=');
    const name = line.slice(0, Math.max(0, at)).trim();
    if (name === '' || name === '__proto__') wrong.push(line);
    else attributes[name] = valueOf(line.slice(at + 1).trim());
  }
  return { attributes, wrong };
}
