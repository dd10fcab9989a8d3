/**
 * Reads the configuration of a JWT auth method, in Consul's fields
 * (https://developer.hashicorp.com/consul/docs/security/acl/auth-methods/jwt).
 */

import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readDuration } from './go-duration.ts';
import { refused } from './access-error.ts';
import type { MethodConfig } from './records.ts';

/** Asymmetric signatures only: with `none` or a shared secret, every client that knows a public key could sign. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
] as const;

/** The source of the keys. */
export type Keys =
  | { readonly kind: 'static'; readonly keys: readonly KeyObject[] }
  /** `discovery` is the base URL of an OpenID provider, whose configuration gives the URL of the keys. */
  | { readonly kind: 'jwks' | 'discovery'; readonly url: string; readonly ca: string };

/** Settings of auth methods that no answer shows. */
export const secretSettings: ReadonlySet<string> = new Set(['OIDCClientSecret']);

export interface JwtConfig {
  readonly keys: Keys;
  readonly algorithms: readonly string[];
  /** The token must name one of these audiences. If the list is empty, a token that names an audience is refused. */
  readonly audiences: readonly string[];
  /** Required issuer; empty accepts any. */
  readonly issuer: string;
  /** Maps claims to fields, for single values and for lists. */
  readonly values: Readonly<Record<string, string>>;
  readonly lists: Readonly<Record<string, string>>;
  /** Computes a missing time of a token: the end is this long after the start, or the start this long before the end. */
  readonly expirationLeewayMs: number;
  readonly notBeforeLeewayMs: number;
  readonly clockSkewMs: number;
}

const known = new Set([
  ...['JWTSupportedAlgs', 'BoundAudiences', 'BoundIssuer', 'ClaimMappings', 'ListClaimMappings'],
  ...['OIDCDiscoveryURL', 'OIDCDiscoveryCACert', 'JWKSURL', 'JWKSCACert', 'JWTValidationPubKeys'],
  ...['ExpirationLeeway', 'NotBeforeLeeway', 'ClockSkewLeeway'],
]);

/** @throws AccessError for settings that are unknown, contradict one another, or have no meaning */
export function readJwtConfig(config: MethodConfig): JwtConfig {
  for (const key of Object.keys(config)) {
    if (!known.has(key)) throw invalid(`the type "jwt" has no setting ${JSON.stringify(key)}`);
  }
  const supported = strings(config, 'JWTSupportedAlgs');
  const wrong = supported.find((name) => !(algorithms as readonly string[]).includes(name));
  if (wrong !== undefined) throw invalid(`Invalid supported algorithm: ${wrong}`);
  return {
    keys: readKeys(config),
    algorithms: supported.length === 0 ? algorithms : supported,
    audiences: strings(config, 'BoundAudiences'),
    issuer: text(config, 'BoundIssuer'),
    values: mappings(config, 'ClaimMappings'),
    lists: mappings(config, 'ListClaimMappings'),
    expirationLeewayMs: leeway(config, 'ExpirationLeeway', 150_000),
    notBeforeLeewayMs: leeway(config, 'NotBeforeLeeway', 150_000),
    clockSkewMs: leeway(config, 'ClockSkewLeeway', 60_000),
  };
}

function invalid(problem: string) {
  return refused('bad auth method config', { problem });
}

function readKeys(config: MethodConfig): Keys {
  const jwks = text(config, 'JWKSURL');
  const discovery = text(config, 'OIDCDiscoveryURL');
  const pems = strings(config, 'JWTValidationPubKeys');
  if ([jwks !== '', discovery !== '', pems.length > 0].filter(Boolean).length !== 1) {
    throw invalid('exactly one of \'JWTValidationPubKeys\', \'JWKSURL\', or \'OIDCDiscoveryURL\' must be set for type "jwt"');
  }
  if (pems.length > 0) return { kind: 'static', keys: pems.map(readKey) };
  const url = jwks === '' ? discovery : jwks;
  checkUrl(url);
  return jwks === ''
    ? { kind: 'discovery', url, ca: text(config, 'OIDCDiscoveryCACert') }
    : { kind: 'jwks', url, ca: text(config, 'JWKSCACert') };
}

function readKey(pem: string, index: number): KeyObject {
  try {
    return pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
  } catch {
    throw invalid(`error parsing public key JWTValidationPubKeys[${index}]: not a PEM of a public key or certificate`);
  }
}

/** The server behind the URL decides which tokens are valid, so it must prove its identity. */
function checkUrl(url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const loopback = parsed !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(parsed.hostname);
  if (parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && loopback)) return;
  throw invalid(`the URL of the keys is ${JSON.stringify(url)}; give one with https, or http to this machine`);
}

export function text(config: MethodConfig, key: string): string {
  const value = config[key] ?? '';
  if (typeof value !== 'string') throw invalid(`${key} must be a string`);
  return value;
}

export function strings(config: MethodConfig, key: string): string[] {
  const value = config[key] ?? [];
  if (!Array.isArray(value)) throw invalid(`${key} must be a list of strings`);
  return value.map((one: unknown) => {
    if (typeof one !== 'string') throw invalid(`${key} must be a list of strings`);
    return one;
  });
}

function mappings(config: MethodConfig, key: string): Record<string, string> {
  const value = config[key] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${key} must map claims to names`);
  const entries = Object.entries(value).map(([claim, name]): [string, string] => {
    if (typeof name !== 'string') throw invalid(`${key} must map claims to names`);
    return [claim, name];
  });
  const names = entries.map(([, name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw invalid(`${key} contains multiple mappings for key ${JSON.stringify(twice)}`);
  return Object.fromEntries(entries);
}

/** Nanoseconds or `60s`. As in Consul, 0 selects the default and a negative value means no leeway. */
function leeway(config: MethodConfig, key: string, defaultMs: number): number {
  const value = config[key] ?? 0;
  const ms = typeof value === 'string' || typeof value === 'number' ? readDuration(value) : undefined;
  if (ms === undefined) throw invalid(`${key} must be a duration such as "60s"`);
  return ms === 0 ? defaultMs : Math.max(0, ms);
}
