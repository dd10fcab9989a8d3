/** What comes of the command that keeps a prepared query. */

import type { Decision } from '../../room.ts';
import { putQuery } from './decide.ts';

export const decisions = { 'query-put': { writes: true, decide: putQuery } } satisfies Record<string, Decision>;
