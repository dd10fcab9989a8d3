/** Types of build-older.mjs, which is plain JavaScript like the other builds. */

export const olderCommit: string;

export function olderProblem(commit: string): string | undefined;

export function buildOlder(commit: string): string;
