/** Builds porcupine, the checker of linearizability in Go, from the pinned modules in `porcupine/`. Standard library only. */

import { fileURLToPath } from 'node:url';
import { buildGo } from '../go-program.mjs';

/** @returns the path of the program by its name, or the missing part */
export function buildPorcupine() {
  return buildGo(fileURLToPath(new URL('porcupine', import.meta.url)), 'porcupine', { porcupine: '.' });
}
