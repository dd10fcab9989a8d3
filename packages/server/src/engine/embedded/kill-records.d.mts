/** Types of kill-records.mjs, which is plain JavaScript since a bare Node process runs it. */

export const kept: number;
export function partsOf(number: number): number;
export function recordOf(run: string, writer: number, number: number, part: number): { key: string; value: Buffer };
