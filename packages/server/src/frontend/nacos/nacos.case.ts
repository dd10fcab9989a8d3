/** A server and an HTTP client for tests of this front end. Close both: `await using`. */

import { Agent, request as send, type IncomingHttpHeaders } from 'node:http';
import { memory } from '../../engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON, taken to be a `T`. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- a test says what it expects
  json<T = unknown>(): T;
}

export type Fields = Readonly<Record<string, string | number | boolean>>;

export interface Ask {
  readonly query?: Fields;
  readonly form?: Fields;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly from?: string;
}

export class Nacos implements AsyncDisposable {
  readonly server: Server;
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(server: Server) {
    this.server = server;
  }

  static async start(options: ServerOptions = {}): Promise<Nacos> {
    return new Nacos(await createServer({ engine: memory(), nodeName: 'server-1', ...options }));
  }

  get(path: string, query: Fields = {}, more: Ask = {}): Promise<Answer> {
    return this.ask('GET', path, { query, ...more });
  }

  post(path: string, form: Fields = {}, more: Ask = {}): Promise<Answer> {
    return this.ask('POST', path, { form, ...more });
  }

  put(path: string, form: Fields = {}, more: Ask = {}): Promise<Answer> {
    return this.ask('PUT', path, { form, ...more });
  }

  delete(path: string, query: Fields = {}, more: Ask = {}): Promise<Answer> {
    return this.ask('DELETE', path, { query, ...more });
  }

  /** @param path below `/nacos` */
  ask(method: string, path: string, { query = {}, form, body, headers, signal, from }: Ask = {}): Promise<Answer> {
    const search = encode(query);
    const bytes = body ?? (form === undefined ? undefined : encode(form));
    return new Promise((resolve, reject) => {
      const request = send({
        ...{ host: '127.0.0.1', port: this.server.ports.http, agent: this.#agent, method },
        path: `/nacos${path}${search === '' ? '' : `?${search}`}`,
        ...(signal === undefined ? {} : { signal }),
        ...(from === undefined ? {} : { localAddress: from }),
        headers: { ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded; charset=GBK' }), 'content-length': bytes === undefined ? 0 : Buffer.byteLength(bytes), ...headers },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) as never });
        });
      });
      request.end(bytes);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.server.close();
  }
}

function encode(fields: Fields): string {
  return new URLSearchParams(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))).toString();
}
