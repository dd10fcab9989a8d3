/** Types of `grammars.mjs`, which runs without a build. */

export function grammars(): string[];
export function generate(path: string): { path: string; text: string };
