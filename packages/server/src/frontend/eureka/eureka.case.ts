/** A server and an HTTP client for tests of this front end. Close both: `await using`. */

import { Agent, request as send, type IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { memory } from '../../engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Unpacked. */
  readonly text: string;
}

export interface Ask {
  readonly body?: string | Buffer | object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An instance in a list. */
export type Shown = Record<string, unknown> & { readonly instanceId: string; readonly app: string; readonly status: string; readonly actionType?: string };

export interface Applications {
  readonly versions__delta: string;
  readonly apps__hashcode: string;
  readonly application: readonly { readonly name: string; readonly instance: readonly Shown[] }[];
}

export class Eureka implements AsyncDisposable {
  readonly server: Server;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(server: Server) {
    this.server = server;
  }

  /** Without Consul's front end, so that the server itself is no instance. */
  static async start(options: ServerOptions = {}): Promise<Eureka> {
    return new Eureka(await createServer({ engine: memory(), nodeName: 'server-1', frontends: ['eureka', 'admin'], ...options }));
  }

  ask(method: string, path: string, { body, headers = {} }: Ask = {}): Promise<Answer> {
    const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = send({
        ...{ host: '127.0.0.1', port: this.server.ports.http, agent: this.#agent, method, path },
        headers: { ...(typeof body === 'object' && !Buffer.isBuffer(body) ? { 'content-type': 'application/json' } : {}), ...headers },
      });
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const all = Buffer.concat(chunks);
          const isPacked = response.headers['content-encoding'] === 'gzip';
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text: (isPacked ? gunzipSync(all) : all).toString() });
        });
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(bytes);
    });
  }

  /** @returns the JSON of an answer with status 200 */
  async json<T = unknown>(path: string, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    const { status, text } = await this.ask('GET', path, { headers: { accept: 'application/json', ...headers } });
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  async apps(path = '/eureka/apps', headers: Readonly<Record<string, string>> = {}): Promise<Applications> {
    return (await this.json<{ applications: Applications }>(path, headers)).applications;
  }

  async instance(app: string, id: string): Promise<Shown> {
    return (await this.json<{ instance: Shown }>(`/eureka/apps/${app}/${encodeURIComponent(id)}`)).instance;
  }

  register(more: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const instance: Readonly<Record<string, unknown>> = { ...usual, ...more };
    return this.ask('POST', `/eureka/apps/${encodeURIComponent((instance.app as string).toUpperCase())}`, { body: { instance }, headers });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.server.close();
  }
}

/** An instance as a Spring application sends it. */
export const usual = {
  instanceId: 'h1:web:8080',
  hostName: 'h1',
  app: 'WEB',
  ipAddr: '10.0.0.1',
  status: 'UP',
  overriddenStatus: 'UNKNOWN',
  port: { $: 8080, '@enabled': 'true' },
  securePort: { $: 8443, '@enabled': 'false' },
  countryId: 1,
  dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
  leaseInfo: { renewalIntervalInSecs: 30, durationInSecs: 90 },
  metadata: { zone: 'z1' },
  homePageUrl: 'http://h1:8080/',
  vipAddress: 'web,web2',
  secureVipAddress: 'webs',
  lastDirtyTimestamp: '1795901992713',
} as const;
