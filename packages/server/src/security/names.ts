/** Checks the names of policies, roles and other records of access control, as Consul does (`acl/validation.go` of 1.16). */

import { refused, type AccessError } from './access-error.ts';

/** Lower case, digits, dashes and underscores; up to 256 characters. For service and node identities. */
export function isIdentityName(name: string): boolean {
  return name.length <= 256 && /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/.test(name);
}

export function isRoleName(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,256}$/.test(name);
}

export function isMethodName(name: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(name);
}

const policyNameMax = 128;

/** Undefined for a name that a policy may have, otherwise the error. */
export function policyNameProblem(name: string): AccessError | undefined {
  if (name.length > policyNameMax) return refused('policy name too long', { length: name.length, max: policyNameMax });
  if (name.startsWith('/') || name.startsWith('builtin/')) return refused('policy name reserved');
  return /^[A-Za-z0-9_-]+\/?[A-Za-z0-9_-]*$/.test(name) ? undefined : refused('bad policy name');
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}
