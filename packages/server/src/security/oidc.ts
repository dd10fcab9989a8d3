/**
 * Signing in at an OpenID provider: the authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 9207, OpenID Connect Core 1.0). `oauth4webapi` makes
 * and checks the messages, `jwt.ts` verifies the ID token, binding rules decide the rights.
 *
 *   start ─► URL of the provider, and what the browser keeps: state, nonce, verifier
 *   finish ◄─ code and state from the browser ─► tokens of the provider ─► claims ─► token of the registry
 *
 * It keeps nothing between the two, so any node may finish what another has started. The front end binds what the browser keeps to that browser.
 */

import type { AuthorizationServer, Client, ClientAuth } from 'oauth4webapi';
import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../clock.ts';
import type { Acl } from './acl.ts';
import { refused } from './access-error.ts';
import type { TokenWithSecret } from './admin.ts';
import { KeySource, type FetchText } from './key-source.ts';
import type { Login } from './login.ts';
import { readOidcConfig, type OidcConfig } from './oidc-config.ts';
import type { AuthMethod } from './records.ts';

/** `fetch` to addresses that this server may connect to; it follows no redirects. @param ca certificates in PEM; empty for the well-known authorities */
export type FetchWith = (ca: string) => (url: string, init: { readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly body?: string | URLSearchParams | null | undefined; readonly signal?: AbortSignal | undefined }) => Promise<Response>;

/** What the browser keeps until it comes back. */
export interface Pending {
  readonly namespace: string;
  readonly method: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  /** When it was started, in milliseconds since the Unix epoch. */
  readonly startedMs: number;
}

export interface OidcOptions {
  readonly acl: Acl;
  readonly clock: Clock;
  readonly login: Login;
  readonly fetchText: FetchText;
  readonly fetchWith: FetchWith;
}

interface Provider {
  readonly modified: number;
  readonly config: OidcConfig;
  readonly keys: KeySource;
  readonly server: AuthorizationServer;
  readonly readAtMs: number;
}

/** How long an operator may take to sign in at the provider. */
export const pendingMs = 600_000;
/** Age at which the description of a provider is fetched again. */
const freshMs = 600_000;

type Library = typeof import('oauth4webapi');

export class OidcLogin {
  readonly #options: OidcOptions;
  /** By namespace and name of the method; replaced when the method changes. */
  readonly #providers = new Map<string, Provider>();

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  /**
   * @param redirectUri must be one of the method's, character by character
   * @throws RegistryError `not_found` for an unknown method; `invalid_argument` for another redirect URI; `unavailable` when the provider does not answer
   */
  async start({ namespace, method: name, redirectUri }: { readonly namespace: string; readonly method: string; readonly redirectUri: string }): Promise<{ readonly url: string; readonly pending: Pending }> {
    const { config, server, library } = await this.#provider(this.#method(namespace, name));
    if (!config.redirectUris.includes(redirectUri)) throw refused('redirect not allowed', { uri: redirectUri, method: name });
    if (server.authorization_endpoint === undefined) throw new RegistryError('unavailable', `${config.issuer} names no authorization endpoint`);
    const [state, nonce, verifier] = [library.generateRandomState(), library.generateRandomNonce(), library.generateRandomCodeVerifier()];
    const url = new URL(server.authorization_endpoint);
    const params = {
      ...{ client_id: config.clientId, redirect_uri: redirectUri, response_type: 'code', scope: [...new Set(['openid', ...config.scopes])].join(' ') },
      ...{ state, nonce, code_challenge: await library.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
      ...(config.acrValues.length === 0 ? {} : { acr_values: config.acrValues.join(' ') }),
    };
    for (const [key, value] of Object.entries(params)) url.searchParams.set(key, value);
    return { url: url.href, pending: { namespace, method: name, redirectUri, state, nonce, verifier, startedMs: this.#options.clock.now() } };
  }

  /**
   * @param answer the query with which the provider sent the browser back
   * @throws RegistryError `unauthenticated` for an answer that does not fit, or that the provider refuses; `permission_denied` for an identity without rights
   */
  async finish(pending: Pending, answer: URLSearchParams): Promise<TokenWithSecret> {
    const { clock, login } = this.#options;
    const age = clock.now() - pending.startedMs;
    if (!(age >= 0 && age <= pendingMs)) throw refused('oidc', { problem: 'the sign-in was started too long ago; start again' });
    const method = this.#method(pending.namespace, pending.method);
    return login.limited(async () => {
      const { config, keys, server, library } = await this.#provider(method);
      const claims = await this.#claims(pending, answer, { config, keys, server, library });
      const { identityOf } = await import('./jwt.ts');
      return login.grant(method, identityOf(claims, config.jwt), nameIn(claims, method));
    });
  }

  async #claims(pending: Pending, answer: URLSearchParams, { config, keys, server, library }: Omit<Provider, 'modified' | 'readAtMs'> & { readonly library: Library }): Promise<Readonly<Record<string, unknown>>> {
    const { clock, fetchWith } = this.#options;
    const client: Client = { client_id: config.clientId, [library.clockTolerance]: config.jwt.clockSkewMs / 1_000 };
    const options = { [library.customFetch]: fetchWith(config.ca), [library.allowInsecureRequests]: true };
    try {
      const params = library.validateAuthResponse(server, client, answer, pending.state);
      const response = await library.authorizationCodeGrantRequest(server, client, authOf(config, server, library), params, pending.redirectUri, pending.verifier, options);
      const result = await library.processAuthorizationCodeResponse(server, client, response, { expectedNonce: pending.nonce, requireIdToken: true });
      const { verifiedClaims } = await import('./jwt.ts');
      const claims = await verifiedClaims(result.id_token ?? '', config.jwt, keys, clock.now());
      // Many providers give claims of a profile only to this request (OpenID Connect Core 1.0, 5.3).
      const mapped = [...Object.keys(config.jwt.values), ...Object.keys(config.jwt.lists)].map((claim) => claim.replace(/^\//, '').split('/')[0] ?? '');
      if (server.userinfo_endpoint === undefined || mapped.every((claim) => claim in claims)) return claims;
      const info = await library.userInfoRequest(server, client, result.access_token, options);
      return { ...(await library.processUserInfoResponse(server, client, String(claims['sub']), info)), ...claims };
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      throw refused('oidc', { problem: problemOf(error, library) });
    }
  }

  #method(namespace: string, name: string): AuthMethod {
    const { acl } = this.#options;
    if (!acl.enabled) throw refused('disabled');
    const method = acl.store.method(namespace, name);
    if (method?.type !== 'oidc') throw refused('auth method not found', { name });
    return method;
  }

  async #provider(method: AuthMethod): Promise<Provider & { readonly library: Library }> {
    const { clock, fetchText, fetchWith } = this.#options;
    // Most servers never see such a sign-in.
    const library = await import('oauth4webapi');
    const key = `${method.namespace}\0${method.name}`;
    const known = this.#providers.get(key);
    if (known?.modified === method.modified && clock.monotonic() - known.readAtMs < freshMs) return { ...known, library };
    const config = readOidcConfig(method.config);
    const issuer = new URL(config.issuer);
    try {
      const response = await library.discoveryRequest(issuer, { algorithm: 'oidc', [library.customFetch]: fetchWith(config.ca), [library.allowInsecureRequests]: true });
      const server = await library.processDiscoveryResponse(issuer, response);
      const provider = { modified: method.modified, config, server, readAtMs: clock.monotonic(), keys: known?.modified === method.modified ? known.keys : new KeySource(config.jwt.keys, fetchText, clock) };
      this.#providers.set(key, provider);
      return { ...provider, library };
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      throw new RegistryError('unavailable', `the OpenID provider ${config.issuer} cannot be asked: ${problemOf(error, library)}`, { cause: error });
    }
  }
}

/** As the provider offers it; by default in the header (RFC 6749, 2.3.1). */
function authOf({ clientSecret }: OidcConfig, server: AuthorizationServer, library: Library): ClientAuth {
  if (clientSecret === '') return library.None();
  const offered = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return offered.includes('client_secret_basic') ? library.ClientSecretBasic(clientSecret) : library.ClientSecretPost(clientSecret);
}

/** Without values of the messages, which may be secrets. */
function problemOf(error: unknown, library: Library): string {
  if (error instanceof library.AuthorizationResponseError || error instanceof library.ResponseBodyError) {
    return `the provider says ${error.error}${error.error_description === undefined ? '' : ` (${error.error_description.slice(0, 200)})`}`;
  }
  return error instanceof Error ? error.message.slice(0, 300) : String(error);
}

/** The person, for lists of tokens. */
function nameIn(claims: Readonly<Record<string, unknown>>, { name }: AuthMethod): string {
  const person = [claims['email'], claims['preferred_username'], claims['name'], claims['sub']].find((claim) => typeof claim === 'string' && claim !== '');
  return `${String(person).slice(0, 200)} by ${name}`;
}
