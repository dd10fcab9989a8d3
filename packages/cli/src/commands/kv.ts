/** `rollcall kv`: the commands that read and write keys. */

import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { addKvDelete } from './kv-delete.ts';
import { addKvExport } from './kv-export.ts';
import { addKvGet } from './kv-get.ts';
import { addKvImport } from './kv-import.ts';
import { addKvList } from './kv-list.ts';
import { addKvPut } from './kv-put.ts';
import { addKvWatch } from './kv-watch.ts';

export function addKv(parent: Command, context: CommandContext): void {
  const kv = parent.command('kv').description('read and write keys');
  addKvGet(kv, context);
  addKvPut(kv, context);
  addKvDelete(kv, context);
  addKvList(kv, context);
  addKvWatch(kv, context);
  addKvExport(kv, context);
  addKvImport(kv, context);
}
