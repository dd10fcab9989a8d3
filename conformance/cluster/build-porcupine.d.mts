/** Types of build-porcupine.mjs, which is plain JavaScript since `npm test` runs it before anything is built. */

import type { Built } from '../go-program.mjs';

export function buildPorcupine(): Built;
