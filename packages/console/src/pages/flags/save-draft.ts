/** Saves a changed set of flags as the draft of its configuration, where it waits until it is published. */

import type { Done, DraftSaved } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { configPath, queryOf, type FlagContent, type SetRef } from './flag-sets.ts';

/** @param before as the operator saw it when the change began. @throws Error when release or draft have changed since. @returns takes it back */
export async function saveDraft(set: SetRef, before: FlagContent, content: string): Promise<() => Promise<void>> {
  const save = async (text: string, cas: number): Promise<number> => {
    const { done, revision = 0 } = await ask<DraftSaved>('POST', `${configPath}/draft/save?${queryOf(set)}`, { content: text, format: 'flags', cas });
    if (!done) throw new Error('the draft has been changed meanwhile; nothing was saved');
    return revision;
  };
  const saved = await save(content, before.head.draft?.revision ?? 0);
  return async () => {
    if (before.draft !== undefined) {
      await save(before.draft, saved);
      return;
    }
    const { done } = await ask<Done>('POST', `${configPath}/draft/discard?${queryOf(set)}`, { cas: saved });
    if (!done) throw new Error('the draft has been changed meanwhile; it stays');
  };
}
