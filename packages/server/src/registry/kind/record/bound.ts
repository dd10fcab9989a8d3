/** Records that are bound to a session and go with it: for now, prepared queries. */

import type { RecordRow } from './rows.ts';

/** Type of the records that are prepared queries (`kind/query/query.ts`). */
export const queryType = 'prepared-query';

/** The session that a record goes with, if it is bound to one. */
export function sessionOfRecord({ type, value }: Pick<RecordRow, 'type' | 'value'>): string | undefined {
  if (type !== queryType) return undefined;
  const { session } = value as { readonly session?: string };
  return session === '' ? undefined : session;
}
