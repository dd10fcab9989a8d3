/**
 * The front end for Consul's HTTP API: finds the route of a request, answers it or parks it, and turns
 * whatever goes wrong into an answer. Routes: `routes.ts`; waiting: `answer/blocking.ts`; bytes: `wire/responses.ts`.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { defaultNamespace, isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import type { Context, Exchange, Frontend, HttpService } from '../../net/frontend.ts';
import type { BackupStore } from '../../net/transfers.ts';
import { type Access, assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures } from '../../security/gate.ts';
import { disabledText } from './acl/words.ts';
import { Monitors } from './agent/monitor.ts';
import { registerSelf } from './agent/own-node.ts';
import { Answering } from './answer/answering.ts';
import { Parking } from './answer/blocking.ts';
import { Plan, Plans } from './answer/plan.ts';
import { Refusals } from './answer/refusals.ts';
import { namedCaller } from './catalog/near.ts';
import { caRoots } from './mesh/ca-roots.ts';
import { Authenticator, nobody } from './request/authenticator.ts';
import { type Call, demand } from './request/call.ts';
import { accessOf, isIndexed, routed } from './request/route.ts';
import type { ActRoute, OwnRoute, ReadRoute, Route, RoutedRow } from './request/route.ts';
import { Router } from './request/router.ts';
import { routeTable } from './routes.ts';
import { Snapshots } from './snapshot/snapshot.ts';
import { checkScope, noWait, Params, readConsistency, readWait, type Wait } from './wire/params.ts';
import type { Reply, SentReply, Written } from './wire/reply.ts';
import { plainIndex, Wire, withIndex } from './wire/responses.ts';

export interface ConsulOptions {
  /** What snapshots are made of and become. */
  readonly backups: BackupStore;
  /** From 0 up to, but not including, 1; spreads the timeouts of blocking queries. */
  readonly random?: () => number;
}

/** URLs remembered; a busy registry is asked about thousands of services. */
const plansMax = 8_192;

/** What differs from one poll of a URL to the next, or from one client to another. */
const passingParams = /(?:^|&)(?:index|wait|token)=[^&]*/g;

/** @throws RegistryError `failed_precondition` when a route does not say who may use it */
export function consul(context: Context, { backups, random = Math.random }: ConsulOptions): Frontend {
  const snapshots = new Snapshots(context, backups);
  const monitors = new Monitors();
  const table = routeTable({
    saveSnapshot: (call) => snapshots.save(call),
    restoreSnapshot: (call) => snapshots.restore(call),
    monitor: (call) => monitors.watch(call),
    roots: caRoots(context),
  });
  return new ConsulFrontend(context, table, random, () => {
    monitors.close();
    return snapshots.close();
  });
}

class ConsulFrontend implements Frontend {
  readonly name = 'consul';
  readonly http: HttpService = { prefixes: ['/v1/', '/v1'], handle: (exchange) => this.#handle(exchange) };
  readonly #context: Context;
  readonly #router: Router<RoutedRow>;
  readonly #plans = new Plans(plansMax);
  readonly #wire: Wire;
  /** Paths whose GET has the headers of a read. */
  readonly #indexed: ReadonlySet<string>;
  readonly #authenticator: Authenticator;
  readonly #answering: Answering;
  readonly #parking: Parking;
  readonly #refusals: Refusals;
  /** Ends what does not end by itself. */
  readonly #endLasting: () => Promise<void>;
  #closing = false;

  constructor(context: Context, table: readonly Route[], random: () => number, endLasting: () => Promise<void>) {
    assertAccessDeclared('consul', accessOf(table));
    this.#context = context;
    this.#endLasting = endLasting;
    this.#router = new Router(table.map(routed));
    this.#indexed = new Set(table.filter(({ methods }) => isIndexed(methods.GET)).map(({ path }) => path));
    const { acl } = context.security;
    this.#wire = new Wire(acl.enabled ? acl.defaultPolicy : 'allow');
    this.#authenticator = new Authenticator(context);
    this.#answering = new Answering(context, this.#wire, {
      answered: (_response, { route }, status) => context.metrics.request(route, status),
      failed: (response, { route }, caller, error) => this.#fail(response.req, response, route, error, caller),
    });
    this.#refusals = new Refusals(({ response, route, error }) => {
      if (this.#closing) response.shouldKeepAlive = false;
      context.metrics.request(route, this.#wire.error(response, error));
    }, context.limits.connectionsMax);
    this.#parking = new Parking({
      registry: context.registry,
      acl,
      wheel: context.wheel,
      parkedMax: context.limits.parkedMax,
      random,
      digest: (response, plan, caller, ready) => this.#answering.digest(response, plan, caller, ready),
      spent: () => this.#answering.spent,
      onSize: (size) => context.metrics.parked.set(size),
      answer: (response, plan, caller) => this.#answering.answer(response.req, response, plan, caller),
      demand: (plan, caller) => this.#answering.demand(plan, caller),
      refuse: (response, plan, caller, error) => this.#fail(response.req, response, plan.route, error, caller),
    });
  }

  start(): Promise<void> {
    return registerSelf(this.#context);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#answering.close();
    this.#parking.flush();
    this.#refusals.flush();
    await Promise.all([this.#answering.idle(), this.#endLasting()]);
  }

  #handle(exchange: Exchange): void {
    const { request, response } = exchange;
    let known: Plan | undefined;
    try {
      const token = this.#authenticator.check(request);
      const { method, url = '' } = request;
      known = method === 'GET' ? this.#plans.get(url) : undefined;
      if (known === undefined) this.#route(exchange, token);
      else this.#read(exchange, known, noWait, this.#enter(request, known.access, token));
    } catch (error) {
      this.#fail(request, response, known?.route ?? 'unknown', error);
    }
  }

  /** Who asks. @throws RegistryError `unauthenticated`; TooManyFailures */
  #enter(request: IncomingMessage, { kind }: Access, token: string): Caller {
    if (kind === 'open' || kind === 'own-proof') return nobody;
    return this.#authenticator.enter(request, token);
  }

  /** @param token from the headers; a parameter comes before it */
  #route(exchange: Exchange, token: string): void {
    const { request, response, path } = exchange;
    const found = this.#router.find(path);
    if (found === undefined) {
      this.#wire.text(response, 404, 'Invalid URL path: not a recognized HTTP API endpoint\n');
      this.#context.metrics.request('unknown', 404);
      return;
    }
    const { route, rest } = found;
    try {
      const action = route.actions.get(request.method ?? '');
      if (action === undefined) this.#refuseMethod(exchange, route);
      else if (route.needsAcl === true && this.#isOpen) this.#refuseDisabled(exchange, route);
      else if ('read' in action) this.#plan(exchange, action, rest, token);
      else if ('own' in action) this.#readOwn(exchange, action, rest, token);
      else this.#act(exchange, action, rest, token);
    } catch (error) {
      this.#fail(request, response, route.path, error);
    }
  }

  #refuseMethod({ request, response }: Exchange, route: RoutedRow): void {
    const allow = ['Allow', ['OPTIONS', ...route.actions.keys()].join(',')];
    if (request.method === 'OPTIONS') {
      this.#wire.empty(response, allow);
      this.#context.metrics.request(route.path, 200);
      return;
    }
    this.#wire.text(response, 405, `method ${request.method} not allowed`, allow);
    this.#context.metrics.request(route.path, 405);
  }

  get #isOpen(): boolean {
    return !this.#context.security.acl.enabled;
  }

  #refuseDisabled({ response }: Exchange, { path }: RoutedRow): void {
    this.#wire.text(response, 401, disabledText);
    this.#context.metrics.request(path, 401);
  }

  /** Makes the plan of a read; it is kept under its URL without what changes from poll to poll. */
  #plan(exchange: Exchange, route: ReadRoute, rest: string, token: string): void {
    const { request, path } = exchange;
    const query = namedCaller(exchange, this.#context.identity);
    const passes = query.includes('index=') || query.includes('wait=') || query.includes('token=');
    const lasting = passes ? query.replace(passingParams, '') : query;
    const url = passes || query !== exchange.query ? `${path}?${lasting}` : (request.url ?? '');
    const passing = passes ? new Params(query) : undefined;
    let plan = this.#plans.get(url);
    let spelled = '';
    if (plan === undefined) {
      const params = new Params(lasting);
      const { datacenter } = this.#context.identity;
      checkScope(params, datacenter);
      plan = new Plan(route.read({ namespace: defaultNamespace, rest, params, datacenter }), defaultNamespace, readConsistency(params), route, params.has('cached'));
      // However the parameter is spelled: a secret is no part of what is kept.
      spelled = params.get('token');
      if (!params.has('token')) this.#plans.put(url, plan);
    }
    const caller = this.#enter(request, plan.access, passing?.get('token') || spelled || token);
    const wait = passing === undefined ? noWait : readWait(passing.get('index'), passing.get('wait'));
    this.#read(exchange, plan, wait, caller);
  }

  /** Waits while the content is the one that the client knows. */
  #readOwn(exchange: Exchange, route: OwnRoute, rest: string, headerToken: string): void {
    const params = new Params(exchange.query);
    checkScope(params, undefined);
    const caller = this.#enter(exchange.request, route.access, params.get('token') || headerToken);
    const { registry } = this.#context;
    const query = route.own({ context: this.#context, caller, namespace: defaultNamespace, exchange, rest, params });
    const plan = new Plan(query, defaultNamespace, readConsistency(params), route);
    const known = query.token === undefined ? '' : params.get(query.token.param);
    const wait = readWait(params.get('index'), params.get('wait'));
    const same = known !== '' && known === this.#answering.token(plan, caller);
    this.#answerOrPark(exchange, plan, same ? { ...wait, index: plan.revision(registry) } : noWait, caller);
  }

  #read(exchange: Exchange, plan: Plan, wait: Wait, caller: Caller): void {
    if (plan.consistency !== 'consistent') {
      this.#answerOrPark(exchange, plan, wait, caller);
      return;
    }
    const { request, response } = exchange;
    this.#context.registry
      .barrier()
      .then(() => this.#answerOrPark(exchange, plan, wait, caller))
      .catch((error: unknown) => this.#fail(request, response, plan.route, error, caller));
  }

  #answerOrPark({ request, response }: Exchange, plan: Plan, wait: Wait, caller: Caller): void {
    if (wait.index === 0 || this.#closing || plan.revision(this.#context.registry) > wait.index) {
      const { clock, metrics } = this.#context;
      const started = clock.monotonic();
      this.#answering.answer(request, response, plan, caller);
      metrics.querySeconds.observe((clock.monotonic() - started) / 1_000);
      return;
    }
    if (response.closed) return;
    try {
      this.#answering.demand(plan, caller);
    } catch (error) {
      this.#fail(request, response, plan.route, error, caller);
      return;
    }
    if (this.#parking.full) {
      // A 500 although the client is not wrong and not alone: clients try again after it.
      const message = `${this.#parking.size} blocking queries wait, which is the limit; try again later`;
      throw new RegistryError('resource_exhausted', message);
    }
    this.#parking.park(response, plan, wait, caller);
  }

  #act(exchange: Exchange, route: ActRoute, rest: string, headerToken: string): void {
    const { request, response } = exchange;
    const params = new Params(exchange.query);
    // An agent knows its own datacenter only, and Consul's does not look at `?dc`.
    checkScope(params, route.path.startsWith('/v1/agent/') ? undefined : this.#context.identity.datacenter);
    const { access } = route;
    const caller = this.#enter(request, access, params.get('token') || headerToken);
    const call: Call = { context: this.#context, caller, namespace: defaultNamespace, exchange, rest, params };
    try {
      if (access.kind === 'demands') demand(call, access.resource, access.verb);
      const reply = route.act(call);
      if (!(reply instanceof Promise)) {
        this.#reply(call, route, reply);
        return;
      }
      reply.then(
        (body) => this.#reply(call, route, body),
        (error: unknown) => this.#fail(request, response, route.path, error, caller),
      );
    } catch (error) {
      this.#fail(request, response, route.path, error, caller);
    }
  }

  #reply(call: Call, route: ActRoute, given: Reply): void {
    const { exchange: { request, response }, caller } = call;
    if (given !== undefined && 'type' in given && given.type === 'written') {
      this.#write(call, route, given);
      return;
    }
    const { path, audit, indexed } = route;
    const reply: SentReply = indexed === true ? withIndex(given) : given;
    if (this.#closing) response.shouldKeepAlive = false;
    if (reply === undefined) this.#wire.empty(response);
    else if (Buffer.isBuffer(reply)) this.#wire.json(response, reply);
    else this.#wire.shaped(response, reply);
    const shaped = reply === undefined || Buffer.isBuffer(reply) ? undefined : reply;
    const status = shaped?.status ?? 200;
    this.#context.metrics.request(path, status);
    if (shaped?.denied === true) this.#authenticator.record('denied', request, caller);
    else if (audit !== undefined && status < 400) this.#authenticator.record(audit, request, caller);
  }

  #write({ exchange: { request, response }, caller }: Call, { path, audit, indexed }: ActRoute, written: Written): void {
    this.#answering.write(
      response,
      written,
      ({ status = 200, headers = [], text }, body) => {
        const more = indexed === true ? [...plainIndex, ...headers] : headers;
        const head = this.#wire.bodyHead(text === undefined ? 'json' : 'text', body.bytes, more);
        this.#answering.send(response, status, head, body);
        this.#context.metrics.request(path, status);
        if (audit !== undefined && status < 400) this.#authenticator.record(audit, request, caller);
      },
      (error) => this.#fail(request, response, path, error, caller),
    );
  }

  #fail(
    request: IncomingMessage,
    response: ServerResponse,
    route: string,
    thrown: unknown,
    caller?: Caller,
  ): void {
    if (isRegistryError(thrown, 'cancelled')) {
      request.destroy();
      return;
    }
    if (thrown instanceof TooManyFailures) {
      this.#refusals.add(response, route, thrown);
      return;
    }
    const { code } = toRegistryError(thrown);
    if (code === 'internal') this.#context.log.error({ err: thrown, route }, 'a request failed');
    if (code === 'permission_denied') this.#authenticator.record('denied', request, caller);
    // A token that nobody has was written down at the entrance; a login that proved nothing was not.
    if (code === 'unauthenticated' && caller === nobody) {
      this.#authenticator.record('unauthenticated', request, undefined);
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // Clients look for an index in every answer of what can be waited for, or wait for it for ever.
    const head = request.method === 'GET' && this.#indexed.has(route) ? plainIndex : [];
    this.#context.metrics.request(route, this.#wire.error(response, thrown, head));
  }
}
