/**
 * An agent for `node:http`, and so for axios, got, node-fetch and everything else that takes one: requests to
 * `http://NAME.rollcall/…` go to an instance of the service NAME, chosen anew for each request; connections
 * are kept per instance. It does not retry: what it hands out is a socket, and the request is the library's.
 */

import { Agent, type AgentOptions, type ClientRequest, type IncomingMessage } from 'node:http';
import type { OutcomeResult } from '../balancer/balancer.ts';
import type { Picked } from '../service-client.ts';
import type { ServiceFinder } from './dispatcher.ts';
import { serviceOfHost } from './service-host.ts';

/** What `node:http` gives an agent with each request. */
interface RequestOptions {
  host?: string | null;
  hostname?: string | null;
  port?: number | string | null;
}

/** Not in the types of Node, but what every agent library builds on. */
const { addRequest } = Agent.prototype as unknown as {
  addRequest: (this: Agent, request: ClientRequest, options: RequestOptions) => void;
};

/** How agents tell a request that there will be no socket; `destroy` would wait for one. */
function refuse(request: ClientRequest, error: Error): void {
  (request as ClientRequest & { onSocket(socket: null, error: Error): void }).onSocket(null, error);
}

export class ServiceAgent extends Agent {
  readonly #service: ServiceFinder;

  /** @param options of `http.Agent`; connections are kept alive by default */
  constructor(service: ServiceFinder, options: AgentOptions = {}) {
    super({ keepAlive: true, ...options });
    this.#service = service;
  }

  /** Called by `node:http` when a request wants a socket. */
  addRequest(request: ClientRequest, options: RequestOptions): void {
    const name = serviceOfHost(options.host ?? options.hostname ?? '');
    if (name === undefined) {
      addRequest.call(this, request, options);
      return;
    }
    this.#pick(name).then(
      (picked) => {
        // Nobody waits any more: an aborted request must not take a socket.
        if (request.destroyed) {
          picked.done('cancelled');
          return;
        }
        follow(request, picked);
        addRequest.call(this, request, { ...options, host: picked.address, hostname: picked.address, port: picked.port });
      },
      (error: Error) => refuse(request, error),
    );
  }

  async #pick(name: string): Promise<Picked> {
    const service = this.#service(name);
    if (service.snapshot() === undefined) await service.instances();
    return service.pick();
  }
}

/** Tells the balancer how the request went. */
function follow(request: ClientRequest, picked: Picked): void {
  let sent = false;
  request.once('finish', () => (sent = true));
  request.once('response', ({ statusCode = 0 }: IncomingMessage) => {
    picked.done(statusCode >= 500 || statusCode === 429 ? 'failed' : 'ok');
  });
  request.once('error', (error: NodeJS.ErrnoException) => picked.done(resultOf(error, request)));
  request.once('timeout', () => picked.done('failed'));
  request.once('close', () => picked.done(sent ? 'unreachable' : 'cancelled'));
}

function resultOf({ name }: Error, { aborted }: ClientRequest): OutcomeResult {
  return name === 'AbortError' || aborted ? 'cancelled' : 'unreachable';
}
