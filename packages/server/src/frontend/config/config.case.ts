/** A server with the API of configurations, and requests to it. */

import { createServer, type Server } from '../../server.ts';
import type { ServerOptions } from '../../server-options.ts';

export interface Answer {
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface ConfigApi extends AsyncDisposable {
  readonly server: Server;
  get(path: string, query?: Readonly<Record<string, string>>, token?: string): Promise<Answer>;
  post(path: string, query: Readonly<Record<string, string>>, body: object | string, token?: string): Promise<Answer>;
  ask(method: string, path: string, query: Readonly<Record<string, string>>, body: object | string | undefined, token?: string): Promise<Answer>;
}

export async function configApi(options: ServerOptions = {}): Promise<ConfigApi> {
  const server = await createServer({ http: { port: 0 }, nodeName: 'here', ...options });
  const ask: ConfigApi['ask'] = async (method, path, query, body, token) => {
    const response = await fetch(`${server.url}/rollcall/v1/config${path}?${new URLSearchParams(query)}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: (text === '' ? {} : JSON.parse(text)) as Answer['json'] };
  };
  return {
    server,
    ask,
    get: (path, query = {}, token) => ask('GET', path, query, undefined, token),
    post: (path, query, body, token) => ask('POST', path, query, body, token),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** In the query. */
export const shop = { app: 'shop', name: 'app' } as const;
