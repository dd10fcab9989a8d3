/** Reads `Authorization: Bearer TOKEN` (RFC 6750 §2.1). */

/**
 * @param authorization the value of the header
 * @returns all after `Bearer`, without spaces at its ends: a secret that an operator has chosen may have some inside. Undefined for another scheme
 */
export function bearerIn(authorization: string): string | undefined {
  return /^\s*bearer\s+(\S.*?)\s*$/i.exec(authorization)?.[1];
}
