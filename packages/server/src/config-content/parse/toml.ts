/** TOML 1.0; the format itself forbids duplicate keys. Dates and times become texts in the form of RFC 3339, as JSON has no dates. */

import { parse, TomlDate, TomlError } from 'smol-toml';
import { depthMax } from './json.ts';
import { fail, type Parsed } from './parsed.ts';

export function parseToml(text: string): Parsed {
  try {
    return { ok: true, value: plain(parse(text, { maxDepth: depthMax })) };
  } catch (error) {
    if (error instanceof RangeError) return fail(text, 0, 'nested too deeply');
    if (!(error instanceof TomlError)) throw error;
    const message = (error.message.split('\n', 1)[0] ?? '').replace('Invalid TOML document: ', '');
    const kind = message.startsWith('trying to redefine') ? 'duplicate' : 'syntax';
    return { ok: false, fault: { kind, message: kind === 'duplicate' ? 'the key is there already; remove one of the two' : message, line: error.line, column: error.column } };
  }
}

function plain(value: unknown): unknown {
  if (value instanceof TomlDate) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}
