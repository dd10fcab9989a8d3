/** The body of an error of the JSON API: its code and message, and for a missing permission the explanation of the denial. */

import type { ErrorCode, ExplainedDenial } from '@rollcall/protocol';
import { denialIn } from '../security/access-error.ts';
import type { Acl } from '../security/acl.ts';

export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly denial?: ExplainedDenial;
}

/** @param error what was thrown; absent when there is no such route */
export function errorBody(acl: Pick<Acl, 'explain'>, { code, message, error }: { readonly code: ErrorCode; readonly message: string; readonly error?: unknown }): ErrorBody {
  const denied = denialIn(error);
  const denial = denied === undefined ? undefined : acl.explain(denied);
  return { code, message, ...(denial === undefined ? {} : { denial }) };
}
