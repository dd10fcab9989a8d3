/** Types of install-debian.mjs, which is plain JavaScript since `npm test` runs it before anything is built. */

export function findProgram(program: string, path?: string): string | undefined;
