/**
 * The front end for Consul's HTTP API: finds the route of a request, answers it or parks it, and turns
 * whatever goes wrong into an answer. Routes: `routes.ts`; waiting: `blocking.ts`; bytes: `wire.ts`.
 */

import { RegistryError, isRegistryError, toRegistryError } from '@rollcall/protocol';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { Answering } from './answering.ts';
import { Parking } from './blocking.ts';
import type { Call, Handler, Reply } from './call.ts';
import { invalid } from './errors.ts';
import { Params, checkScope, noWait, readConsistency, readWait, type Wait } from './params.ts';
import { Plan, Plans } from './plan.ts';
import type { Asked, Query } from './query.ts';
import { Router, routeTable, type Action, type Route } from './routes.ts';
import { registerSelf } from './virtual-agent.ts';
import { headerOf, sendEmpty, sendError, sendJson, sendShaped, sendText } from './wire.ts';

export interface ConsulOptions {
  /** From 0 up to, but not including, 1; spreads the timeouts of blocking queries. */
  readonly random?: () => number;
}

/** URLs remembered; a busy registry is asked about thousands of services. */
const plansMax = 8_192;

/** What differs from one poll of a URL to the next. */
const waitParams = /(?:^|&)(?:index|wait)=[^&]*/g;

export function consul(context: Context, { random = Math.random }: ConsulOptions = {}): Frontend {
  return new ConsulFrontend(context, random);
}

class ConsulFrontend implements Frontend {
  readonly name = 'consul';
  readonly prefixes = ['/v1/', '/v1'];
  readonly #context: Context;
  readonly #router = new Router(routeTable());
  readonly #plans = new Plans(plansMax);
  readonly #answering: Answering;
  readonly #parking: Parking;
  #closing = false;

  constructor(context: Context, random: () => number) {
    this.#context = context;
    this.#answering = new Answering(context);
    this.#parking = new Parking({
      registry: context.registry,
      wheel: context.wheel,
      parkedMax: context.limits.parkedMax,
      random,
      digest: (plan) => this.#answering.digest(plan),
      onSize: (size) => context.metrics.parked.set(size),
      answer: (response, plan) => {
        if (this.#closing) response.shouldKeepAlive = false;
        this.#answering.answer(response.req, response, plan);
      },
    });
  }

  start(): Promise<void> {
    return registerSelf(this.#context);
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#parking.flush();
    return Promise.resolve();
  }

  handle(exchange: Exchange): void {
    try {
      this.#checkHeaders(exchange);
      const { method, url = '' } = exchange.request;
      const known = method === 'GET' ? this.#plans.get(url) : undefined;
      if (known === undefined) this.#route(exchange);
      else this.#read(exchange, known, noWait);
    } catch (error) {
      this.#fail(exchange, 'unknown', error);
    }
  }

  #route(exchange: Exchange): void {
    const { request, response, path } = exchange;
    const found = this.#router.find(path);
    if (found === undefined) {
      sendText(response, 404, 'Invalid URL path: not a recognized HTTP API endpoint\n');
      this.#context.metrics.request('unknown', 404);
      return;
    }
    const { route, rest } = found;
    try {
      const methods = route.methods as Readonly<Record<string, Action | undefined>>;
      const method = request.method ?? '';
      const action = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (action === undefined) this.#refuseMethod(exchange, route);
      else if ('read' in action) this.#plan(exchange, route, rest, action.read);
      else if ('own' in action) this.#readOwn(exchange, route, rest, action.own);
      else this.#act(exchange, route, rest, action.act);
    } catch (error) {
      this.#fail(exchange, route.path, error);
    }
  }

  #refuseMethod({ request, response }: Exchange, route: Route): void {
    const allow = ['Allow', ['OPTIONS', ...Object.keys(route.methods)].join(',')];
    if (request.method === 'OPTIONS') {
      sendEmpty(response, allow);
      this.#context.metrics.request(route.path, 200);
      return;
    }
    sendText(response, 405, `method ${request.method} not allowed`, allow);
    this.#context.metrics.request(route.path, 405);
  }

  /** Makes the plan of a read; it is kept under its URL without what changes from poll to poll. */
  #plan(exchange: Exchange, route: Route, rest: string, read: (asked: Asked) => Query): void {
    const { request, path, query } = exchange;
    const waits = query.includes('index=') || query.includes('wait=');
    const lasting = waits ? query.replace(waitParams, '') : query;
    const url = waits ? `${path}?${lasting}` : (request.url ?? '');
    let plan = this.#plans.get(url);
    if (plan === undefined) {
      const params = new Params(lasting);
      const { datacenter } = this.#context.identity;
      checkScope(params, datacenter);
      const query = read({ rest, params, datacenter });
      plan = new Plan(query, readConsistency(params), route.path, params.has('cached'));
      this.#plans.put(url, plan);
    }
    if (!waits) {
      this.#read(exchange, plan, noWait);
      return;
    }
    const params = new Params(query);
    this.#read(exchange, plan, readWait(params.get('index'), params.get('wait')));
  }

  /** Waits while the content is the one that the client knows. */
  #readOwn(exchange: Exchange, route: Route, rest: string, own: (call: Call) => Query): void {
    const params = new Params(exchange.query);
    checkScope(params, undefined);
    const { registry } = this.#context;
    const query = own({ context: this.#context, exchange, rest, params });
    const plan = new Plan(query, readConsistency(params), route.path);
    const { token } = query;
    const known = token === undefined ? '' : params.get(token.param);
    const wait = readWait(params.get('index'), params.get('wait'));
    const same = known !== '' && known === token?.of(registry.state);
    this.#answerOrPark(exchange, plan, same ? { ...wait, index: plan.revision(registry) } : noWait);
  }

  #read(exchange: Exchange, plan: Plan, wait: Wait): void {
    if (plan.consistency !== 'consistent') {
      this.#answerOrPark(exchange, plan, wait);
      return;
    }
    this.#context.registry
      .barrier()
      .then(() => this.#answerOrPark(exchange, plan, wait))
      .catch((error: unknown) => this.#fail(exchange, plan.route, error));
  }

  #answerOrPark({ request, response }: Exchange, plan: Plan, wait: Wait): void {
    if (wait.index === 0 || this.#closing || plan.revision(this.#context.registry) > wait.index) {
      if (this.#closing) response.shouldKeepAlive = false;
      const { clock, metrics } = this.#context;
      const started = clock.monotonic();
      this.#answering.answer(request, response, plan);
      metrics.querySeconds.observe((clock.monotonic() - started) / 1_000);
      return;
    }
    if (response.closed) return;
    if (this.#parking.full) {
      // A 500 although the client is not wrong and not alone: clients try again after it.
      const message = `${this.#parking.size} blocking queries wait, which is the limit; try again later`;
      throw new RegistryError('resource_exhausted', message);
    }
    this.#parking.park(response, plan, wait);
  }

  #act(exchange: Exchange, route: Route, rest: string, handler: Handler): void {
    const params = new Params(exchange.query);
    // An agent knows its own datacenter only, and Consul's does not look at `?dc`.
    checkScope(params, route.path.startsWith('/v1/agent/') ? undefined : this.#context.identity.datacenter);
    const reply = handler({ context: this.#context, exchange, rest, params });
    if (!(reply instanceof Promise)) {
      this.#reply(exchange, route, reply);
      return;
    }
    reply.then(
      (body) => this.#reply(exchange, route, body),
      (error: unknown) => this.#fail(exchange, route.path, error),
    );
  }

  /** @throws RegistryError `invalid_argument` for namespaces and partitions */
  #checkHeaders({ request }: Exchange): void {
    for (const { lowerCase, name, feature } of enterpriseHeaders) {
      if (!headerOf(request, lowerCase)) continue;
      throw invalid(`Invalid header: "${name}" - ${feature} are a Consul Enterprise feature`);
    }
  }

  #reply({ response }: Exchange, route: Route, reply: Reply): void {
    if (this.#closing) response.shouldKeepAlive = false;
    if (reply === undefined) sendEmpty(response);
    else if (Buffer.isBuffer(reply)) sendJson(response, reply);
    else sendShaped(response, reply);
    const status = reply === undefined || Buffer.isBuffer(reply) ? 200 : reply.status;
    this.#context.metrics.request(route.path, status);
  }

  #fail({ request, response }: Exchange, route: string, thrown: unknown): void {
    if (isRegistryError(thrown, 'cancelled')) {
      request.destroy();
      return;
    }
    if (toRegistryError(thrown).code === 'internal') {
      this.#context.log.error({ err: thrown, route }, 'a request failed');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    this.#context.metrics.request(route, sendError(response, thrown));
  }
}

const enterpriseHeaders = [
  { lowerCase: 'x-consul-namespace', name: 'X-Consul-Namespace', feature: 'Namespaces' },
  { lowerCase: 'x-consul-partition', name: 'X-Consul-Partition', feature: 'Partitions' },
] as const;
