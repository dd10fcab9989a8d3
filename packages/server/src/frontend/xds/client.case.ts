/** A client of xDS for tests: it sends what it is told to, answers only when it is told to, and reads responses with this server's own schema. */

import { Client, credentials, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../server.ts';
import { decode, encode, typeUrls, type ResourceType } from './wire/any.ts';
import { paths } from './wire/schema.ts';

/** A server with xDS that is closed when the test ends. */
export async function xdsServer(options: ServerOptions = {}): Promise<Server> {
  const server = await createServer({ grpc: {}, frontends: ['stream', 'xds'], ...options });
  onTestFinished(() => server.close());
  return server;
}

export interface Registered {
  readonly port?: number;
  readonly address?: string;
  readonly weight?: number;
  readonly zone?: string;
  readonly region?: string;
  readonly namespace?: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly status?: 'up' | 'draining';
}

export function register({ registry }: Server, service: string, id: string, { namespace = 'default', port = 80, address = '10.0.0.1', ...more }: Registered = {}): Promise<unknown> {
  return registry.submit({ kind: 'register', namespace, node: { name: '', address: '' }, nodeMode: 'none', instances: [{ id, service, address, port, persistent: true, ...more }] });
}

export function deregister({ registry }: Server, id: string, namespace = 'default'): Promise<unknown> {
  return registry.submit({ kind: 'deregister-instance', namespace, node: '', id });
}

/** A response as tests look at it. */
export interface Response {
  readonly type: ResourceType;
  readonly nonce: string;
  readonly version: string;
  /** Names of the resources, in order. */
  readonly names: readonly string[];
  readonly removed: readonly string[];
  /** Messages by name. */
  readonly messages: ReadonlyMap<string, unknown>;
}

export interface ClientOptions {
  readonly variant?: 'sotw' | 'delta';
  readonly headers?: Readonly<Record<string, string>>;
  readonly node?: object;
}

const same = (bytes: Buffer) => bytes;
const messages = { cluster: 'Cluster', endpoints: 'ClusterLoadAssignment', listener: 'Listener', route: 'RouteConfiguration' } as const;

export class XdsClient {
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #variant: 'sotw' | 'delta';
  readonly #node: object;
  readonly #responses: Response[] = [];
  readonly #names = new Map<ResourceType, readonly string[]>();
  #waiting: (() => void)[] = [];
  #isFirst = true;
  /** Resolves with the status of the stream. */
  readonly ended: Promise<{ readonly code: number; readonly details: string }>;

  constructor({ ports }: Server, { variant = 'sotw', headers = {}, node = {} }: ClientOptions = {}) {
    const client = new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 });
    onTestFinished(() => client.close());
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    this.#variant = variant;
    this.#node = { id: 'test', ...node };
    this.#stream = client.makeBidiStreamRequest(paths[variant], same, same, metadata);
    this.#stream.on('data', (bytes: Buffer) => {
      this.#responses.push(this.#read(bytes));
      this.#wake();
    });
    this.#stream.on('error', () => {});
    this.ended = new Promise((resolve) => this.#stream.on('status', resolve));
    void this.ended.then(() => this.#wake());
  }

  /** State of the world: subscribes to these names and no others. */
  ask(type: ResourceType, names: readonly string[], more: object = {}): void {
    this.#names.set(type, names);
    this.send({ type_url: typeUrls[type], resource_names: names, ...more });
  }

  /** Incremental: changes the subscription. */
  change(type: ResourceType, subscribe: readonly string[], unsubscribe: readonly string[] = [], more: object = {}): void {
    this.send({ type_url: typeUrls[type], resource_names_subscribe: subscribe, resource_names_unsubscribe: unsubscribe, ...more });
  }

  send(request: object): void {
    const node = this.#isFirst ? { node: this.#node } : {};
    this.#isFirst = false;
    this.sendBytes(encode(this.#variant === 'sotw' ? 'DiscoveryRequest' : 'DeltaDiscoveryRequest', { ...node, ...request }));
  }

  sendBytes(bytes: Buffer): void {
    this.#stream.write(bytes);
  }

  ack({ type, nonce, version }: Response, error?: string): void {
    const detail = error === undefined ? {} : { error_detail: { code: 3, message: error } };
    const rest = { type_url: typeUrls[type], response_nonce: nonce, ...detail };
    this.send(this.#variant === 'sotw' ? { ...rest, version_info: version, resource_names: this.#names.get(type) ?? [] } : rest);
  }

  /** Responses that have come and were not taken. */
  get waiting(): readonly Response[] {
    return this.#responses;
  }

  /** The next response, without an answer to it. @throws Error when the stream has ended, or none comes in 10 s */
  async next(): Promise<Response> {
    const wait = { timedOut: false, ended: false };
    const timer = setTimeout(() => {
      wait.timedOut = true;
      this.#wake();
    }, 10_000);
    void this.ended.then(() => (wait.ended = true));
    while (this.#responses.length === 0 && !wait.timedOut && !wait.ended) await new Promise<void>((woken) => this.#waiting.push(woken));
    clearTimeout(timer);
    const response = this.#responses.shift();
    if (response === undefined) throw new Error(wait.timedOut ? 'no response has come in 10 s' : 'the stream has ended');
    return response;
  }

  /** The next response, which is answered at once. */
  async take(): Promise<Response> {
    const response = await this.next();
    this.ack(response);
    return response;
  }

  close(): void {
    this.#stream.cancel();
  }

  #wake(): void {
    for (const woken of this.#waiting.splice(0)) woken();
  }

  #read(bytes: Buffer): Response {
    const isDelta = this.#variant === 'delta';
    const wire = decode(isDelta ? 'DeltaDiscoveryResponse' : 'DiscoveryResponse', bytes) as Wire;
    const type = (Object.keys(typeUrls) as ResourceType[]).find((each) => typeUrls[each] === wire.type_url) as ResourceType;
    const read = wire.resources.map((resource) => decode(messages[type], 'value' in resource ? resource.value : resource.resource.value) as { name?: string; cluster_name?: string });
    const named = read.map((message) => [message.name || message.cluster_name || '', message] as const);
    return {
      ...{ type, nonce: wire.nonce, version: wire.version_info ?? wire.system_version_info ?? '', names: named.map(([name]) => name), removed: wire.removed_resources ?? [] },
      messages: new Map(named),
    };
  }
}

interface Wire {
  readonly version_info?: string;
  readonly system_version_info?: string;
  readonly type_url: string;
  readonly nonce: string;
  readonly removed_resources?: readonly string[];
  readonly resources: readonly ({ readonly value: Buffer } | { readonly resource: { readonly value: Buffer } })[];
}

interface WireAssignment {
  readonly endpoints: readonly { readonly lb_endpoints: readonly { readonly endpoint: { readonly address: { readonly socket_address: { readonly port_value: number } } }; readonly health_status: number }[] }[];
}

/** Ports of the healthy endpoints of a cluster in a response; undefined when it has none of the cluster. */
export function portsOf({ messages: read }: Response, name: string): readonly number[] | undefined {
  const assignment = read.get(name) as WireAssignment | undefined;
  return assignment?.endpoints.flatMap(({ lb_endpoints }) => lb_endpoints.filter(({ health_status }) => health_status === 1).map(({ endpoint }) => endpoint.address.socket_address.port_value));
}
