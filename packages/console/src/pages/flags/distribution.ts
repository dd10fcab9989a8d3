/** How many of some sample keys get each variant. It works in short slices, so that a slow rule does not hold the page, and ends after a while. */

import { parseFlags } from '@rollcall/protocol';
import type { Json } from './rules.ts';

export interface Distribution {
  /** By variant, the most frequent first; a key without a variant counts under the reason: `DEFAULT`, `ERROR`. */
  readonly counts: readonly (readonly [string, number])[];
  readonly of: number;
}

export const samples = 10_000;
const sliceMs = 8;
const longestMs = 2_000;

export interface DistributionOptions {
  readonly content: string;
  readonly flag: string;
  readonly attributes: Readonly<Record<string, Json>>;
  /** Attributes that get another value for each sample, besides the targeting key. */
  readonly varied: readonly string[];
  /** The time that rules compare with, in milliseconds since the Unix epoch. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** @returns undefined when it was aborted, or the content is no set of flags */
export async function distributionOf({ content, flag, attributes, varied, nowMs, signal }: DistributionOptions): Promise<Distribution | undefined> {
  const parsed = parseFlags(content);
  if (!parsed.ok) return undefined;
  const counts = new Map<string, number>();
  const began = performance.now();
  let sliceBegan = began;
  let of = 0;
  while (of < samples) {
    const sample = `sample-${of++}`;
    const context = { ...attributes, targetingKey: sample, ...Object.fromEntries(varied.map((name) => [name, sample])) };
    const { variant, reason } = parsed.flags.evaluate(flag, context, nowMs);
    const name = variant ?? (reason === 'DEFAULT' ? 'default of the code' : reason.toLowerCase());
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const now = performance.now();
    if (now - sliceBegan < sliceMs) continue;
    if (now - began > longestMs) break;
    await new Promise((resolve) => setTimeout(resolve));
    if (signal.aborted) return undefined;
    sliceBegan = performance.now();
  }
  return { counts: [...counts].sort(([, a], [, b]) => b - a), of };
}
