/** Which client has opened a session of locks, for people. The session's row has it, and no rule reads it. */

import type { SessionRow } from '../registry/kind/session/rows.ts';

export interface LockClient {
  /** As its hello says; absent for a client of the HTTP API. */
  readonly client?: string;
  /** That it connected from when it opened the session. */
  readonly address?: string;
}

/** @returns the part of `foreign.lock` that says it: no empty fields */
export function lockClientFields({ client = '', address = '' }: LockClient): LockClient {
  return { ...(client === '' ? {} : { client }), ...(address === '' ? {} : { address }) };
}

/** Empty for a session that an older Rollcall has written. */
export function lockClientOf(session: SessionRow | undefined): LockClient {
  const lock = session?.foreign?.['lock'];
  if (typeof lock !== 'object' || lock === null || !('secretSha256' in lock)) return {};
  const { client, address } = lock as Readonly<Record<string, unknown>>;
  return { ...(typeof client === 'string' ? { client } : {}), ...(typeof address === 'string' ? { address } : {}) };
}
