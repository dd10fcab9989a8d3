/** The error of access control: a code, a message, and the reason with its fields, from which a front end can build its own message. */

import { RegistryError, type ErrorCode } from '@rollcall/protocol';
import { words, type Denial, type Reason, type Reasons } from './reasons.ts';

/** Codes of the reasons whose code is not `invalid_argument`. */
const codes: Readonly<Partial<Record<Reason, ErrorCode>>> = {
  disabled: 'failed_precondition',
  'unknown token': 'unauthenticated',
  'lacks permission': 'permission_denied',
  missing: 'not_found',
  'bootstrap over': 'permission_denied',
  'wrong reset index': 'failed_precondition',
  'not from a login': 'permission_denied',
  'auth method not found': 'not_found',
  'nothing granted': 'permission_denied',
  oidc: 'unauthenticated',
  'bad jwt': 'unauthenticated',
  'malformed jwt': 'unauthenticated',
  'bad jwt time': 'unauthenticated',
  'bad jwt claim': 'unauthenticated',
};

export class AccessError<R extends Reason = Reason> extends RegistryError {
  readonly reason: R;
  readonly fields: Reasons[R];

  constructor(reason: R, fields: Reasons[R]) {
    super(codes[reason] ?? 'invalid_argument', words[reason](fields));
    this.reason = reason;
    this.fields = fields;
  }
}

/** The permission that was missing; undefined for every other error. */
export function denialIn(error: unknown): Denial | undefined {
  return error instanceof AccessError && error.reason === 'lacks permission' ? (error as AccessError<'lacks permission'>).fields : undefined;
}

/** The namespace in which a permission was missing; empty for every other error. */
export function deniedNamespace(error: unknown): string {
  return denialIn(error)?.namespace ?? '';
}

/** The error for a reason; those without fields take none. */
export function refused<R extends Reason>(reason: R, ...[fields]: object extends Reasons[R] ? [] : [fields: Reasons[R]]): AccessError<R> {
  return new AccessError(reason, fields ?? ({} as Reasons[R]));
}
