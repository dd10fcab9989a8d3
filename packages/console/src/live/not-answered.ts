/** The nodes of which an answer does not know their part, in words. Pure. */

/** @param what may be true of them; empty when all have answered */
export function notAnswered(missing: readonly string[], what: string): string {
  return missing.length === 0 ? '' : ` Not answered, and ${what}: ${missing.join(', ')}.`;
}
