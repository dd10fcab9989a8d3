/** Which names things of access control may have, as in Consul (`acl/validation.go` of 1.16). */

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

/** Undefined when the name is good for a policy, otherwise what is wrong with it. */
export function policyNameProblem(name: string): string | undefined {
  const invalid = 'Invalid Policy: invalid Name.';
  if (name.length > 128) return `${invalid} Length must be greater than 0 and less than 128`;
  if (name.startsWith('/') || name.startsWith('builtin/')) {
    return `${invalid} Names cannot be prefixed with '/' or 'builtin/'`;
  }
  if (!/^[A-Za-z0-9_-]+\/?[A-Za-z0-9_-]*$/.test(name)) {
    return `${invalid} Only alphanumeric characters, a single '/', '-' and '_' are allowed`;
  }
  return undefined;
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}
