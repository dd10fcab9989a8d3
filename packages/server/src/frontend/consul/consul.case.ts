/** A server and an HTTP client for tests of this front end. Close both: `await using`. */

import { Agent, type IncomingHttpHeaders, request as send } from 'node:http';
import { expect, vi } from 'vitest';
import { memory } from '../../engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';
import { reads } from './kv/kv.ts';
import { emptyList } from './mesh/no-mesh.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON, taken to be a `T`. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what it expects
  json<T = unknown>(): T;
  /** `X-Consul-Index` */
  readonly index: number;
}

export interface Ask {
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export class Consul implements AsyncDisposable {
  readonly server: Server;
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(options: ServerOptions = {}): Promise<Consul> {
    const server = await createServer({ engine: memory(), nodeName: 'server-1', ...options });
    return new Consul(server);
  }

  /** Blocking queries that wait now. */
  async parked(): Promise<number> {
    const { values } = await this.server.metrics.parked.get();
    return values[0]?.value ?? 0;
  }

  /** Resolves when `count` queries wait. */
  async untilParked(count: number): Promise<void> {
    await vi.waitFor(async () => expect(await this.parked()).toBe(count), { interval: 1, timeout: 20_000 });
  }

  get(path: string, ask: Ask = {}): Promise<Answer> {
    return this.ask('GET', path, ask);
  }

  put(path: string, body?: unknown, ask: Ask = {}): Promise<Answer> {
    if (body === undefined) return this.ask('PUT', path, ask);
    const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return this.ask('PUT', path, { ...ask, body: bytes });
  }

  /** Creates a namespace, which must exist before anything is written in it. */
  async createNamespace(Name: string, token = ''): Promise<void> {
    const { status, text } = await this.put('/v1/namespace', { Name }, { headers: { 'x-consul-token': token } });
    expect([status, text]).toEqual([200, text]);
  }

  delete(path: string): Promise<Answer> {
    return this.ask('DELETE', path, {});
  }

  /** Sends `path` unchanged: Node refuses only characters that HTTP cannot carry. */
  ask(method: string, path: string, { body, headers, signal }: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = send({
        host: '127.0.0.1',
        port: this.server.ports.http,
        agent: this.#agent,
        method,
        path,
        ...(signal === undefined ? {} : { signal }),
        headers: { ...headers, 'content-length': body === undefined ? 0 : Buffer.byteLength(body) },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            bytes,
            text: bytes.toString(),
            json: () => JSON.parse(bytes.toString()),
            index: Number(response.headers['x-consul-index']),
          });
        });
      });
      request.end(body);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.server.close();
  }
}

/** Stands for what lasts, where only the table of routes is looked at. */
export const lasting = {
  ...{ saveSnapshot: () => undefined, restoreSnapshot: () => undefined, monitor: () => undefined },
  roots: emptyList,
  readKeys: reads(),
};
