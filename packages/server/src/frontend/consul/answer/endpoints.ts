/**
 * Runs an endpoint and sends its reply: finds the caller, checks the permission that the route declares, calls the
 * endpoint (`request/endpoint.ts`: decode, authorize, command, answer), writes the audit log.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Context, Exchange } from '../../../net/frontend.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Authenticator } from '../request/authenticator.ts';
import type { Call } from '../request/call.ts';
import { authorize, permission } from '../request/permission.ts';
import type { ActRoute } from '../request/route.ts';
import { scopeFor } from '../request/scope.ts';
import { checkScope, Params } from '../wire/params.ts';
import type { Reply, SentReply, Written } from '../wire/reply.ts';
import type { RequestHead } from '../wire/request-head.ts';
import { plainIndex, type Wire, withIndex } from '../wire/responses.ts';
import type { Answering } from './answering.ts';

export interface EndpointsOptions {
  readonly context: Context;
  readonly authenticator: Authenticator;
  readonly answering: Answering;
  readonly wire: Wire;
  readonly failed: (request: IncomingMessage, response: ServerResponse, route: string, error: unknown, caller?: Caller) => void;
}

export class Endpoints {
  readonly #options: EndpointsOptions;
  #closing = false;

  constructor(options: EndpointsOptions) {
    this.#options = options;
  }

  /** From now on, every answer closes its connection. */
  close(): void {
    this.#closing = true;
  }

  /** @param head a token or namespace among the parameters takes precedence */
  run(exchange: Exchange, route: ActRoute, rest: string, head: RequestHead): void {
    const { context, authenticator, failed } = this.#options;
    const { identity, limits } = context;
    const { request, response } = exchange;
    const { access, path } = route;
    const params = new Params(exchange.query);
    // An agent knows its own datacenter only, and Consul's does not look at `?dc`.
    checkScope(params, path.startsWith('/v1/agent/') ? undefined : identity.datacenter);
    const caller = authenticator.authenticate(request, access, params.get('token') || head.token);
    const { namespace, named, chosen, seen } = scopeFor(caller, params, head.namespace);
    // One literal, which costs less than a spread.
    const call: Call = { context, caller, exchange, rest, params, identity, limits, namespace, named, chosen, seen };
    if (request.method === 'GET' && params.has('consistent')) {
      context.registry.barrier().then(
        () => this.#act(call, route),
        (error: unknown) => failed(request, response, path, error, caller),
      );
    } else this.#act(call, route);
  }

  #act(call: Call, route: ActRoute): void {
    const { failed } = this.#options;
    const { exchange: { request, response }, caller } = call;
    const { access, path } = route;
    try {
      if (access.kind === 'demands') authorize(call, [permission(access.resource, access.verb)]);
      const reply = route.act(call);
      if (!(reply instanceof Promise)) {
        this.#send(call, route, reply);
        return;
      }
      reply.then(
        (body) => this.#send(call, route, body),
        (error: unknown) => failed(request, response, path, error, caller),
      );
    } catch (error) {
      failed(request, response, path, error, caller);
    }
  }

  #send(call: Call, route: ActRoute, given: Reply): void {
    if (given !== undefined && 'type' in given && given.type === 'written') {
      this.#write(call, route, given);
      return;
    }
    const { context, authenticator, wire } = this.#options;
    const { exchange: { request, response }, caller, namespace } = call;
    const { path, audit, indexed } = route;
    const reply: SentReply = indexed === true ? withIndex(given) : given;
    if (this.#closing) response.shouldKeepAlive = false;
    if (reply === undefined) wire.empty(response);
    else if (Buffer.isBuffer(reply)) wire.json(response, reply);
    else wire.shaped(response, reply);
    const shaped = reply === undefined || Buffer.isBuffer(reply) ? undefined : reply;
    const status = shaped?.status ?? 200;
    context.metrics.request(path, status);
    if (shaped?.denied === true) authenticator.record('denied', request, caller, namespace);
    else if (audit !== undefined && status < 400) authenticator.record(audit, request, caller, namespace);
  }

  #write({ exchange: { request, response }, caller, namespace }: Call, { path, audit, indexed }: ActRoute, body: Written): void {
    const { context, authenticator, answering, wire, failed } = this.#options;
    answering.write(
      response,
      body,
      ({ status = 200, headers = [], text }, bytes) => {
        const more = indexed === true ? [...plainIndex, ...headers] : headers;
        const head = wire.bodyHead(text === undefined ? 'json' : 'text', bytes.bytes, more);
        answering.send(response, status, head, bytes);
        context.metrics.request(path, status);
        if (audit !== undefined && status < 400) authenticator.record(audit, request, caller, namespace);
      },
      (error) => failed(request, response, path, error, caller),
    );
  }
}
