/** A server and what tests of this front end ask it. Close both: `await using`. */

import type { InstanceInput, Register } from '../../registry/kind/catalog/commands.ts';
import { memory } from '../../engine/memory/memory.ts';
import { createServer, type Server, type ServerOptions } from '../../server.ts';

export interface Group {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export class Prometheus implements AsyncDisposable {
  readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  /** Without Consul's front end, so that the server itself is no instance. */
  static async start(options: ServerOptions = {}): Promise<Prometheus> {
    return new Prometheus(await createServer({ engine: memory(), frontends: ['prometheus', 'admin'], ...options }));
  }

  async ask(query = '', init: RequestInit = {}, path = '/prometheus/v1/sd'): Promise<Answer> {
    const response = await fetch(`${this.server.url}${path}${query}`, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async groups(query = '', headers: Record<string, string> = {}): Promise<readonly Group[]> {
    const { status, text } = await this.ask(query, { headers });
    if (status !== 200) throw new Error(`${query}: ${status} ${text}`);
    return JSON.parse(text) as Group[];
  }

  /** The ids of the instances in an answer, in order. */
  async ids(query = '', headers: Record<string, string> = {}): Promise<readonly string[]> {
    return (await this.groups(query, headers)).map(({ labels }) => labels.__meta_rollcall_id ?? '').sort();
  }

  async register(instance: InstanceInput, more: Partial<Register> = {}): Promise<void> {
    await this.server.registry.submit({ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances: [instance], ...more });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.close();
  }
}
