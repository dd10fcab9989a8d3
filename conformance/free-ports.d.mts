/** Types of free-ports.mjs, which is plain JavaScript since benchmarks run it without a build. */

export function freePorts(count: number): Promise<number[]>;
export function freePort(): Promise<number>;
