/** Ends a session: the rows that it holds are released or removed with it, as the description of their kind says. */

import type { Removal } from '../../removal.ts';
import type { Steps } from '../../steps.ts';
import { findSession, heldBySession } from './find.ts';
import { sessionKey } from './keys.ts';
import type { SessionRow } from './rows.ts';

/**
 * An explicit destroy, too, starts the lock delay of every key that the session held, as in Consul
 * (https://developer.hashicorp.com/consul/docs/automate/session); a release does not.
 * @returns false when there is no such session
 */
export function* endSession(removal: Removal, namespace: string, id: string): Steps<boolean> {
  const { draft } = removal;
  const key = sessionKey(namespace, id);
  const session = findSession(draft, namespace, id);
  // A session may be bound to a check of an instance that it vouches for: both removals meet here.
  if (session === undefined || !removal.begins(key)) return false;
  if (session.ending !== true) draft.put<SessionRow>({ ...session, ending: true });
  for (const held of heldBySession(draft, namespace, id)) {
    yield* removal.release(held, session);
    yield;
  }
  draft.delete(key);
  return true;
}
