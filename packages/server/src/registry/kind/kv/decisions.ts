/** Decides the commands about keys. */

import type { Decision } from '../../room.ts';
import type { KvDelete, KvPut } from './commands.ts';
import { deleteKey, deleteTree, putKey } from './decide.ts';
import { kvKey } from './keys.ts';

export const decisions = {
  'kv-put': { writes: true, conditionOn, decide: putKey },
  'kv-delete': { conditionOn, decide: deleteKey },
  'kv-delete-tree': { resumes: true, letsOthersPass: true, decide: deleteTree },
} satisfies Record<string, Decision>;

function conditionOn({ namespace, key }: KvPut | KvDelete): string {
  return kvKey(namespace, key);
}
