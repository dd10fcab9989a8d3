/**
 * An agent for `node:http`, and so for axios, got, node-fetch and every other library that accepts one: each request
 * to `http://NAME.rollcall/…` goes to an instance of the service NAME that is chosen for this request; connections
 * are kept per instance. It does not retry: it provides only a socket, and the library owns the request.
 */

import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';
import type { OutcomeResult } from '../balancer/balancer.ts';
import { handshakeOf } from '../http/connecting.ts';
import type { Picked } from '../picked.ts';
import type { ServiceClient } from '../service-client.ts';
import type { ServiceFinder } from './dispatcher.ts';
import { type NamedService, serviceOfHost } from './service-host.ts';

/** Options that `node:http` passes to an agent with each request. */
interface RequestOptions {
  host?: string | null;
  hostname?: string | null;
  port?: number | string | null;
  /** For an instance that uses TLS. */
  tls?: ConnectionOptions;
}

/** Missing in Node's types, but every agent library uses it. */
const { addRequest } = Agent.prototype as unknown as {
  addRequest: (this: Agent, request: ClientRequest, options: RequestOptions) => void;
};

/** Agents call it to fail a request without a socket; `destroy` would wait for one. */
function refuse(request: ClientRequest, error: Error): void {
  (request as ClientRequest & { onSocket(socket: null, error: Error): void }).onSocket(null, error);
}

export interface ServiceAgentOptions extends AgentOptions {
  /**
   * The key of a request, for balancers that send equal keys to the same instance; for example `(request) =>
   * request.path`.
   */
  readonly hashKey?: (request: ClientRequest) => string | undefined;
}

export class ServiceAgent extends Agent {
  readonly #service: ServiceFinder;
  readonly #hashKey: (request: ClientRequest) => string | undefined;

  /** @param options of `http.Agent`, with connections kept alive by default, and the function for each request's key */
  constructor(service: ServiceFinder, { hashKey = () => undefined, ...options }: ServiceAgentOptions = {}) {
    super({ keepAlive: true, ...options });
    this.#service = service;
    this.#hashKey = hashKey;
  }

  /** Called by `node:http` when a request wants a socket. */
  addRequest(request: ClientRequest, options: RequestOptions): void {
    const named = serviceOfHost(options.host ?? options.hostname ?? '');
    if (named === undefined) {
      addRequest.call(this, request, options);
      return;
    }
    this.#pick(named, request).then(
      ({ service, picked }) => {
        // An aborted request must not get a socket.
        if (request.destroyed) {
          picked.done('cancelled');
          return;
        }
        follow(request, picked);
        const { address, port } = picked;
        const tls = service.tlsOf(picked.instance);
        // Node would take the server's name from the host header, which names the service.
        const secured = tls && { tls: handshakeOf(address, tls) };
        addRequest.call(this, request, { ...options, host: address, hostname: address, port, ...secured });
      },
      (error: Error) => refuse(request, error),
    );
  }

  /** Called when no kept connection is free. */
  override createConnection(options: RequestOptions, callback?: (error: Error | null, socket: Duplex) => void): Duplex | null | undefined {
    const { tls } = options;
    if (tls === undefined) return super.createConnection(options, callback);
    return connect({ ...(options as ConnectionOptions), ...tls });
  }

  /** Requests share kept connections of the same name. */
  override getName(options?: RequestOptions): string {
    const name = super.getName(options);
    return options?.tls === undefined ? name : `${name}:tls`;
  }

  async #pick({ name, namespace }: NamedService, request: ClientRequest): Promise<{ service: ServiceClient; picked: Picked }> {
    const service = this.#service(name, namespace);
    if (service.snapshot() === undefined) {
      const left = new AbortController();
      const leave = () => left.abort();
      request.once('close', leave);
      await service.instances({ signal: left.signal });
      request.off('close', leave);
    }
    const headers = Object.entries(request.getHeaders()).map(([header, value]) => [header, String(value)]);
    const key = this.#hashKey(request);
    const picked = service.pick({ headers: Object.fromEntries(headers) as Record<string, string>, ...(key !== undefined && { key }) });
    return { service, picked };
  }
}

/** Reports the outcome of the request to the balancer. */
function follow(request: ClientRequest, picked: Picked): void {
  let sent = false;
  let connected = false;
  let left = false;
  const destroy = request.destroy.bind(request);
  // Only its owner destroys a request; Node reports it in the same way as a connection that the instance broke.
  request.destroy = (error) => {
    left = true;
    return destroy(error);
  };
  request.once('finish', () => (sent = true));
  request.once('socket', (socket: Socket) => {
    connected = !socket.connecting;
    socket.once('connect', () => (connected = true));
  });
  const lost = () => picked.done(connected ? 'broken' : 'unreachable');
  // Must be the first listener: listeners called before it are missing from the count.
  request.prependOnceListener('response', (response: IncomingMessage) => {
    const { statusCode = 0 } = response;
    picked.done(statusCode >= 500 || statusCode === 429 ? 'failed' : 'ok');
    // As Node does for an answer without a listener: an unread answer would hold its connection.
    if (request.listenerCount('response') === 0) response.resume();
  });
  request.once('error', (error) => (left ? picked.done(leaving(error)) : lost()));
  request.once('timeout', () => picked.done('failed'));
  request.once('close', () => {
    // Node reports an upgrade or a tunnel to its own listeners only, not as a response.
    const { res } = request as ClientRequest & { readonly res?: IncomingMessage };
    if (res !== undefined && res !== null) picked.done('ok');
    else if (left || !sent) picked.done('cancelled');
    else lost();
  });
}

/** Codes by which libraries with their own time limits (got, axios) mark a late request. */
const lateCodes: ReadonlySet<unknown> = new Set(['ETIMEDOUT', 'ECONNABORTED']);

function leaving({ name, code, cause }: Error & { readonly code?: string }): OutcomeResult {
  const late = name === 'TimeoutError' || lateCodes.has(code) || (cause instanceof Error && cause.name === 'TimeoutError');
  return late ? 'failed' : 'cancelled';
}
