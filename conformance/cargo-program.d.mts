/** Types of cargo-program.mjs, which is plain JavaScript since commands run it without a build. */

import type { Built } from './built-once.mjs';

export function buildCargo(source: string, name: string, program: string): Built;
