/** Types of go-program.mjs, which is plain JavaScript since commands run it without a build. */

import type { Built } from './built-once.mjs';

export type { Built };

export function buildGo(source: string, name: string, packages: Readonly<Record<string, string>>, tags?: string): Built;
