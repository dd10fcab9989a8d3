/** Finds sessions and the rows that they hold. */

import type { Lookup } from '../../room.ts';
import type { AnyRow } from '../../row.ts';
import { sessionBuckets, sessionKey } from './keys.ts';
import type { SessionRow } from './rows.ts';

export function findSession(reader: Lookup, namespace: string, id: string): SessionRow | undefined {
  return reader.get(sessionKey(namespace, id)) as SessionRow | undefined;
}

/** A session that may still hold further rows: its end has not begun. */
export function findLiveSession(reader: Lookup, namespace: string, id: string): SessionRow | undefined {
  const row = findSession(reader, namespace, id);
  return row?.ending === true ? undefined : row;
}

export function allSessions(reader: Lookup, namespace: string): Iterable<SessionRow> {
  return reader.bucket(sessionBuckets.all(namespace)) as Iterable<SessionRow>;
}

export function sessionsOnNode(reader: Lookup, namespace: string, node: string): Iterable<SessionRow> {
  return reader.bucket(sessionBuckets.onNode(namespace, node)) as Iterable<SessionRow>;
}

/** Sessions of any namespace. @param namespace of the check */
export function sessionsWithCheck(reader: Lookup, namespace: string, node: string, check: string): Iterable<SessionRow> {
  return reader.bucket(sessionBuckets.withCheck(namespace, node, check)) as Iterable<SessionRow>;
}

/** Rows of any kind. */
export function heldBySession(reader: Lookup, namespace: string, session: string): Iterable<AnyRow> {
  return reader.bucket(sessionBuckets.held(namespace, session));
}
