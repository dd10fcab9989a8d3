/**
 * The JSON API of routes: finds route and caller, reads the body by the schema of routes, and submits commands. What a route may say is in
 * `@rollcall/protocol`. It keeps nothing but the requests that wait.
 */

import type { ServerResponse } from 'node:http';
import { checkRoute, defaultNamespace, RegistryError, routeLimits, type Route } from '@rollcall/protocol';
import { BodyTooLarge, readBody } from '../../net/body.ts';
import { errorBody } from '../../net/error-body.ts';
import type { Context, Frontend } from '../../net/frontend.ts';
import { jsonIn } from '../../net/json-body.ts';
import { routedFrontend, sendText, type Failure, type RoutedCall } from '../../net/routed-frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import { Turns, type Pace, type Work } from '../../net/turns.ts';
import { workOfRequest } from '../../net/work-of-request.ts';
import { routesMax } from '../../registry/kind/route/commands.ts';
import { countRoutes, findRoute, routesIn } from '../../registry/kind/route/find.ts';
import { routesView, routeView } from '../../registry/kind/route/views.ts';
import type { Caller } from '../../security/acl.ts';
import type { Verb } from '../../security/authorizer.ts';
import { namespaceFor, shownNamespace } from '../../security/hidden-namespace.ts';
import { prefix, routes, waitMsMax } from './routes.ts';
import { Waits } from './waits.ts';

/** Names are as the stream takes them: without control characters, and without a space at either end. */
const serviceForm = /^(?!\s)[^\p{Cc}]{1,255}(?<!\s)$/u;

/** Units of a `Pace` for one route of a list. */
const unitsPerRoute = 3;

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function routeRules(context: Context): Frontend {
  const api = new RoutesApi(context);
  const runs: Readonly<Record<string, (call: RoutedCall) => Promise<object>>> = {
    [`GET ${prefix}`]: (call) => api.one(call),
    [`PUT ${prefix}`]: (call) => api.set(call),
    [`DELETE ${prefix}`]: (call) => api.delete(call),
    [`GET ${prefix}/list`]: (call) => api.list(call),
  };
  return routedFrontend(context, {
    name: 'routes',
    prefixes: [prefix],
    routes: routes.map(({ path, methods, access }) => ({
      ...{ path, methods, access, pattern: new RegExp(`^${path}$`) },
      async run(call) {
        const { request, response } = call.exchange;
        const method = request.method === 'HEAD' ? 'GET' : request.method;
        send(response, 200, await (runs[`${method} ${path}`] as (typeof runs)[string])(call));
      },
    })),
    sendError: (response, failure) => send(response, statusOf(failure), errorBody(context.security.acl, failure)),
    close: () => api.close(),
  });
}

class RoutesApi {
  readonly #context: Context;
  readonly #waits: Waits;
  readonly #turns = new Turns();

  constructor(context: Context) {
    this.#context = context;
    this.#waits = new Waits(context);
  }

  async close(): Promise<void> {
    this.#waits.close();
    await this.#turns.idle();
  }

  async one(call: RoutedCall): Promise<object> {
    const params = paramsOf(call);
    const service = serviceIn(params);
    const namespace = namespaceIn(params, call.caller);
    this.#demand(call.caller, namespace, 'read', service);
    await this.#waits.until({ view: routeView(namespace, service), ...waitIn(params) }, call.exchange);
    // The token may have lost its right meanwhile.
    this.#demand(this.#context.security.acl.refresh(call.caller), namespace, 'read', service);
    const { state, views } = this.#context.registry;
    const row = findRoute(state, namespace, service);
    const revision = views.revision(routeView(namespace, service));
    return { namespace: shownNamespace(namespace), service, revision, ...(row === undefined ? {} : { route: row.route }) };
  }

  async set(call: RoutedCall): Promise<object> {
    const params = paramsOf(call);
    const service = serviceIn(params);
    const namespace = namespaceIn(params, call.caller);
    const cas = numberIn(params, 'cas');
    this.#demand(call.caller, namespace, 'write', service);
    const route = parseRoute(await readBody(call.exchange.request, routeLimits.bytesMax * 2));
    const { state } = this.#registry;
    if (findRoute(state, namespace, service) === undefined && countRoutes(state, namespace) >= routesMax) {
      throw new RegistryError('resource_exhausted', `namespace ${shownNamespace(namespace)} has ${routesMax} routes, which is the limit; delete those of services that are gone`);
    }
    const done = await this.#registry.submit({ kind: 'route-set', namespace, service, route, ...(cas === undefined ? {} : { cas }) });
    if (done) this.#record(call, namespace, service);
    return { done, revision: findRoute(state, namespace, service)?.modified ?? 0 };
  }

  async delete(call: RoutedCall): Promise<object> {
    const params = paramsOf(call);
    const service = serviceIn(params);
    const namespace = namespaceIn(params, call.caller);
    const cas = numberIn(params, 'cas');
    this.#demand(call.caller, namespace, 'write', service);
    const done = await this.#registry.submit({ kind: 'route-delete', namespace, service, ...(cas === undefined ? {} : { cas }) });
    if (done) this.#record(call, namespace, service);
    return { done };
  }

  async list(call: RoutedCall): Promise<object> {
    const params = paramsOf(call);
    const namespace = namespaceIn(params, call.caller);
    const view = routesView(namespace);
    await this.#waits.until({ view, ...waitIn(params) }, call.exchange);
    const caller = this.#context.security.acl.refresh(call.caller);
    return workOfRequest(this.#turns, call.exchange.response, (pace) => this.#listing(namespace, view, caller, pace));
  }

  *#listing(namespace: string, view: string, { authorizer }: Caller, pace: Pace): Work<object> {
    const { state, views } = this.#context.registry;
    const revision = views.revision(view);
    const rows = [...routesIn(state, namespace)];
    const listed: { readonly service: string; readonly revision: number; readonly words: readonly string[] }[] = [];
    for (const { service, route, modified } of rows) {
      if (authorizer.allows(namespace, 'service', 'read', service)) listed.push({ service, revision: modified, words: Object.keys(route) });
      if (pace.spend(unitsPerRoute)) yield;
    }
    listed.sort((a, b) => (a.service < b.service ? -1 : 1));
    return { namespace: shownNamespace(namespace), revision, routes: listed };
  }

  get #registry(): Context['registry'] {
    return this.#context.registry;
  }

  #demand(caller: Caller, namespace: string, verb: Verb, service: string): void {
    this.#context.security.acl.authorize(caller, namespace, 'service', verb, service);
  }

  #record({ caller, origin, exchange: { request } }: RoutedCall, namespace: string, service: string): void {
    this.#context.security.gate.record('write', caller, namespace, origin, `${request.method} ${prefix} of ${JSON.stringify(service)}`);
  }
}

function paramsOf({ exchange }: RoutedCall): URLSearchParams {
  return new URLSearchParams(exchange.query);
}

/** @throws RegistryError `invalid_argument` */
function serviceIn(params: URLSearchParams): string {
  const service = params.get('service') ?? '';
  if (service === '') throw new RegistryError('invalid_argument', 'the query lacks service');
  if (!serviceForm.test(service)) throw new RegistryError('invalid_argument', `service ${JSON.stringify(service.slice(0, 80))} is no name of a service: 1 to 255 characters without control characters, and without a space at either end`);
  return service;
}

/** One that the caller has no right in is hidden. */
function namespaceIn(params: URLSearchParams, caller: Caller): string {
  return namespaceFor(caller, params.get('namespace') || caller.namespace || defaultNamespace);
}

/** @throws RegistryError `invalid_argument` */
function numberIn(params: URLSearchParams, name: string, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = params.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value <= max) return value;
  throw new RegistryError('invalid_argument', `${name} is ${JSON.stringify(text.slice(0, 40))}, it must be a whole number from 0 to ${max}`);
}

function waitIn(params: URLSearchParams): { readonly after: number; readonly waitMs: number } {
  return { after: numberIn(params, 'after') ?? 0, waitMs: numberIn(params, 'waitMs', waitMsMax) ?? 0 };
}

/** @throws RegistryError `invalid_argument` that names the field, and what it must be */
function parseRoute(bytes: Buffer): Route {
  const checked = checkRoute(jsonIn(bytes));
  if (!checked.ok) throw new RegistryError('invalid_argument', checked.message);
  return checked.route;
}

function statusOf({ code, status = statusByCode[code], error }: Failure): number {
  return error instanceof BodyTooLarge ? 413 : status;
}

function send(response: ServerResponse, status: number, body: object): void {
  sendText(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}
