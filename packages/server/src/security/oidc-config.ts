/**
 * Reads the configuration of an auth method of the type `oidc`, in Consul's fields
 * (https://developer.hashicorp.com/consul/docs/security/acl/auth-methods/oidc). A client without a secret is a public one: PKCE protects its codes.
 */

import { refused } from './access-error.ts';
import { readJwtConfig, strings, text, type JwtConfig } from './jwt-config.ts';
import type { MethodConfig } from './records.ts';

export interface OidcConfig {
  /** Base URL of the provider, which is its issuer. */
  readonly issuer: string;
  /** Certificates in PEM; empty for the well-known authorities. */
  readonly ca: string;
  readonly clientId: string;
  /** Empty for a public client. */
  readonly clientSecret: string;
  /** Beside `openid`. */
  readonly scopes: readonly string[];
  readonly acrValues: readonly string[];
  /** A sign-in may come back to these only, compared as texts. */
  readonly redirectUris: readonly string[];
  /** How its ID tokens are verified, and claims become an identity. */
  readonly jwt: JwtConfig;
}

/** Settings that the type has and a JSON Web Token has not. */
const own = new Set(['OIDCClientID', 'OIDCClientSecret', 'OIDCScopes', 'OIDCACRValues', 'AllowedRedirectURIs', 'VerboseOIDCLogging']);

/** @throws AccessError for settings that are unknown, contradict one another, or have no meaning */
export function readOidcConfig(config: MethodConfig): OidcConfig {
  const issuer = text(config, 'OIDCDiscoveryURL');
  const clientId = text(config, 'OIDCClientID');
  const redirectUris = strings(config, 'AllowedRedirectURIs');
  if (issuer === '') throw invalid("'OIDCDiscoveryURL' must be set for type \"oidc\"");
  if (clientId === '') throw invalid("'OIDCClientID' must be set for type \"oidc\"");
  if (redirectUris.length === 0) throw invalid("'AllowedRedirectURIs' must be set for type \"oidc\"");
  const bad = redirectUris.find((uri) => !URL.canParse(uri) || !/^https?:$/.test(new URL(uri).protocol) || new URL(uri).hash !== '');
  if (bad !== undefined) throw invalid(`Invalid redirect URI: ${bad}`);
  const shared = Object.fromEntries(Object.entries(config).filter(([name]) => !own.has(name)));
  const audiences = strings(config, 'BoundAudiences');
  return {
    ...{ issuer, clientId, redirectUris, ca: text(config, 'OIDCDiscoveryCACert') },
    clientSecret: text(config, 'OIDCClientSecret'),
    scopes: strings(config, 'OIDCScopes'),
    acrValues: strings(config, 'OIDCACRValues'),
    // The ID token is for this client (OpenID Connect Core 1.0, 3.1.3.7).
    jwt: { ...readJwtConfig(shared), issuer, audiences: audiences.length === 0 ? [clientId] : audiences },
  };
}

function invalid(problem: string) {
  return refused('bad auth method config', { problem });
}
