/** Decisions about the status and output of checks. */

import type { Draft } from '../../draft.ts';
import { stands } from '../../if-it-stands.ts';
import { Removal } from '../../removal.ts';
import type { Steps } from '../../steps.ts';
import type { UpdateChecks } from './commands.ts';
import { findCheck } from './find.ts';
import { endSessionsWith } from './remove.ts';

export function* updateChecks(draft: Draft, command: UpdateChecks, now: number): Steps<number> {
  const { updates } = command;
  const removal = new Removal(draft, now);
  let existed = command.existed ?? 0;
  for (const [at, { namespace, node, id, status, output, judged }] of updates.entries()) {
    const before = findCheck(draft, namespace, node, id);
    if (before === undefined || before.type === 'status' || !stands(draft, judged)) continue;
    const after = { ...before, status: status ?? before.status, output: output ?? before.output };
    let cleared = false;
    if (after.status === 'critical' && before.status !== 'critical') {
      for (const _ of endSessionsWith(removal, after)) {
        cleared = true;
        yield () => ({ updates: updates.slice(at), existed });
      }
    }
    existed++;
    // It may have been removed with an instance that such a session vouched for.
    if (!cleared || findCheck(draft, namespace, node, id) !== undefined) draft.put(after);
    yield () => ({ updates: updates.slice(at + 1), existed });
  }
  return existed;
}
