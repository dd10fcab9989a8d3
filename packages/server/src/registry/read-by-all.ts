/**
 * During a rolling upgrade nodes of two versions share a store. A node that meets a record which it must read and cannot has to stop, so a
 * newer node must not write one before all of them are upgraded (docs/decisions/0050). The forms of records have levels: each kind,
 * or format of a kind, that older programs cannot do without comes with a new level (`Kind.since`). Each member's row says which
 * level it reads.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Reader } from './reader.ts';
import type { Kind } from './room.ts';

/**
 * @param name of the kind of a row that is to be written
 * @throws RegistryError `failed_precondition` when a member of the store cannot read such a row, and cannot do without it either
 */
export function assertReadByAll(draft: Reader, name: string, { since = 1, mayStayUnread }: Kind): void {
  if (since === 1 || mayStayUnread === true) return;
  for (const room of draft.kinds.reading) {
    const member = room.memberThatCannotRead(draft as never, since);
    if (member === undefined) continue;
    const message = `node ${member.name} runs Rollcall ${member.version}, which cannot read records of the kind ${name}; upgrade all nodes of the store first`;
    throw new RegistryError('failed_precondition', message);
  }
}
