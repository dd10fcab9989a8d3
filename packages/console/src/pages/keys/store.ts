/** Writes of keys by the native stream, with the caller's rights, and what takes each of them back. */

import type { KvItem, ReplyFrame } from '@rollcall/protocol';
import type { LiveViews } from '../../live/views.ts';

/** The key has another revision than the page has seen, or exists already, or is gone. */
export class Changed extends Error {
  constructor(key: string) {
    super(`${key} has been changed meanwhile; nothing was written`);
  }
}

export interface KeyStore {
  /** As it is now. Undefined: there is none. */
  read(key: string): Promise<KvItem | undefined>;
  /** @param before what is replaced; undefined: the key must not exist. @param reason for the audit log @throws Changed @returns takes it back */
  put(key: string, value: { readonly value: string; readonly flags: string }, before: KvItem | undefined, reason: string): Promise<Undo>;
  /** @throws Changed @returns takes it back */
  delete(item: KvItem, reason: string): Promise<Undo>;
  /** @returns takes it back; undefined when there were too many keys to remember */
  deleteTree(prefix: string, count: number, reason: string): Promise<Undo | undefined>;
}

export type Undo = () => Promise<void>;

/** A tree with more keys cannot be brought back: one transaction has so many writes. */
export const treeUndoMax = 64;

/** Why undo writes. */
const takenBack = 'taken back in the console';

export function keyStore(live: LiveViews, namespace: string): KeyStore {
  const isApplied = (reply: ReplyFrame): boolean => (reply.type === 'done' || reply.type === 'committed') && reply.applied;
  const itemsOf = async (kind: 'key' | 'prefix', name: string): Promise<readonly KvItem[]> => {
    const reply = await live.request({ type: 'get', view: { kind, namespace, name } });
    return reply.type === 'snapshot' ? (reply.items as readonly KvItem[]) : [];
  };
  const because = (reason: string): { readonly reason?: string } => (reason.trim() === '' ? {} : { reason: reason.trim() });
  const write = async (key: string, { value, flags }: { readonly value: string; readonly flags: string }, cas: number, reason: string): Promise<void> => {
    if (!isApplied(await live.request({ type: 'kv-put', namespace, key, value, flags, cas, ...because(reason) }))) throw new Changed(key);
  };
  const erase = async (key: string, cas: number, reason: string): Promise<void> => {
    if (!isApplied(await live.request({ type: 'kv-delete', namespace, key, cas, ...because(reason) }))) throw new Changed(key);
  };
  return {
    read: async (key) => (await itemsOf('key', key))[0],
    async put(key, value, before, reason) {
      await write(key, value, before?.revision ?? 0, reason);
      const [after] = await itemsOf('key', key);
      return async () => {
        if (after === undefined || after.value !== value.value) throw new Changed(key);
        await (before === undefined ? erase(key, after.revision, takenBack) : write(key, before, after.revision, takenBack));
      };
    },
    async delete(item, reason) {
      await erase(item.key, item.revision, reason);
      return () => write(item.key, item, 0, takenBack);
    },
    async deleteTree(prefix, count, reason) {
      const before = count <= treeUndoMax ? await itemsOf('prefix', prefix) : [];
      await live.request({ type: 'kv-delete', namespace, key: prefix, recurse: true, ...because(reason) });
      if (count > treeUndoMax || before.length > treeUndoMax) return undefined;
      return async () => {
        const operations = before.map(({ key, value, flags }) => ({ type: 'put' as const, key, value, flags, cas: 0 }));
        if (!isApplied(await live.request({ type: 'txn', namespace, grants: [], operations, reason: takenBack }))) throw new Changed(prefix);
      };
    },
  };
}
