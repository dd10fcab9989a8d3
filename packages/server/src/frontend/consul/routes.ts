/**
 * The visible surface as one table, and how a path finds its row. Ids and keys are the rest of the
 * path and may contain slashes, so rows match by what a path starts with, never segment by segment.
 */

import { listChecks, deregisterCheck, registerCheck, report, updateCheck } from './agent-checks.ts';
import { deregisterService, getService, listServices, registerService } from './agent-services.ts';
import { instanceHealth, serviceHealth } from './agent-health.ts';
import * as operation from './agent-operation.ts';
import { members, self } from './agent.ts';
import type { Call, Handler } from './call.ts';
import * as catalog from './catalog.ts';
import { caRoots } from './connect-ca.ts';
import * as coordinates from './coordinates.ts';
import * as events from './events.ts';
import * as health from './health-endpoints.ts';
import * as kv from './kv.ts';
import { maintainNode, maintainService } from './maintenance.ts';
import * as mesh from './no-mesh.ts';
import * as queries from './prepared-queries.ts';
import type { Asked, Query } from './query.ts';
import * as session from './session.ts';
import { leader, peers } from './status.ts';
import { txn } from './txn.ts';

/**
 * `read` comes from a view, can wait and is encoded once for all; `own` does, too, but depends on who
 * asks, and waits by a hash; `act` does everything else.
 */
export type Action =
  | { readonly read: (asked: Asked) => Query }
  | { readonly own: (call: Call) => Query }
  | { readonly act: Handler };

export interface Route {
  /** `:name` at the end stands for the rest of the path. */
  readonly path: string;
  readonly methods: Readonly<Partial<Record<'GET' | 'PUT' | 'POST' | 'DELETE', Action>>>;
}

/** The table. Each front end has its own, since its CA root lives as long as it does. */
export function routeTable(): readonly Route[] {
  const roots = caRoots();
  return [
    { path: '/v1/agent/self', methods: { GET: { act: self } } },
    { path: '/v1/agent/members', methods: { GET: { act: members } } },
    { path: '/v1/agent/services', methods: { GET: { act: listServices } } },
    { path: '/v1/agent/checks', methods: { GET: { act: listChecks } } },
    { path: '/v1/agent/service/register', methods: { PUT: { act: registerService } } },
    { path: '/v1/agent/service/deregister/:id', methods: { PUT: { act: deregisterService } } },
    { path: '/v1/agent/service/:id', methods: { GET: { own: getService } } },
    { path: '/v1/agent/service/maintenance/:id', methods: { PUT: { act: maintainService } } },
    { path: '/v1/agent/maintenance', methods: { PUT: { act: maintainNode } } },
    { path: '/v1/agent/health/service/id/:id', methods: { GET: { act: instanceHealth } } },
    { path: '/v1/agent/health/service/name/:name', methods: { GET: { act: serviceHealth } } },
    { path: '/v1/agent/check/register', methods: { PUT: { act: registerCheck } } },
    { path: '/v1/agent/check/deregister/:id', methods: { PUT: { act: deregisterCheck } } },
    { path: '/v1/agent/check/pass/:id', methods: { PUT: { act: report('passing') } } },
    { path: '/v1/agent/check/warn/:id', methods: { PUT: { act: report('warning') } } },
    { path: '/v1/agent/check/fail/:id', methods: { PUT: { act: report('critical') } } },
    { path: '/v1/agent/check/update/:id', methods: { PUT: { act: updateCheck } } },
    { path: '/v1/agent/version', methods: { GET: { act: operation.version } } },
    { path: '/v1/agent/host', methods: { GET: { act: operation.host } } },
    { path: '/v1/agent/metrics', methods: { GET: { act: operation.metrics } } },
    { path: '/v1/agent/reload', methods: { PUT: { act: operation.reload } } },
    { path: '/v1/agent/join/:address', methods: { PUT: { act: operation.join } } },
    { path: '/v1/agent/leave', methods: { PUT: { act: operation.leave } } },
    { path: '/v1/agent/force-leave/:node', methods: { PUT: { act: operation.forceLeave } } },
    { path: '/v1/agent/connect/ca/roots', methods: { GET: { act: roots } } },
    { path: '/v1/connect/ca/roots', methods: { GET: { act: roots } } },
    { path: '/v1/catalog/register', methods: { PUT: { act: catalog.register } } },
    { path: '/v1/catalog/deregister', methods: { PUT: { act: catalog.deregister } } },
    { path: '/v1/catalog/datacenters', methods: { GET: { act: catalog.datacenters } } },
    { path: '/v1/catalog/nodes', methods: { GET: { read: catalog.nodes } } },
    { path: '/v1/catalog/services', methods: { GET: { read: catalog.services } } },
    { path: '/v1/catalog/service/:service', methods: { GET: { read: catalog.service } } },
    { path: '/v1/catalog/connect/:service', methods: { GET: { read: (asked) => catalog.connect(asked) } } },
    { path: '/v1/catalog/node/:node', methods: { GET: { read: catalog.node } } },
    { path: '/v1/catalog/node-services/:node', methods: { GET: { read: catalog.nodeServices } } },
    { path: '/v1/health/service/:service', methods: { GET: { read: health.serviceInstances } } },
    { path: '/v1/health/connect/:service', methods: { GET: { read: health.connect } } },
    { path: '/v1/health/checks/:service', methods: { GET: { read: health.serviceChecks } } },
    { path: '/v1/health/node/:node', methods: { GET: { read: health.nodeHealth } } },
    { path: '/v1/health/state/:state', methods: { GET: { read: health.checksInState } } },
    {
      path: '/v1/kv/:key',
      methods: { GET: { read: kv.read }, PUT: { act: kv.put }, DELETE: { act: kv.remove } },
    },
    { path: '/v1/txn', methods: { PUT: { act: txn } } },
    { path: '/v1/session/create', methods: { PUT: { act: session.create } } },
    { path: '/v1/session/destroy/:id', methods: { PUT: { act: session.destroy } } },
    { path: '/v1/session/renew/:id', methods: { PUT: { act: session.renew } } },
    { path: '/v1/session/info/:id', methods: { GET: { read: session.info } } },
    { path: '/v1/session/node/:node', methods: { GET: { read: session.onNode } } },
    { path: '/v1/session/list', methods: { GET: { read: session.list } } },
    { path: '/v1/operator/raft/configuration', methods: { GET: { act: operation.raftConfiguration } } },
    { path: '/v1/config', methods: { PUT: { act: mesh.refuse('configuration entries') } } },
    {
      path: '/v1/config/:kind',
      methods: { GET: { read: mesh.configEntries }, DELETE: { act: mesh.refuse('configuration entries') } },
    },
    { path: '/v1/connect/intentions', methods: { GET: { read: mesh.emptyList } } },
    { path: '/v1/connect/intentions/match', methods: { GET: { act: mesh.matchIntentions } } },
    { path: '/v1/connect/intentions/check', methods: { GET: { act: mesh.checkIntention } } },
    {
      path: '/v1/connect/intentions/exact',
      methods: {
        GET: { act: mesh.exactIntention },
        PUT: { act: mesh.refuse('intentions') },
        DELETE: { act: mesh.refuse('intentions') },
      },
    },
    { path: '/v1/discovery-chain/:service', methods: { GET: { act: mesh.refuse('discovery chains') } } },
    { path: '/v1/catalog/gateway-services/:gateway', methods: { GET: { read: mesh.emptyList } } },
    { path: '/v1/health/ingress/:service', methods: { GET: { read: mesh.emptyList } } },
    { path: '/v1/peerings', methods: { GET: { read: mesh.emptyList } } },
    {
      path: '/v1/peering/:name',
      methods: { GET: { act: mesh.peering }, PUT: { act: mesh.refuse('peerings') } },
    },
    {
      path: '/v1/query',
      methods: { GET: { read: queries.list }, POST: { act: queries.create } },
    },
    {
      path: '/v1/query/:query',
      methods: { GET: { act: queries.reader() }, PUT: { act: queries.update }, DELETE: { act: queries.remove } },
    },
    { path: '/v1/event/fire/:name', methods: { PUT: { act: events.fire } } },
    { path: '/v1/event/list', methods: { GET: { own: events.list } } },
    { path: '/v1/coordinate/datacenters', methods: { GET: { act: coordinates.datacenters } } },
    { path: '/v1/coordinate/nodes', methods: { GET: { read: coordinates.nodes } } },
    { path: '/v1/coordinate/node/:node', methods: { GET: { read: coordinates.node } } },
    { path: '/v1/coordinate/update', methods: { PUT: { act: coordinates.update } } },
    { path: '/v1/status/leader', methods: { GET: { act: leader } } },
    { path: '/v1/status/peers', methods: { GET: { act: peers } } },
  ];
}

/** Finds rows by path: `/v1/kv/a/b` is the row of `/v1/kv/` with the rest `a/b`. */
export class Router {
  readonly #exact = new Map<string, Route>();
  readonly #under = new Map<string, Route>();

  constructor(table: readonly Route[]) {
    for (const route of table) {
      const colon = route.path.indexOf(':');
      if (colon < 0) this.#exact.set(route.path, route);
      else this.#under.set(route.path.slice(0, colon), route);
    }
  }

  /** @param path as sent, percent-encoded */
  find(path: string): { readonly route: Route; readonly rest: string } | undefined {
    const exact = this.#exact.get(path);
    if (exact !== undefined) return { route: exact, rest: '' };
    let found: { route: Route; rest: string } | undefined;
    // The longest prefix wins; none has more parts than `/v1/agent/health/service/id/`.
    let at = 3;
    for (let parts = 0; parts < 4; parts++) {
      at = path.indexOf('/', at + 1);
      if (at < 0) break;
      const route = this.#under.get(path.slice(0, at + 1));
      if (route !== undefined) found = { route, rest: path.slice(at + 1) };
    }
    if (found !== undefined) return found;
    const bare = this.#under.get(`${path}/`);
    return bare === undefined ? undefined : { route: bare, rest: '' };
  }
}
