/**
 * Verifies a JSON Web Token by the configuration of an auth method and returns its identity (RFC 7519, RFC 8725).
 * The rules for tokens that lack some times are Consul's (`internal/go-sso/oidcauth/jwt.go` of 1.16).
 *
 * The configuration limits the algorithms; the token alone does not choose. The caller passes the time.
 */

import { compactVerify, createLocalJWKSet, errors, type CompactVerifyGetKey, type CryptoKey } from 'jose';
import { refused } from './access-error.ts';
import type { Identity } from './binding.ts';
import type { JwtConfig } from './jwt-config.ts';
import type { KeySet, KeySource } from './key-source.ts';

/** Most characters of a token. */
const lengthMax = 16_384;

type Claims = Readonly<Record<string, unknown>>;

/**
 * @param nowMs milliseconds since the Unix epoch
 * @throws RegistryError `unauthenticated` for a token that fails the verification; `unavailable` when the keys
 *   cannot be fetched
 */
export async function verifyJwt(token: string, config: JwtConfig, source: KeySource, nowMs: number): Promise<Identity> {
  return identityOf(await verifiedClaims(token, config, source, nowMs), config);
}

/** The claims of a token that passes the same checks. @throws RegistryError as `verifyJwt` */
export async function verifiedClaims(token: string, config: JwtConfig, source: KeySource, nowMs: number): Promise<Claims> {
  if (token === '') throw refused('bad jwt', { problem: 'absent' });
  if (token.length > lengthMax) throw refused('malformed jwt', { problem: `it has ${token.length} characters, the limit is ${lengthMax}` });
  const claims = await verifySignature(token, config, source);
  checkTimes(claims, config, nowMs / 1_000);
  checkIssuer(claims, config);
  checkAudience(claims, config);
  return claims;
}

async function verifySignature(token: string, config: JwtConfig, source: KeySource): Promise<Claims> {
  const set = await source.current();
  const payload = (await tryKeys(token, config, set)) ?? (await tryNewer(token, config, source, set));
  if (payload === undefined) throw refused('bad jwt', { problem: 'no key fits' });
  try {
    const claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as unknown;
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as Claims;
  } catch {
    // The error below tells the caller.
  }
  throw refused('bad jwt', { problem: 'no object' });
}

async function tryNewer(token: string, config: JwtConfig, source: KeySource, set: KeySet): Promise<Uint8Array | undefined> {
  const newer = await source.newer(set);
  return newer === undefined ? undefined : tryKeys(token, config, newer);
}

/** The payload, if one of the keys verifies the signature. */
async function tryKeys(token: string, config: JwtConfig, set: KeySet): Promise<Uint8Array | undefined> {
  const algorithms = [...config.algorithms];
  const verify = async (get: CompactVerifyGetKey): Promise<Uint8Array | undefined> => {
    try {
      return (await compactVerify(token, get, { algorithms })).payload;
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return tryEach(error);
      if (error instanceof errors.JWSInvalid || error instanceof errors.JOSEAlgNotAllowed) {
        throw refused('malformed jwt', { problem: error.message });
      }
      // Another key made the signature, or this key does not fit the algorithm.
      return undefined;
    }
  };
  const tryEach = async (keys: AsyncIterable<CryptoKey>): Promise<Uint8Array | undefined> => {
    for await (const key of keys) {
      const payload = await verify(() => key);
      if (payload !== undefined) return payload;
    }
    return undefined;
  };
  if (set.kind === 'jwks') return verify(createLocalJWKSet(set.jwks));
  for (const key of set.keys) {
    const payload = await verify(() => key);
    if (payload !== undefined) return payload;
  }
  return undefined;
}

/** Times are in seconds. A missing time is computed from the others and the leeway. */
function checkTimes(claims: Claims, config: JwtConfig, now: number): void {
  const issued = numeric(claims, 'iat');
  const expiry = numeric(claims, 'exp');
  const notBefore = numeric(claims, 'nbf');
  if (issued === undefined && expiry === undefined && notBefore === undefined) {
    throw refused('bad jwt', { problem: 'no times' });
  }
  const skew = config.clockSkewMs / 1_000;
  const end = expiry ?? Math.max(issued ?? 0, notBefore ?? 0) + config.expirationLeewayMs / 1_000;
  const start = notBefore ?? issued ?? end - config.notBeforeLeewayMs / 1_000;
  if (now > end + skew) throw refused('bad jwt', { problem: 'expired' });
  if (now < start - skew) throw refused('bad jwt', { problem: 'not valid yet' });
  if (issued !== undefined && now < issued - skew) {
    throw refused('bad jwt', { problem: 'issued in the future' });
  }
}

function numeric(claims: Claims, name: string): number | undefined {
  const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw refused('bad jwt time', { claim: name });
  return value;
}

function checkIssuer(claims: Claims, { issuer }: JwtConfig): void {
  if (issuer !== '' && claims['iss'] !== issuer) {
    throw refused('bad jwt', { problem: 'issuer' });
  }
}

function checkAudience(claims: Claims, { audiences }: JwtConfig): void {
  const claim = claims['aud'] ?? [];
  const given: unknown[] = Array.isArray(claim) ? claim : [claim];
  if (audiences.length === 0 && given.length > 0) {
    throw refused('bad jwt', { problem: 'audience not bound' });
  }
  if (audiences.length > 0 && !given.some((one) => typeof one === 'string' && audiences.includes(one))) {
    throw refused('bad jwt', { problem: 'audience' });
  }
}

/** @throws RegistryError `unauthenticated` for a claim of another form */
export function identityOf(claims: Claims, { values, lists }: JwtConfig): Identity {
  const single = Object.entries(values).map(([claim, name]): [string, string] => {
    const value = claimOf(claims, claim);
    const text = value === undefined ? '' : textOf(value);
    if (text === undefined) throw refused('bad jwt claim', { claim, list: false });
    return [name, text];
  });
  const several = Object.entries(lists).map(([claim, name]): [string, string[]] => {
    const value = claimOf(claims, claim);
    const all: unknown[] = value === undefined ? [] : Array.isArray(value) ? value : [value];
    return [
      name,
      all.map((one) => {
        const text = textOf(one);
        if (text === undefined) throw refused('bad jwt claim', { claim, list: true });
        return text;
      }),
    ];
  });
  return { values: Object.fromEntries(single), lists: Object.fromEntries(several) };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** A claim by its name, or by a JSON pointer (RFC 6901) when it starts with a slash. */
function claimOf(claims: Claims, claim: string): unknown {
  if (!claim.startsWith('/')) return own(claims, claim);
  return claim
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((value, part) => own(value, part), claims);
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Claims)[name] ?? undefined;
}
