/** A server with configurations and what tests of front ends for them ask it. Close it: `await using`. */

import { Configurations, type Publication } from './configurations/configurations.ts';
import { memory } from './engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from './server.ts';

export interface ConfigAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export const managementToken = 'a management token';

export class ConfigServer implements AsyncDisposable {
  readonly server: Server;
  readonly configurations: Configurations;
  readonly #tokens = new Map<string, Promise<string>>();

  constructor(server: Server) {
    this.server = server;
    this.configurations = new Configurations({ registry: server.registry });
  }

  static async start(options: ServerOptions = {}): Promise<ConfigServer> {
    return new ConfigServer(await createServer({ engine: memory(), nodeName: 'server-1', ...options }));
  }

  /** @param path `APP/NAME`, or `APP/CLUSTER/NAME` */
  async publish(path: string, content: string, { namespace = 'default', ...more }: Partial<Publication> & { readonly namespace?: string } = {}): Promise<void> {
    const [app = '', second = '', third] = path.split('/');
    const ref = { namespace, app, cluster: third === undefined ? 'default' : second, name: third ?? second };
    await this.configurations.publish(ref, { content: Buffer.from(content), confirmed: true, ...more });
  }

  async ask(path: string, init: RequestInit = {}): Promise<ConfigAnswer> {
    const response = await fetch(`${this.server.url}${path}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const { status, text } = await this.ask(path, init);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** The secret of a token with these rules, created once; needs access control with `managementToken`. */
  tokenWith(rules: string): Promise<string> {
    const made = this.#tokens.get(rules) ?? this.#createToken(rules);
    this.#tokens.set(rules, made);
    return made;
  }

  async #createToken(rules: string): Promise<string> {
    const { ID } = await this.#consul<{ ID: string }>('/v1/acl/policy', { Name: `policy-${this.#tokens.size}`, Rules: rules });
    return (await this.#consul<{ SecretID: string }>('/v1/acl/token', { Policies: [{ ID }] })).SecretID;
  }

  #consul<T>(path: string, body: object): Promise<T> {
    return this.json<T>(path, { method: 'PUT', headers: { 'x-consul-token': managementToken }, body: JSON.stringify(body) });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.close();
  }
}
