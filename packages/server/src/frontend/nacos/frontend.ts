/**
 * The front end for Nacos' HTTP API: finds the route of a request, its caller and its parameters, passes it to the handler,
 * and writes the answer or the error.
 *
 *   handle ─► page of another origin? ─► route ─► parameters ─► caller ─► permission ─► handler ─► answer
 *
 * Routes: `routes.ts`. gRPC has a listener of its own, and its folder (`grpc/`).
 */

import type { IncomingMessage } from 'node:http';
import { defaultNamespace, isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import { AnswerMemory } from '../../net/answer-memory.ts';
import { BodySender } from '../../net/body-sender.ts';
import type { Context, Exchange, Frontend, HttpService, Listener, Opening } from '../../net/frontend.ts';
import type { ListenAddress } from '../../net/listen-address.ts';
import { LargeBodies } from '../../net/large-bodies.ts';
import { requestToken } from '../../net/request-token.ts';
import { Turns } from '../../net/turns.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import { deniedNamespace } from '../../security/access-error.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures, type Origin } from '../../security/gate.ts';
import { configLimits } from '../../registry/kind/config/commands.ts';
import { Listeners } from './config/listeners.ts';
import { failureOf, springError } from './errors.ts';
import type { Grpc } from './grpc/grpc.ts';
import { Lists } from './naming/lists.ts';
import { Subscribers } from './naming/subscribers.ts';
import { Answer, answerOf, json, later, send, text, type Format, type Returned } from './request/answer.ts';
import { Call } from './request/call.ts';
import { Params, readParams } from './request/params.ts';
import { accessOf, type Action, type Method, type Route } from './request/route.ts';
import { routeTable } from './routes.ts';

const prefix = '/nacos';

/** Each byte of a content may take three in a form. */
const formBytesMax = configLimits.contentBytesMax * 3 + 65_536;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function nacos(context: Context): Frontend {
  return new NacosFrontend(context);
}

/** The path of a route, for metrics, and the form of its answers. */
interface At {
  readonly path: string;
  readonly format: Format;
}

class NacosFrontend implements Frontend {
  readonly name = 'nacos';
  readonly http: HttpService = { prefixes: [prefix], handle: (exchange) => this.#handle(exchange) };
  readonly #context: Context;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #turns = new Turns();
  readonly #large: LargeBodies;
  readonly #listeners: Listeners;
  /** Once its listener is open. */
  #grpc: Grpc | undefined;

  constructor(context: Context) {
    const memory = new AnswerMemory();
    this.#context = context;
    this.#large = new LargeBodies(memory, new BodySender());
    this.#listeners = new Listeners(context, (exchange, answer) => this.#send(exchange, answer, listenerPath), (exchange, error) => this.#fail(exchange, error, { path: listenerPath, format: 'plain' }));
    const subscribers = new Subscribers(context.clock, (namespace, service) => this.#grpc?.subscribers(namespace, service) ?? []);
    const table = routeTable({ lists: new Lists(context, this.#turns, memory), subscribers, listeners: this.#listeners, memory });
    assertAccessDeclared('nacos', accessOf(table));
    this.#routes = new Map(table.map((route) => [prefix + route.path, route]));
  }

  /** Opens gRPC. */
  async listen(address: ListenAddress, opening: Opening): Promise<Listener> {
    // `@grpc/grpc-js` takes 34 ms to load.
    const { grpc } = await import('./grpc/grpc.ts');
    this.#grpc = grpc(this.#context);
    return this.#grpc.listen(address, opening);
  }

  async drain(): Promise<void> {
    await this.#grpc?.drain();
  }

  async close(): Promise<void> {
    this.#grpc?.close();
    this.#listeners.close();
    await this.#turns.idle();
  }

  /** In one turn, if the body is there and the handler has no need to wait: so are heartbeats and lists. */
  #handle(exchange: Exchange): void {
    const { request, path } = exchange;
    const route = this.#routes.get(path.endsWith('/') ? path.slice(0, -1) : path);
    const at: At = { path: route === undefined ? 'unknown' : prefix + route.path, format: route?.format ?? 'plain' };
    try {
      const refusal = this.#context.origins.refusal(request);
      if (refusal !== undefined) throw new RegistryError('permission_denied', refusal);
      const action = route?.methods[(request.method === 'HEAD' ? 'GET' : request.method) as Method];
      if (route === undefined || action === undefined) {
        this.#refuse(exchange, route, at.path);
        return;
      }
      const limit = action.large === true ? Math.max(formBytesMax, this.#context.limits.bodyBytesMax) : this.#context.limits.bodyBytesMax;
      const params = readParams(request, exchange.query, limit);
      if (params instanceof Params) this.#run(exchange, at, action, params);
      else params.then((read) => this.#run(exchange, at, action, read)).catch((error: unknown) => this.#fail(exchange, error, at));
    } catch (error) {
      this.#fail(exchange, error, at);
    }
  }

  #run(exchange: Exchange, at: At, action: Action, params: Params): void {
    let call: Call | undefined;
    try {
      const made = (call = this.#call(exchange, action, params));
      const returned = action.run(made, at.format);
      if (returned instanceof Promise) returned.then((value) => this.#end(made, at, action, value)).catch((error: unknown) => this.#fail(exchange, error, at, made));
      else this.#end(made, at, action, returned);
    } catch (error) {
      this.#fail(exchange, error, at, call);
    }
  }

  #end(call: Call, { path, format }: At, { audit }: Action, returned: Returned): void {
    if (returned !== later) this.#send(call.exchange, answerOf(returned, format), path);
    if (audit !== undefined) this.#record(audit, call, call.about);
  }

  #call(exchange: Exchange, { access }: Action, params: Params): Call {
    const context = this.#context;
    const { request } = exchange;
    const origin = originOf(request);
    const caller = this.#enter(request, params, origin, access.kind === 'open' || access.kind === 'own-proof');
    if (access.kind === 'demands') context.security.acl.authorize(caller, defaultNamespace, access.resource, access.verb, '');
    return new Call({ context, exchange, params, caller, origin, turns: this.#turns });
  }

  /** Nacos' clients send the token in the query or a header, and the Node client a name and a password with each request. */
  #enter(request: IncomingMessage, params: Params, origin: Origin, isOpen: boolean): Caller {
    const { gate, acl } = this.#context.security;
    if (isOpen) return acl.resolve(undefined);
    const { accesstoken: header } = request.headers;
    const secret = params.get('accessToken') || header || requestToken(request) || params.get('password');
    return gate.enter(Array.isArray(secret) ? secret[0] : secret, origin);
  }

  #refuse(exchange: Exchange, route: Route | undefined, path: string): void {
    const { request } = exchange;
    const allowed = Object.keys(route?.methods ?? {}).join(', ');
    const status = route === undefined ? 404 : 405;
    const message = route === undefined ? `No endpoint ${request.method} ${exchange.path.slice(0, 200)}.` : `Request method '${request.method}' is not supported; use ${allowed}`;
    this.#send(exchange, this.#page(status, message, exchange, route === undefined ? [] : ['Allow', allowed]), path);
  }

  #page(status: number, message: string, { path }: Exchange, headers: readonly string[] = []): Answer {
    return new Answer(Buffer.from(JSON.stringify(springError(status, message, path, this.#context.clock.now()))), json, { status, headers });
  }

  #send({ response }: Exchange, answer: Answer, path: string): void {
    if (response.headersSent) return;
    send(response, answer, this.#large);
    this.#context.metrics.request(path, answer.status);
  }

  #fail(exchange: Exchange, thrown: unknown, { path, format }: At, call?: Call): void {
    const { request, response } = exchange;
    if (isRegistryError(thrown, 'cancelled')) {
      request.destroy();
      return;
    }
    const error = toRegistryError(thrown);
    if (error.code === 'internal') this.#context.log.error({ err: thrown, path }, 'a request failed');
    if (error.code === 'permission_denied') this.#context.security.gate.record('denied', call?.caller, deniedNamespace(thrown), originOf(request), `${request.method} ${path}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status, nacos: code, message, data } = failureOf(error);
    const headers = thrown instanceof TooManyFailures ? ['Retry-After', String(Math.ceil(thrown.retryAfterMs / 1_000))] : [];
    if (status === 403) this.#send(exchange, this.#page(status, message, exchange), path);
    else if (format === 'plain') this.#send(exchange, new Answer(Buffer.from(message), text, { status, headers }), path);
    else this.#send(exchange, new Answer(Buffer.from(JSON.stringify({ ...code, data })), json, { status, headers }), path);
  }

  #record(kind: 'write' | 'login', { caller, origin, exchange: { request, path } }: Call, namespace: string): void {
    this.#context.security.gate.record(kind, caller, namespace, origin, `${request.method} ${path}`);
  }
}

const listenerPath = `${prefix}/v1/cs/configs/listener`;

function originOf({ socket }: IncomingMessage): Origin {
  return { address: socket.remoteAddress ?? '', via: 'nacos' };
}
