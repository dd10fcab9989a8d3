/**
 * The front end for Consul's HTTP API: finds the route of a request, passes it to the part that answers it, and converts
 * errors to answers.
 *
 *   handle ──► token ──► kept plan? ──► Reads          lists and single values that come from a view
 *                           │ no
 *                        route ───────► Reads, or Endpoints (decode, authorize, command, answer)
 *
 * Routes: `routes.ts`. Reads: `answer/reads.ts`. Endpoints: `answer/endpoints.ts`, `request/endpoint.ts`.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRegistryError, toRegistryError } from '@rollcall/protocol';
import type { Context, Exchange, Frontend, HttpService } from '../../net/frontend.ts';
import type { BackupStore } from '../../net/transfers.ts';
import { assertAccessDeclared } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { deniedNamespace } from '../../security/access-error.ts';
import { TooManyFailures } from '../../security/gate.ts';
import { Monitors } from './agent/monitor.ts';
import { registerSelf } from './agent/own-node.ts';
import { showServers } from './agent/server-nodes.ts';
import { Answering } from './answer/answering.ts';
import { parkedClients } from './answer/parked-clients.ts';
import { Parking } from './answer/blocking.ts';
import { Endpoints } from './answer/endpoints.ts';
import { Reads } from './answer/reads.ts';
import { Refusals } from './answer/refusals.ts';
import { namedCaller } from './catalog/near.ts';
import { configKeys } from './kv/config-keys.ts';
import { reads } from './kv/kv.ts';
import { caRoots } from './mesh/ca-roots.ts';
import { Authenticator, unidentified } from './request/authenticator.ts';
import { accessOf, isIndexed, type Route, routed, type RoutedRow } from './request/route.ts';
import { Router } from './request/router.ts';
import { routeTable } from './routes.ts';
import { Snapshots } from './snapshot/snapshot.ts';
import { disabledText } from './wire/access-words.ts';
import type { RequestHead } from './wire/request-head.ts';
import { plainIndex, Wire } from './wire/responses.ts';

export interface ConsulOptions {
  /** Makes and restores the backups within snapshots. */
  readonly backups: BackupStore;
  /** From 0 up to, but not including, 1; spreads the timeouts of blocking queries. */
  readonly random?: () => number;
  /** Whether configurations are shown as keys below `config/`; false by default. */
  readonly configurations?: boolean;
}

/** @throws RegistryError `failed_precondition` if a route declares no access */
export function consul(context: Context, { backups, random = Math.random, configurations = false }: ConsulOptions): Frontend {
  const snapshots = new Snapshots(context, backups);
  const monitors = new Monitors();
  const table = routeTable({
    saveSnapshot: (call) => snapshots.save(call),
    restoreSnapshot: (call) => snapshots.restore(call),
    monitor: (call) => monitors.watch(call),
    roots: caRoots(context),
    readKeys: reads(configurations ? configKeys((release) => context.configurations.contents.shown(release, release.content, false)) : undefined),
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
  readonly #wire: Wire;
  /** Paths whose GET has the headers of a read. */
  readonly #indexed: ReadonlySet<string>;
  readonly #authenticator: Authenticator;
  readonly #answering: Answering;
  readonly #parking: Parking;
  readonly #reads: Reads;
  readonly #endpoints: Endpoints;
  readonly #refusals: Refusals;
  /** Ends the answers that would not end by themselves. */
  readonly #endLasting: () => Promise<void>;
  #closing = false;

  constructor(context: Context, table: readonly Route[], random: () => number, endLasting: () => Promise<void>) {
    assertAccessDeclared('consul', accessOf(table));
    this.#context = context;
    this.#endLasting = endLasting;
    this.#router = new Router(table.map(routed));
    this.#indexed = new Set(table.filter(({ methods }) => isIndexed(methods.GET)).map(({ path }) => path));
    const { acl } = context.security;
    this.#wire = new Wire(acl.enabled ? acl.defaultPolicy : 'allow', () => context.registry.staleMs);
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
      authorize: (plan, caller) => this.#answering.authorize(plan, caller),
      refuse: (response, plan, caller, error) => this.#fail(response.req, response, plan.route, error, caller),
    });
    context.clients.add(() => parkedClients(this.#parking.parked()));
    const parts = {
      context,
      authenticator: this.#authenticator,
      answering: this.#answering,
      failed: this.#fail.bind(this),
    };
    const nameCaller = (exchange: Exchange) => namedCaller(exchange, context.identity);
    this.#reads = new Reads({ ...parts, parking: this.#parking, nameCaller });
    this.#endpoints = new Endpoints({ ...parts, wire: this.#wire });
  }

  start(): Promise<void> {
    return registerSelf(this.#context);
  }

  membersChanged(): void {
    if (!this.#closing) void showServers(this.#context);
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#reads.close();
    this.#endpoints.close();
    this.#answering.close();
    this.#parking.flush();
    this.#refusals.flush();
    await Promise.all([this.#answering.idle(), this.#endLasting()]);
  }

  #handle(exchange: Exchange): void {
    const { request, response } = exchange;
    const { registry } = this.#context;
    try {
      const head = this.#authenticator.readHead(request);
      if (head.notOlderThan <= registry.state.revision) {
        this.#route(exchange, head);
        return;
      }
      registry.notOlderThan(head.notOlderThan).then(
        () => this.#route(exchange, head),
        (error: unknown) => this.#fail(request, response, 'unknown', error),
      );
    } catch (error) {
      this.#fail(request, response, 'unknown', error);
    }
  }

  #route(exchange: Exchange, head: RequestHead): void {
    const { request, response } = exchange;
    let route = 'unknown';
    try {
      const { method, url = '' } = request;
      const plan = method === 'GET' ? this.#reads.planOf(url, head) : undefined;
      if (plan !== undefined) {
        route = plan.route;
        if (this.#reads.readKept(exchange, plan, head)) return;
      }
      const found = this.#router.find(exchange.path);
      if (found === undefined) {
        this.#text(response, route, 404, 'Invalid URL path: not a recognized HTTP API endpoint\n');
        return;
      }
      route = found.route.path;
      this.#dispatch(exchange, found.route, found.rest, head);
    } catch (error) {
      this.#fail(request, response, route, error);
    }
  }

  #dispatch(exchange: Exchange, row: RoutedRow, rest: string, head: RequestHead): void {
    const { request, response } = exchange;
    const action = row.actions.get(request.method ?? '');
    if (action === undefined) this.#refuseMethod(exchange, row);
    else if (row.needsAcl === true && !this.#context.security.acl.enabled) this.#text(response, row.path, 401, disabledText);
    else if ('read' in action) this.#reads.read(exchange, action, rest, head);
    else if ('own' in action) this.#reads.readOwn(exchange, action, rest, head);
    else this.#endpoints.run(exchange, action, rest, head);
  }

  #refuseMethod({ request, response }: Exchange, { path, actions }: RoutedRow): void {
    const allow = ['Allow', ['OPTIONS', ...actions.keys()].join(',')];
    if (request.method !== 'OPTIONS') {
      this.#text(response, path, 405, `method ${request.method} not allowed`, allow);
      return;
    }
    this.#wire.empty(response, allow);
    this.#context.metrics.request(path, 200);
  }

  #text(response: ServerResponse, route: string, status: number, text: string, headers?: readonly string[]): void {
    this.#wire.text(response, status, text, headers);
    this.#context.metrics.request(route, status);
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
    if (code === 'permission_denied') this.#authenticator.record('denied', request, caller, deniedNamespace(thrown));
    // The authenticator has recorded an unknown token already, but not a failed login.
    if (code === 'unauthenticated' && caller === unidentified) {
      this.#authenticator.record('unauthenticated', request, undefined, '');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // Clients expect an index in every answer to a read that can wait; without one they would never wait again.
    const head = request.method === 'GET' && this.#indexed.has(route) ? plainIndex : [];
    this.#context.metrics.request(route, this.#wire.error(response, thrown, head));
  }
}
