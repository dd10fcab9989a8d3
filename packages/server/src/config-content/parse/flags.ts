/** Definitions of flags in flagd's JSON: strict JSON, and each flag as the evaluator reads it. */

import { parseJson } from './json.ts';
import type { Parsed } from './parsed.ts';

export function parseFlags(text: string): Parsed {
  return parseJson(text);
}
