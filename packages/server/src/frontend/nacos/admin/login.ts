/**
 * Login. A client of Nacos exchanges a name and a password for a token; here the password is a token of Rollcall already, and comes
 * back. The name means nothing. There are no users, and no default password.
 */

import type { Caller } from '../../../security/acl.ts';
import { nacosCodes, NacosError } from '../errors.ts';
import { isRegistryError } from '@rollcall/protocol';
import { Answer, json } from '../request/answer.ts';
import type { Call } from '../request/call.ts';

/** Seconds after which clients of Nacos log in again. */
const tokenTtl = 18_000;

/** What a client gets for any password while access control is off: it must not be empty. */
const withoutAccessControl = 'access-control-is-off';

/** `POST auth/login` and its later names. */
export function login(call: Call): Answer {
  const { params, context: { security, clock }, origin } = call;
  const password = params.required('password');
  const username = params.text('username');
  const { enabled } = security.acl;
  let caller: Caller;
  try {
    caller = security.gate.enter(password, origin);
  } catch (error) {
    if (!isRegistryError(error, 'unauthenticated')) throw error;
    throw new NacosError('permission_denied', 'unknown user! the password must be a token of Rollcall', nacosCodes.denied);
  }
  const accessToken = enabled ? password : withoutAccessControl;
  const leftMs = caller.expiresAtMs - clock.now();
  const body = { accessToken, tokenTtl: Math.max(1, Math.min(tokenTtl, Math.floor(leftMs / 1_000))), globalAdmin: caller.authorizer.allows('default', 'operator', 'write'), username };
  return new Answer(Buffer.from(JSON.stringify(body)), json, { headers: ['Authorization', `Bearer ${accessToken}`] });
}

/** `POST v3/auth/user/admin` sets the first password of a Nacos server. */
export function firstPassword(): never {
  throw new NacosError('already_exists', 'have admin user cannot use it.', { code: 409, message: 'have admin user cannot use it.' }, { status: 200, withoutData: true });
}
