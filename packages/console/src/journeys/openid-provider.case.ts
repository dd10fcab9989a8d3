/** A real OpenID provider in this process, where every name is an account with any password. Close it: `await using`. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export const clientId = 'rollcall';
export const clientSecret = 'a secret of this client';

export class OpenIdProvider implements AsyncDisposable {
  readonly issuer: string;
  readonly #server: Server;

  private constructor(issuer: string, server: Server) {
    this.issuer = issuer;
    this.#server = server;
  }

  static async start(redirectUris: readonly string[]): Promise<OpenIdProvider> {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(issuer, {
      clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [...redirectUris], grant_types: ['authorization_code'], response_types: ['code'] }],
      pkce: { required: () => true },
      scopes: ['openid', 'email', 'groups'],
      claims: { openid: ['sub'], email: ['email'], groups: ['groups'] },
      ttl: { AuthorizationCode: 60 },
      findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.com`, groups: id === 'ann' ? ['operators'] : [] }) }),
    });
    const handle = provider.callback();
    server.on('request', (request, response) => void handle(request, response));
    return new OpenIdProvider(issuer, server);
  }

  /** Does what a person does in a browser: signs in and agrees. @returns the address to which the provider sends the browser back */
  async visit(url: string, login: string): Promise<URL> {
    const jar = new Map<string, string>();
    let next = url;
    let form: Record<string, string> | undefined;
    for (let step = 0; step < 12; step++) {
      const response = await fetch(next, {
        redirect: 'manual',
        headers: { cookie: Array.from(jar, ([name, value]) => `${name}=${value}`).join('; ') },
        ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
      });
      for (const each of response.headers.getSetCookie()) {
        const [pair = ''] = each.split(';');
        jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
      }
      const location = response.headers.get('location');
      form = undefined;
      if (location === null) {
        // The page of the sign-in, then the one that asks for consent.
        form = (await response.text()).includes('name="password"') ? { prompt: 'login', login, password: 'any' } : { prompt: 'consent' };
        continue;
      }
      next = new URL(location, next).href;
      if (!next.startsWith(this.issuer)) return new URL(next);
    }
    throw new Error('the provider never sent the browser back');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}
