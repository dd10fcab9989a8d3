/** What comes of the commands about keys. */

import type { Decision } from '../../room.ts';
import { deleteKey, deleteTree, putKey } from './decide.ts';

export const decisions = {
  'kv-put': { writes: true, decide: putKey },
  'kv-delete': { decide: deleteKey },
  'kv-delete-tree': { decide: deleteTree },
} satisfies Record<string, Decision>;
