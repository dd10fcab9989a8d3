/** Types of build-older.mjs, which is plain JavaScript like the other builds. */

export function buildOlder(commit: string): string;
