/** Fields of JSON that clients wrote: read one by one, since any of them may be anything. */

export type Fields = Readonly<Record<string, unknown>>;

/** Larger data is not looked into: it is parsed while decisions wait. */
const textBytesMax = 65_536;

/** @returns undefined for data that is no JSON object */
export function objectIn(data: Uint8Array): Fields | undefined {
  // A brace: most data of znodes is something else.
  if (data[0] !== 0x7b || data.length > textBytesMax) return undefined;
  try {
    return fieldsOf(JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()));
  } catch {
    return undefined;
  }
}

/** @returns undefined for what is no object */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The field's own text; empty when it has none. */
export function textOf(fields: Fields, name: string): string {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' ? value : '';
}

/** A port, 1 to 65535; 0 for anything else. */
export function portOf(value: unknown): number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535 ? value : 0;
}

/** The texts, numbers and booleans among the fields, as texts. @param without names that are left out */
export function metaOf(fields: Fields, without: readonly string[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      if (without.includes(name)) return [];
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? [[name, String(value)]] : [];
    }),
  );
}
