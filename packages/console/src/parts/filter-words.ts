/** Plain words of a filter box, and how they are told from expressions. */

/** A comparison, or one of the words between a value and a field of this list. */
export function looksLikeExpression(text: string, fields: readonly string[]): boolean {
  if (/[=!]=/.test(text)) return true;
  if (!/\b(?:in|contains|matches|is(?: not)? empty)\b/.test(text)) return false;
  const names = new Set(fields);
  return text.split(/[^\w]+/).some((word) => names.has(word));
}

/**
 * Each word must be in one of the fields; the case does not count.
 * @param known texts of rows that were looked at before: a long list is filtered again with each change
 */
export function hasWords<T extends object>(fields: readonly { readonly read: (row: T) => unknown }[], text: string, known = new WeakMap<object, readonly string[]>()): (row: T) => boolean {
  const words = text.toLowerCase().split(/\s+/);
  return (row) => {
    let texts = known.get(row);
    if (texts === undefined) known.set(row, (texts = fields.map(({ read }) => textOf(read(row)).toLowerCase())));
    return words.every((word) => texts.some((each) => each.includes(word)));
  };
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.join(' ');
  if (typeof value === 'object' && value !== null) return Object.entries(value).flat().join(' ');
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
