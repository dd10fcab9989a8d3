/** The errors of access control, in Consul's words (`acl/errors.go` of 1.16): clients look for them. */

import { RegistryError } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import type { Resource, Verb } from './authorizer.ts';
import { anonymousAccessor } from './templates.ts';

/** The body of the 401 with which Consul answers requests for access control that is off. */
export const disabledText = 'ACL support disabled';

/** `failed_precondition`; Consul's API makes it a 401. */
export function aclDisabled(): RegistryError {
  return new RegistryError('failed_precondition', disabledText);
}

/** Nobody has this token, or no longer: `unauthenticated`; Consul's API makes it a 403. */
export function aclNotFound(): RegistryError {
  return new RegistryError('unauthenticated', 'ACL not found');
}

/** `Permission denied: cause`, or the bare words. */
export function permissionDenied(cause?: string): RegistryError {
  return new RegistryError('permission_denied', cause === undefined ? 'Permission denied' : `Permission denied: ${cause}`);
}

/**
 * Who lacks what.
 * @param name empty for what has no name
 */
export function lacksPermission(accessorId: string, resource: Resource, verb: Verb, name: string): RegistryError {
  const anonymous = accessorId === anonymousAccessor;
  const who = anonymous ? 'anonymous token' : `token with AccessorID '${accessorId}'`;
  const where = name === '' ? '' : ` on ${quote(name)}`;
  const why = anonymous ? '. The anonymous token is used implicitly when a request does not specify a token.' : '';
  return permissionDenied(`${who} lacks permission '${resource}:${verb}'${where}${why}`);
}
