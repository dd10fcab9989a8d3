/**
 * The front end for Eureka's REST API: finds the route of a request and the caller, runs the action, and converts errors to
 * answers. It holds no registry state: lists are kept under the revisions of views, and recent changes come from the registry.
 *
 * Routes: `routes.ts`. Reads: `reads.ts`. Writes: `writes.ts`.
 */

import type { ServerResponse } from 'node:http';
import { isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import { BodyTooLarge } from '../../net/body.ts';
import { trustOf } from '../../net/certificates.ts';
import type { Context, Exchange, Frontend, HttpService } from '../../net/frontend.ts';
import { requestToken } from '../../net/request-token.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import { deniedNamespace } from '../../security/access-error.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures } from '../../security/gate.ts';
import { Actions } from './actions.ts';
import type { Call } from './call.ts';
import { BadInstance, errorBody, statusOfCode, Unreadable } from './errors.ts';
import { labelOf, Router, routes, type Route } from './routes.ts';
import type { Outward } from './peers/join.ts';
import type { Replication } from './peers/replication.ts';
import { InstanceError } from './wire/read-instance.ts';

export interface EurekaOptions {
  /** The original's timings: leases of twice the time, and lists that are up to 30 s old; false by default. */
  readonly compat?: boolean;
  /**
   * URLs of Eureka servers that this one replicates with, such as `http://eureka-1:8761/eureka`; name and password may be in them. They
   * must have this server among their peers, too.
   */
  readonly peers?: readonly string[];
  /** Certificates, in PEM, of the authorities that peers over HTTPS are checked against, besides the well-known ones. Read at the start. */
  readonly peerCaFile?: string;
}

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function eureka(context: Context, options: EurekaOptions, outward: Outward): Frontend {
  assertAccessDeclared('eureka', routes.map(({ method, path, access }) => ({ name: `${method} ${path}`, access })));
  return new EurekaFrontend(context, options, outward);
}

class EurekaFrontend implements Frontend {
  readonly name = 'eureka';
  readonly http: HttpService = { prefixes: ['/eureka/', '/v2/'], handle: (exchange) => this.#handle(exchange) };
  readonly #context: Context;
  readonly #router = new Router();
  readonly #actions: Actions;
  readonly #peers: readonly string[];
  readonly #peerCaFile: string | undefined;
  readonly #outward: Outward;
  #replication: Replication | undefined;
  #closing = false;

  constructor(context: Context, { compat = false, peers = [], peerCaFile }: EurekaOptions, outward: Outward) {
    this.#context = context;
    this.#actions = new Actions(context, compat);
    this.#peers = peers;
    this.#peerCaFile = peerCaFile;
    this.#outward = outward;
    const { metrics } = context;
    metrics.observe('rollcall_eureka_peers_away', 'Eureka servers that this node should replicate with and cannot reach', () => this.#replication?.away ?? 0, 'max');
    metrics.observe('rollcall_eureka_peer_instances', 'Instances that this node keeps alive whose clients talk to another Eureka server', () => this.#replication?.ofPeers ?? 0);
    metrics.observe('rollcall_eureka_pending_instances', 'Instances whose changes wait to be sent to Eureka servers', () => this.#replication?.pending ?? 0);
  }

  /** @throws RegistryError `invalid_argument` for a peer that is no URL, or that is named twice, and for a file without certificates */
  async start(): Promise<void> {
    if (this.#peers.length === 0) return;
    const { joinPeers } = await import('./peers/join.ts');
    const { inbound, writes } = this.#actions;
    const trust = this.#peerCaFile === undefined ? undefined : await trustOf(this.#peerCaFile);
    const replication = joinPeers(this.#context, { urls: this.#peers, trust }, inbound, this.#outward);
    writes.cancelledHere = (name) => replication.cancelled(name);
    this.#replication = replication;
    await replication.start();
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#replication?.close();
    return this.#actions.close();
  }

  #handle(exchange: Exchange): void {
    const { request, response, path } = exchange;
    let route: Route | undefined;
    let caller: Caller | undefined;
    const failed = (error: unknown) => this.#fail(exchange, route, caller, error);
    try {
      if (this.#closing) response.shouldKeepAlive = false;
      const reason = this.#context.origins.refusal(request);
      if (reason !== undefined) throw new RegistryError('permission_denied', reason);
      const found = this.#router.find(request.method ?? '', path);
      route = found.route;
      if (route === undefined) {
        this.#refuse(exchange, found.methods);
        return;
      }
      caller = this.#context.security.gate.enter(requestToken(request), this.#origin(exchange));
      const call: Call = { exchange, route, parts: found.parts, caller };
      const done = this.#actions.run(call);
      if (done === undefined) this.#answered(call);
      else done.then(() => this.#answered(call), failed);
    } catch (error) {
      failed(error);
    }
  }

  #origin({ request }: Exchange) {
    return { address: request.socket.remoteAddress ?? '', via: 'eureka' };
  }

  #answered({ exchange, route, caller }: Call): void {
    const { statusCode } = exchange.response;
    this.#context.metrics.request(labelOf(route), statusCode);
    if (route.audited === true && statusCode < 300) {
      this.#context.security.gate.record('write', caller, '', this.#origin(exchange), `${route.method} ${exchange.path}`);
    }
  }

  #refuse({ response, path }: Exchange, methods: readonly string[]): void {
    const status = methods.length === 0 ? 404 : 405;
    if (methods.length > 0) response.setHeader('Allow', methods.join(', '));
    const message = methods.length === 0 ? 'no such path; the README of the Eureka front end lists those that are served' : `this path takes ${methods.join(', ')}`;
    this.#send(response, status, 'application/json', errorBody(status, message, path, this.#context.clock.now()));
    this.#context.metrics.request('/eureka', status);
  }

  #fail({ request, response, path }: Exchange, route: Route | undefined, caller: Caller | undefined, thrown: unknown): void {
    if (isRegistryError(thrown, 'cancelled')) {
      request.destroy();
      return;
    }
    const { log, clock, metrics, security } = this.#context;
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const body = (status: number, message: string) => this.#send(response, status, 'application/json', errorBody(status, message, path, clock.now()));
    if (thrown instanceof Unreadable) this.#send(response, 400, 'application/json', JSON.stringify({ error: `cannot parse request body: ${thrown.message}` }));
    else if (thrown instanceof InstanceError || thrown instanceof BadInstance) this.#send(response, 400, 'text/plain; charset=utf-8', thrown.message);
    else if (thrown instanceof URIError) body(400, 'a part of the path is not percent-encoded well');
    else if (thrown instanceof BodyTooLarge) body(413, thrown.message);
    else {
      const { code, message } = toRegistryError(thrown);
      const status = thrown instanceof TooManyFailures ? 429 : statusOfCode[code];
      if (thrown instanceof TooManyFailures) response.setHeader('Retry-After', Math.ceil(thrown.retryAfterMs / 1_000));
      if (status === 401) response.setHeader('WWW-Authenticate', 'Basic realm="rollcall"');
      if (code === 'internal') log.error({ err: thrown, path }, 'a request failed');
      if (code === 'permission_denied') security.gate.record('denied', caller, deniedNamespace(thrown), { address: request.socket.remoteAddress ?? '', via: 'eureka' }, `${request.method} ${path}`);
      body(status, message);
    }
    metrics.request(route === undefined ? '/eureka' : labelOf(route), response.statusCode);
  }

  #send(response: ServerResponse, status: number, type: string, text: string): void {
    response.writeHead(status, ['Content-Type', type, 'Content-Length', String(Buffer.byteLength(text))]);
    response.end(text);
  }
}
