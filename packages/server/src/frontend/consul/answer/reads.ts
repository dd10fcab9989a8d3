/**
 * Reads that come from a view: finds or creates the plan of a URL, finds the caller, and answers now or parks the
 * request.
 *
 *   URL ──► plan (cached) ──► caller ──► may be too old? ──► newer than ?index ──► answer
 *                                        barrier first       not newer ──────────► wait
 *
 * An answer may be too old for a `?consistent` read, for a `?max_stale` while this node does not follow its store, and for a client
 * that knows an index from another node, which is ahead of this one.
 *
 * Encoding the answer: `answering.ts`. Waiting: `blocking.ts`.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { Context, Exchange } from '../../../net/frontend.ts';
import type { Caller } from '../../../security/acl.ts';
import { namespaceFor, shownNamespace } from '../../../security/hidden-namespace.ts';
import { namespaceNames } from '../../../registry/kind/namespace/find.ts';
import { type Authenticator, unidentified } from '../request/authenticator.ts';
import type { Call } from '../request/call.ts';
import type { OwnRoute, ReadRoute } from '../request/route.ts';
import { joinedLists } from '../request/every-namespace.ts';
import { permission } from '../request/permission.ts';
import { everyNamespace } from '../request/query.ts';
import { readScope, scopeFor } from '../request/scope.ts';
import { checkScope, noWait, Params, readConsistency, readMaxStale, readWait, type Wait } from '../wire/params.ts';
import type { RequestHead } from '../wire/request-head.ts';
import type { Answering } from './answering.ts';
import type { Parking } from './blocking.ts';
import { Plan, Plans } from './plan.ts';

export interface ReadsOptions {
  readonly context: Context;
  readonly authenticator: Authenticator;
  readonly answering: Answering;
  readonly parking: Parking;
  /** Names the caller in the query string if the answer depends on it, so that the cache works for all callers. */
  readonly nameCaller: (exchange: Exchange) => string;
  readonly failed: (request: IncomingMessage, response: ServerResponse, route: string, error: unknown, caller?: Caller) => void;
}

/** Most plans kept; clients of a large registry request thousands of services. */
const plansMax = 8_192;

/** Parameters that differ between polls of one URL, or between clients. */
const passingParams = /(?:^|&)(?:index|wait|token)=[^&]*/g;

/** The namespace of a plan for its caller; one without rights is hidden from it. */
function placeOf({ namespace }: Plan, caller: Caller): string {
  return caller === unidentified ? namespace : namespaceFor(caller, shownNamespace(namespace));
}

/** The key of a plan if a header or a token names the namespace. */
function placedUrl(url: string, namespace: string): string {
  return `${namespace}\0${url}`;
}

export class Reads {
  readonly #options: ReadsOptions;
  readonly #plans = new Plans(plansMax);
  #closing = false;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  /** From now on no request waits. */
  close(): void {
    this.#closing = true;
  }

  /** The plan of exactly this URL, if it is cached. */
  planOf(url: string, { namespace }: RequestHead): Plan | undefined {
    return this.#plans.get(namespace === '' ? url : placedUrl(url, namespace));
  }

  /**
   * Answers a URL whose plan is cached.
   * @returns false if the plan is not for this caller: its token is of another namespace or has no right in that of the plan
   */
  readKept(exchange: Exchange, plan: Plan, { token, namespace }: RequestHead): boolean {
    const caller = this.#options.authenticator.authenticate(exchange.request, plan.access, token);
    if (namespace === '' && caller.namespace !== defaultNamespace) return false;
    if (placeOf(plan, caller) !== plan.namespace) return false;
    this.#read(exchange, plan, noWait, caller);
    return true;
  }

  /**
   * Creates the plan of a read and caches it under its URL, without the parameters that change from poll to poll.
   * @param head a token or namespace among the parameters takes precedence
   */
  read(exchange: Exchange, route: ReadRoute, rest: string, head: RequestHead): void {
    const { context, authenticator, nameCaller } = this.#options;
    const { request, path } = exchange;
    const query = nameCaller(exchange);
    const passes = query.includes('index=') || query.includes('wait=') || query.includes('token=');
    const lasting = passes ? query.replace(passingParams, '') : query;
    const url = passes || query !== exchange.query ? `${path}?${lasting}` : (request.url ?? '');
    const passing = passes ? new Params(query) : undefined;
    // A token parameter whose name is percent-encoded is a secret, too, and must not be cached.
    const params = lasting.includes('%') ? new Params(lasting) : undefined;
    const token = passing?.get('token') || params?.get('token') || head.token;
    const caller = authenticator.authenticate(request, route.access, token);
    if (route.everyNamespace !== undefined && (lasting.includes('ns=') || head.namespace === everyNamespace)) {
      const asked = params ?? new Params(lasting);
      if ((asked.get('ns') || head.namespace) === everyNamespace) {
        const wait = passing === undefined ? noWait : readWait(passing.get('index'), passing.get('wait'));
        this.#read(exchange, this.#planEverywhere(route, rest, asked), wait, caller);
        return;
      }
    }
    // A token of a namespace works like a header that names it.
    const namespace = head.namespace || (caller.namespace === defaultNamespace ? '' : caller.namespace);
    const key = namespace === '' ? url : placedUrl(url, namespace);
    const planUnder = (under: string, place?: string): Plan => {
      const known = this.#plans.get(under);
      if (known !== undefined) return known;
      const { datacenter } = context.identity;
      const asked = params ?? new Params(lasting);
      checkScope(asked, datacenter);
      const given = readScope(asked, namespace, defaultNamespace);
      const scope = place === undefined ? given : { ...given, namespace: place };
      const freshness = { cached: asked.has('cached'), maxStaleMs: readMaxStale(asked) };
      const made = new Plan(route.read({ ...scope, rest, params: asked, datacenter }), scope.namespace, readConsistency(asked), route, freshness);
      if (!asked.has('token')) this.#plans.put(under, made);
      return made;
    };
    let plan = planUnder(key);
    const place = placeOf(plan, caller);
    if (place !== plan.namespace) plan = planUnder(placedUrl(key, place), place);
    const wait = passing === undefined ? noWait : readWait(passing.get('index'), passing.get('wait'));
    this.#read(exchange, plan, wait, caller);
  }

  /** The plan of a list of all namespaces. It is not kept, since namespaces come and go. */
  #planEverywhere(route: ReadRoute, rest: string, params: Params): Plan {
    const { identity: { datacenter }, registry } = this.#options.context;
    checkScope(params, datacenter);
    const { access, read } = route;
    const asked = { rest, params, datacenter, namespace: everyNamespace, named: true, all: [...namespaceNames(registry.state)] };
    const demanded = access.kind === 'demands' ? permission(access.resource, access.verb) : undefined;
    const query = route.everyNamespace === 'rows' ? read(asked) : joinedLists({ asked, permission: demanded }, read);
    const freshness = { cached: params.has('cached'), maxStaleMs: readMaxStale(params) };
    return new Plan(query, everyNamespace, readConsistency(params), route, freshness);
  }

  /** Answers a read that depends on the caller. It waits while its content is the one that the client knows. */
  readOwn(exchange: Exchange, route: OwnRoute, rest: string, head: RequestHead): void {
    const { context, authenticator, answering } = this.#options;
    const { identity, limits, registry } = context;
    const params = new Params(exchange.query);
    checkScope(params, undefined);
    const caller = authenticator.authenticate(exchange.request, route.access, params.get('token') || head.token);
    const scope = scopeFor(caller, params, head.namespace);
    const call: Call = { context, caller, exchange, rest, params, identity, limits, ...scope };
    const query = route.own(call);
    const plan = new Plan(query, scope.namespace, readConsistency(params), route, { maxStaleMs: readMaxStale(params) });
    const known = query.token === undefined ? '' : params.get(query.token.param);
    const wait = readWait(params.get('index'), params.get('wait'));
    const proceed = () => {
      const same = known !== '' && known === answering.token(plan, caller);
      this.#answerOrPark(exchange, plan, same ? { ...wait, index: plan.revision(registry) } : noWait, caller);
    };
    if (this.#isCurrent(plan, 0)) proceed();
    else this.#whenCurrent(exchange, plan, caller, proceed);
  }

  #read(exchange: Exchange, plan: Plan, wait: Wait, caller: Caller): void {
    if (this.#isCurrent(plan, wait.index)) this.#answerOrPark(exchange, plan, wait, caller);
    else this.#whenCurrent(exchange, plan, caller, () => this.#answerOrPark(exchange, plan, wait, caller));
  }

  /**
   * Whether the state is as new as the plan demands.
   * @param index that the client knows, maybe from another node
   */
  #isCurrent(plan: Plan, index: number): boolean {
    const { registry } = this.#options.context;
    return plan.consistency !== 'consistent' && index <= registry.state.revision && registry.staleMs <= plan.maxStaleMs;
  }

  /** Proceeds when the state is as new as the plan demands. */
  #whenCurrent({ request, response }: Exchange, plan: Plan, caller: Caller, proceed: () => void): void {
    const { context, failed } = this.#options;
    context.registry
      .barrier()
      .then(proceed)
      .catch((error: unknown) => failed(request, response, plan.route, error, caller));
  }

  #answerOrPark({ request, response }: Exchange, plan: Plan, wait: Wait, caller: Caller): void {
    const { context, answering, parking, failed } = this.#options;
    if (wait.index === 0 || this.#closing || plan.revision(context.registry) > wait.index) {
      const { clock, metrics } = context;
      const started = clock.monotonic();
      answering.answer(request, response, plan, caller);
      metrics.querySeconds.observe((clock.monotonic() - started) / 1_000);
      return;
    }
    if (response.closed) return;
    try {
      answering.authorize(plan, caller);
    } catch (error) {
      failed(request, response, plan.route, error, caller);
      return;
    }
    if (parking.full) {
      // A 500, although this is no fault of the server: clients retry only after a 500.
      const message = `${parking.size} blocking queries wait, which is the limit; try again later`;
      throw new RegistryError('resource_exhausted', message);
    }
    parking.park(response, plan, wait, caller);
  }
}
