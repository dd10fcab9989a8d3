/** Definitions of flags in flagd's JSON: strict JSON, and each flag as the evaluator reads it, its targeting included. */

import { parseFlags as readFlags } from '@rollcall/protocol';
import { parseJson } from './json.ts';
import type { Parsed } from './parsed.ts';

/** A fault of a definition has the flag in its message, and no line: the evaluator sees no text. */
export function parseFlags(text: string): Parsed {
  const parsed = parseJson(text);
  if (!parsed.ok) return parsed;
  const read = readFlags(text);
  if (!read.ok) return { ok: false, fault: { kind: 'schema', message: read.message } };
  const [invalid] = read.invalid;
  if (invalid !== undefined) return { ok: false, fault: { kind: 'schema', path: `/flags/${invalid.key.replaceAll('~', '~0').replaceAll('/', '~1')}/targeting`, message: invalid.message } };
  return parsed;
}
