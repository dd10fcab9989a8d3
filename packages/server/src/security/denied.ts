/** The errors of access control, in Consul's words (`acl/errors.go` of 1.16): clients look for them. */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import { quote } from '../filter/go-string.ts';
import type { Resource, Verb } from './authorizer.ts';
import { anonymousAccessor } from './templates.ts';

/** A permission that a caller was found to lack. */
export interface Denial {
  readonly accessorId: string;
  /** Of the request. */
  readonly namespace: string;
  readonly resource: Resource;
  readonly verb: Verb;
  /** Empty for resources without names. */
  readonly name: string;
}

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

/** A caller lacks a permission. The namespace is told where it is not the default one, as Consul Enterprise tells it. */
export function lacksPermission({ accessorId, namespace, resource, verb, name }: Denial): RegistryError {
  const anonymous = accessorId === anonymousAccessor;
  const who = anonymous ? 'anonymous token' : `token with AccessorID '${accessorId}'`;
  const where = name === '' ? '' : ` on ${quote(name)}`;
  const there = namespace === defaultNamespace ? '' : ` in partition "default" in namespace ${quote(namespace)}`;
  const why = anonymous ? '. The anonymous token is used implicitly when a request does not specify a token.' : '';
  return permissionDenied(`${who} lacks permission '${resource}:${verb}'${where}${there}${why}`);
}
