/**
 * Login: exchanges a JSON Web Token for a token of the registry. The auth method names the trusted
 * keys; its binding rules decide the rights of an identity. An identity without rights is refused.
 */

import type { Clock } from '../clock.ts';
import { RegistryError } from '@rollcall/protocol';
import type { Acl } from './acl.ts';
import type { AclAdmin, TokenWithSecret } from './admin.ts';
import { bind, bindNamespace, type Identity } from './binding.ts';
import { refused } from './access-error.ts';
import { readJwtConfig, type JwtConfig } from './jwt-config.ts';
import { KeySource, type FetchText } from './key-source.ts';
import type { AuthMethod } from './records.ts';

export interface LoginOptions {
  readonly acl: Acl;
  readonly admin: AclAdmin;
  readonly clock: Clock;
  readonly datacenter: string;
  readonly fetchText: FetchText;
}

export interface LoginRequest {
  /** Namespace of the auth method. */
  readonly namespace: string;
  readonly method: string;
  readonly bearerToken: string;
  /** Appears in the token's description. */
  readonly meta?: Readonly<Record<string, string>>;
}

/** Logins that may wait for keys or the log at once. The limit is needed because their callers are not authenticated yet. */
const loginsMax = 256;

export class Login {
  readonly #options: LoginOptions;
  /** By namespace and name of the method; replaced when the method changes. */
  readonly #validators = new Map<string, { readonly modified: number; readonly config: JwtConfig; readonly source: KeySource }>();
  #running = 0;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /**
   * @throws RegistryError `unauthenticated` for a token that fails the verification; `permission_denied` for an
   *   identity without rights; `not_found` for an unknown method; `unavailable` when keys cannot be
   *   fetched; `resource_exhausted` when too many log in at once
   */
  async login({ namespace, method: name, bearerToken, meta = {} }: LoginRequest): Promise<TokenWithSecret> {
    const { acl, clock } = this.#options;
    if (!acl.enabled) throw refused('disabled');
    const method = acl.store.method(namespace, name);
    // A method of another type has its own way to sign in.
    if (method?.type !== 'jwt') throw refused('auth method not found', { name });
    return this.limited(async () => {
      const { config, source } = this.#validator(method);
      // `jose` takes 28 ms to load, and most servers never see a login.
      const { verifyJwt } = await import('./jwt.ts');
      const identity = await verifyJwt(bearerToken, config, source, clock.now());
      return this.grant(method, identity, `token created via login${Object.keys(meta).length === 0 ? '' : `: ${JSON.stringify(meta)}`}`);
    });
  }

  /** Runs a login, unless too many run. @throws RegistryError `resource_exhausted`, and every error of `attempt` */
  async limited<T>(attempt: () => Promise<T>): Promise<T> {
    if (this.#running >= loginsMax) {
      throw new RegistryError('resource_exhausted', `${this.#running} logins are under way, the limit is ${loginsMax}; try again later`);
    }
    this.#running++;
    try {
      return await attempt();
    } finally {
      this.#running--;
    }
  }

  /**
   * Creates the token of an identity that a method has proved.
   * @throws RegistryError `permission_denied` if no binding rule grants anything
   */
  async grant(method: AuthMethod, identity: Identity, description: string): Promise<TokenWithSecret> {
    const { acl, admin, datacenter } = this.#options;
    const place = bindNamespace(method, identity);
    const { none, ...bindings } = bind(acl.store, place, acl.store.bindingRules(method.namespace, method.name), identity, datacenter);
    // The same error as for an identity without rights: the caller must not learn whether a namespace exists.
    if (none || !acl.store.hasNamespace(place)) throw refused('nothing granted');
    const ttl = method.tokenTtlMs === 0 ? {} : { ttlMs: method.tokenTtlMs };
    return admin.createToken(place, { ...bindings, ...ttl, description, local: method.locality === 'local' }, method);
  }

  #validator(method: AuthMethod): { config: JwtConfig; source: KeySource } {
    const key = `${method.namespace}\0${method.name}`;
    const known = this.#validators.get(key);
    if (known?.modified === method.modified) return known;
    const config = readJwtConfig(method.config);
    const source = new KeySource(config.keys, this.#options.fetchText, this.#options.clock);
    const made = { modified: method.modified, config, source };
    this.#validators.set(key, made);
    return made;
  }
}
