/**
 * A client of Nacos' gRPC for tests: it connects as the Java client does, answers requests of the server unless told otherwise, and keeps
 * them. And a server with the listener.
 */

import { Client as GrpcClient, credentials, type ChannelCredentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { createServer, type Server, type ServerOptions } from '../../../server.ts';
import type { TlsFiles } from '../../../net/listen-address.ts';
import { decodePayload, encodePayload, paths, type JsonObject, type Payload } from './wire.ts';

export interface NacosServer {
  readonly server: Server;
  /** Port of the gRPC listener. */
  readonly port: number;
}

/** A server that is closed when the test ends. */
export async function nacosServer(options: ServerOptions = {}, tls?: TlsFiles): Promise<NacosServer> {
  // Without Consul's front end, which registers the server itself.
  const frontends = ['stream', 'nacos'] as const;
  const server = await createServer({ frontends, nacos: { port: 0, ...(tls === undefined ? {} : { tls }) }, ...options });
  onTestFinished(() => server.close());
  return { server, port: server.ports['nacos-grpc'] as number };
}

const bytes = (value: Buffer) => value;

export interface ClientOptions {
  readonly token?: string;
  readonly version?: string;
  /** Answers to requests of the server are left out for these types. */
  readonly mute?: ReadonlySet<string>;
  readonly credentials?: ChannelCredentials;
}

export class NacosClient {
  readonly #grpc: GrpcClient;
  readonly #options: ClientOptions;
  #stream: ClientDuplexStream<Buffer, Buffer> | undefined;
  /** Requests of the server, in order. */
  readonly pushes: Payload[] = [];
  #onPush: (() => void)[] = [];
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  streamError: Error | undefined;

  constructor(port: number, options: ClientOptions = {}) {
    this.#options = options;
    // Channels to one address would share their TCP connection.
    const channel = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': 10_485_760, 'grpc.enable_retries': 0 };
    // A certificate is for a name.
    const host = options.credentials === undefined ? '127.0.0.1' : 'localhost';
    this.#grpc = new GrpcClient(`${host}:${port}`, options.credentials ?? credentials.createInsecure(), channel);
    this.ended = new Promise((ended) => (this.#end = ended));
  }

  /** Connects as a real client: check of the server, stream, set-up, the answer to it. */
  static async connected(port: number, options: ClientOptions = {}): Promise<NacosClient> {
    const client = new NacosClient(port, options);
    onTestFinished(() => client.close());
    await client.ask('ServerCheckRequest', {});
    client.open();
    client.send('ConnectionSetupRequest', {
      clientVersion: options.version ?? 'Nacos-Java-Client:v3.2.1',
      labels: { source: 'sdk', module: 'naming' },
      abilityTable: { fuzzyWatch: true },
    });
    await client.pushed('SetupAckRequest');
    return client;
  }

  open(): void {
    const stream = this.#grpc.makeBidiStreamRequest(paths.bidi, bytes, bytes);
    this.#stream = stream;
    stream.on('data', (data: Buffer) => {
      const push = decodePayload(data);
      this.pushes.push(push);
      if (this.#options.mute?.has(push.type) !== true && push.type !== 'SetupAckRequest') {
        this.send(push.type.replace(/Request$/, 'Response'), { resultCode: 200, errorCode: 0, requestId: push.body['requestId'], success: true });
      }
      for (const tell of this.#onPush.splice(0)) tell();
    });
    stream.on('error', (error) => {
      this.streamError = error;
      this.#end();
    });
    stream.on('end', () => this.#end());
  }

  /** Sends a message on the stream. */
  send(type: string, body: object): void {
    this.#stream?.write(encodePayload(type, JSON.stringify(body)));
  }

  sendBytes(data: Buffer): void {
    this.#stream?.write(data);
  }

  /** One call. @returns the answer */
  ask(type: string, body: object, headers: Record<string, string> = {}): Promise<Payload> {
    const { token } = this.#options;
    const all = token === undefined ? headers : { accessToken: token, ...headers };
    return this.askBytes(encodePayload(type, JSON.stringify(body), '127.0.0.1', all));
  }

  askBytes(data: Buffer): Promise<Payload> {
    return new Promise((resolve, reject) => {
      this.#grpc.makeUnaryRequest(paths.unary, bytes, bytes, data, (error, answer) => {
        if (error !== null) reject(error);
        else resolve(decodePayload(answer as Buffer));
      });
    });
  }

  register(serviceName: string, port: number, more: object = {}): Promise<Payload> {
    return this.#change('registerInstance', serviceName, port, more);
  }

  deregister(serviceName: string, port: number, more: object = {}): Promise<Payload> {
    return this.#change('deregisterInstance', serviceName, port, more);
  }

  #change(type: string, serviceName: string, port: number, { namespace = '', groupName = 'DEFAULT_GROUP', ...instance }: { namespace?: string; groupName?: string }): Promise<Payload> {
    const given = { ip: '10.0.0.1', port, weight: 1, healthy: true, enabled: true, ephemeral: true, metadata: {}, ...instance };
    return this.ask('InstanceRequest', { namespace, serviceName, groupName, type, instance: given });
  }

  subscribe(serviceName: string, more: object = {}): Promise<Payload> {
    return this.ask('SubscribeServiceRequest', { namespace: 'public', serviceName, groupName: 'DEFAULT_GROUP', subscribe: true, clusters: '', ...more });
  }

  /** The next request of the server of this type that was not taken yet, for which the condition holds. */
  async pushed(type: string, holds: (body: JsonObject) => boolean = () => true): Promise<JsonObject> {
    for (;;) {
      const at = this.pushes.findIndex((push) => push.type === type && holds(push.body));
      if (at >= 0) return (this.pushes.splice(at, 1)[0] as Payload).body;
      await new Promise<void>((next) => this.#onPush.push(next));
    }
  }

  /** Ends the stream politely, then the connection. */
  close(): void {
    this.#stream?.end();
    this.#grpc.close();
  }

  /** As when the process is killed. */
  kill(): void {
    this.#stream?.cancel();
    this.#grpc.close();
  }
}

export function hostsOf(body: JsonObject): { readonly [field: string]: unknown }[] {
  return (body['serviceInfo'] as { hosts: { [field: string]: unknown }[] }).hosts;
}

/** Of a `ServiceInfo`. */
export function refTimeOf(body: JsonObject): number {
  return (body['serviceInfo'] as { lastRefTime: number }).lastRefTime;
}
