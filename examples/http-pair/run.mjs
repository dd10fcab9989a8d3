/**
 * The whole example in one command: a registry in memory, three services, a caller; one service is
 * killed and one is stopped while the caller continues.
 *
 *   npm run build && node examples/http-pair/run.mjs
 */

import { runPair } from '../pair.mjs';

await runPair(new URL('./', import.meta.url));
