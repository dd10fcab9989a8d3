/**
 * The whole API as one table: each route with its methods and the permission for each. `request/router.ts` finds the row of
 * a path.
 */

import { setAgentToken } from './acl/login.ts';
import { aclRoutes } from './acl/routes.ts';
import { deregisterCheck, listChecks, registerCheck, report, updateCheck } from './agent/checks.ts';
import * as events from './agent/events.ts';
import { instanceHealth, serviceHealth } from './agent/health.ts';
import { namespaceRoutes } from './namespace/routes.ts';
import { maintainNode, maintainService } from './agent/maintenance.ts';
import * as operation from './agent/operation.ts';
import { members, self } from './agent/self.ts';
import { deregisterService, getService, listServices, registerService } from './agent/services.ts';
import * as catalog from './catalog/catalog.ts';
import * as coordinates from './catalog/coordinates.ts';
import * as health from './catalog/health.ts';
import * as ui from './catalog/ui.ts';
import * as kv from './kv/kv.ts';
import * as mesh from './mesh/no-mesh.ts';
import * as operator from './operator/operator.ts';
import { leader, peers } from './operator/status.ts';
import * as queries from './query/prepared-queries.ts';
import type { Handler } from './request/call.ts';
import type { Asked, Query } from './request/query.ts';
import { anyCaller, demands, filters, named, open, refused, type Route, writes } from './request/route.ts';
import * as session from './session/session.ts';
import { txn } from './txn/txn.ts';

/** Parts that each front end creates for itself: answers that last until it closes, and its certificates. */
export interface Lasting {
  readonly saveSnapshot: Handler;
  readonly restoreSnapshot: Handler;
  readonly monitor: Handler;
  /** The certificates of a front end, which live as long as it does. */
  readonly roots: (asked: Asked) => Query;
  /** Reads keys, and configurations as keys if the server is told so. */
  readonly readKeys: (asked: Asked) => Query;
}

/** The table; each front end has its own. */
export function routeTable({ saveSnapshot, restoreSnapshot, monitor, roots, readKeys }: Lasting): readonly Route[] {
  return [
    { path: '/v1/agent/self', methods: { GET: { act: self, access: named('agent', 'read') } } },
    { path: '/v1/agent/members', methods: { GET: { act: members, access: filters('node') } } },
    { path: '/v1/agent/services', methods: { GET: { act: listServices, access: filters('service') } } },
    { path: '/v1/agent/checks', methods: { GET: { act: listChecks, access: filters('node', 'service') } } },
    {
      path: '/v1/agent/service/register',
      methods: { PUT: writes(registerService, named('service', 'write')) },
    },
    {
      path: '/v1/agent/service/deregister/:id',
      methods: { PUT: writes(deregisterService, named('service', 'write')) },
    },
    { path: '/v1/agent/service/:id', methods: { GET: { own: getService, access: named('service', 'read') } } },
    {
      path: '/v1/agent/service/maintenance/:id',
      methods: { PUT: writes(maintainService, named('service', 'write')) },
    },
    { path: '/v1/agent/maintenance', methods: { PUT: writes(maintainNode, named('node', 'write')) } },
    {
      path: '/v1/agent/health/service/id/:id',
      methods: { GET: { act: instanceHealth, access: named('service', 'read') } },
    },
    {
      path: '/v1/agent/health/service/name/:name',
      methods: { GET: { act: serviceHealth, access: named('service', 'read') } },
    },
    { path: '/v1/agent/check/register', methods: { PUT: writes(registerCheck, named('node', 'write')) } },
    {
      path: '/v1/agent/check/deregister/:id',
      methods: { PUT: writes(deregisterCheck, named('node', 'write')) },
    },
    {
      path: '/v1/agent/check/pass/:id',
      methods: { PUT: { act: report('passing'), access: named('service', 'write') } },
    },
    {
      path: '/v1/agent/check/warn/:id',
      methods: { PUT: { act: report('warning'), access: named('service', 'write') } },
    },
    {
      path: '/v1/agent/check/fail/:id',
      methods: { PUT: { act: report('critical'), access: named('service', 'write') } },
    },
    {
      path: '/v1/agent/check/update/:id',
      methods: { PUT: { act: updateCheck, access: named('service', 'write') } },
    },
    {
      path: '/v1/agent/version',
      methods: { GET: { act: operation.version, access: open('a version is no secret') } },
    },
    { path: '/v1/agent/host', methods: { GET: { act: operation.host, access: demands('operator', 'read') } } },
    { path: '/v1/agent/metrics', methods: { GET: { act: operation.metrics, access: named('agent', 'read') } } },
    { path: '/v1/agent/monitor', methods: { GET: { act: monitor, access: named('agent', 'read') } } },
    { path: '/v1/agent/reload', methods: { PUT: writes(operation.reload, named('agent', 'write')) } },
    { path: '/v1/agent/join/:address', methods: { PUT: writes(operation.join, named('agent', 'write')) } },
    { path: '/v1/agent/leave', methods: { PUT: writes(operation.leave, named('agent', 'write')) } },
    {
      path: '/v1/agent/force-leave/:node',
      methods: { PUT: writes(operation.forceLeave, demands('operator', 'write')) },
    },
    {
      path: '/v1/agent/token/:kind',
      needsAcl: true,
      methods: { PUT: writes(setAgentToken, named('agent', 'write')) },
    },
    { path: '/v1/agent/connect/ca/roots', methods: { GET: { read: roots, access: open('roots are public') } } },
    { path: '/v1/connect/ca/roots', methods: { GET: { read: roots, access: open('roots are public') } } },
    { path: '/v1/catalog/register', methods: { PUT: writes(catalog.register, named('node', 'write')) } },
    { path: '/v1/catalog/deregister', methods: { PUT: writes(catalog.deregister, named('node', 'write')) } },
    {
      path: '/v1/catalog/datacenters',
      methods: { GET: { act: catalog.datacenters, access: open('their names are no secret') } },
    },
    { path: '/v1/catalog/nodes', methods: { GET: { read: catalog.nodes, access: filters('node') } } },
    { path: '/v1/catalog/services', methods: { GET: { read: catalog.services, access: filters('service') } } },
    {
      path: '/v1/catalog/service/:service',
      methods: { GET: { read: catalog.service, access: filters('node', 'service') } },
    },
    {
      path: '/v1/catalog/connect/:service',
      methods: { GET: { read: (asked) => catalog.connect(asked), access: filters('node', 'service') } },
    },
    {
      path: '/v1/catalog/node/:node',
      methods: { GET: { read: catalog.node, access: filters('node', 'service') } },
    },
    {
      path: '/v1/catalog/node-services/:node',
      methods: { GET: { read: catalog.nodeServices, everyNamespace: 'rows', access: filters('node', 'service') } },
    },
    {
      path: '/v1/health/service/:service',
      methods: { GET: { read: health.serviceInstances, access: filters('node', 'service') } },
    },
    {
      path: '/v1/health/connect/:service',
      methods: { GET: { read: health.connect, access: named('service', 'read') } },
    },
    {
      path: '/v1/health/checks/:service',
      methods: { GET: { read: health.serviceChecks, access: filters('node', 'service') } },
    },
    {
      path: '/v1/health/node/:node',
      methods: { GET: { read: health.nodeHealth, everyNamespace: 'lists', access: filters('node', 'service') } },
    },
    {
      path: '/v1/health/state/:state',
      methods: { GET: { read: health.checksInState, everyNamespace: 'lists', access: filters('node', 'service') } },
    },
    {
      path: '/v1/kv/:key',
      methods: {
        GET: { read: readKeys, everyNamespace: 'lists', access: named('key', 'read') },
        PUT: writes(kv.put, named('key', 'write')),
        DELETE: writes(kv.remove, named('key', 'write')),
      },
    },
    { path: '/v1/txn', methods: { PUT: writes(txn, named('key', 'write')) } },
    { path: '/v1/session/create', methods: { PUT: writes(session.create, named('session', 'write')) } },
    { path: '/v1/session/destroy/:id', methods: { PUT: writes(session.destroy, named('session', 'write')) } },
    {
      path: '/v1/session/renew/:id',
      methods: { PUT: { act: session.renew, access: named('session', 'write') } },
    },
    { path: '/v1/session/info/:id', methods: { GET: { read: session.info, access: filters('session') } } },
    { path: '/v1/session/node/:node', methods: { GET: { read: session.onNode, everyNamespace: 'lists', access: filters('session') } } },
    { path: '/v1/session/list', methods: { GET: { read: session.list, everyNamespace: 'lists', access: filters('session') } } },
    {
      path: '/v1/operator/raft/configuration',
      methods: { GET: { act: operator.raftConfiguration, access: demands('operator', 'read') } },
    },
    {
      path: '/v1/operator/raft/peer',
      methods: { DELETE: { act: operator.removePeer, access: demands('operator', 'write') } },
    },
    {
      path: '/v1/operator/raft/transfer-leader',
      methods: { POST: { act: operator.transferLeader, access: demands('operator', 'write') } },
    },
    {
      path: '/v1/operator/autopilot/health',
      methods: { GET: { act: operator.health, access: demands('operator', 'read') } },
    },
    {
      path: '/v1/operator/autopilot/state',
      methods: { GET: { act: operator.autopilotState, access: demands('operator', 'read') } },
    },
    {
      path: '/v1/operator/autopilot/configuration',
      methods: {
        GET: { act: operator.autopilotConfiguration, access: demands('operator', 'read') },
        PUT: { act: operator.configureAutopilot, access: demands('operator', 'write') },
      },
    },
    {
      path: '/v1/operator/keyring',
      methods: {
        GET: { act: operator.keyring, access: demands('keyring', 'read') },
        PUT: { act: operator.keyring, access: demands('keyring', 'write') },
        POST: { act: operator.keyring, access: demands('keyring', 'write') },
        DELETE: { act: operator.keyring, access: demands('keyring', 'write') },
      },
    },
    {
      path: '/v1/operator/usage',
      methods: { GET: { indexed: true, act: operator.usage, access: demands('operator', 'read') } },
    },
    { path: '/v1/config', methods: { PUT: { act: mesh.refuse('configuration entries'), access: refused } } },
    {
      path: '/v1/config/:kind',
      methods: {
        GET: { read: mesh.configEntries, access: anyCaller },
        DELETE: { act: mesh.refuse('configuration entries'), access: refused },
      },
    },
    { path: '/v1/connect/intentions', methods: { GET: { read: mesh.emptyList, access: anyCaller } } },
    {
      path: '/v1/connect/intentions/match',
      methods: { GET: { indexed: true, act: mesh.matchIntentions, access: named('intention', 'read') } },
    },
    {
      path: '/v1/connect/intentions/check',
      methods: { GET: { indexed: true, act: mesh.checkIntention, access: named('service', 'read') } },
    },
    {
      path: '/v1/connect/intentions/exact',
      methods: {
        GET: { indexed: true, act: mesh.exactIntention, access: anyCaller },
        PUT: { act: mesh.refuse('intentions'), access: refused },
        DELETE: { act: mesh.refuse('intentions'), access: refused },
      },
    },
    {
      path: '/v1/discovery-chain/:service',
      methods: { GET: { act: mesh.refuse('discovery chains'), access: refused } },
    },
    {
      path: '/v1/catalog/gateway-services/:gateway',
      methods: { GET: { read: mesh.emptyOfService, access: named('service', 'read') } },
    },
    {
      path: '/v1/health/ingress/:service',
      methods: { GET: { read: mesh.emptyOfService, access: named('service', 'read') } },
    },
    { path: '/v1/peerings', methods: { GET: { read: mesh.emptyList, access: demands('peering', 'read') } } },
    {
      path: '/v1/peering/:name',
      methods: {
        GET: { indexed: true, act: mesh.peering, access: demands('peering', 'read') },
        PUT: { act: mesh.refuse('peerings'), access: refused },
      },
    },
    {
      path: '/v1/query',
      methods: {
        GET: { read: queries.list, access: filters('query') },
        POST: writes(queries.create, named('query', 'write')),
      },
    },
    {
      path: '/v1/query/:query',
      methods: {
        GET: { indexed: true, act: queries.reader(), access: named('query', 'read') },
        PUT: writes(queries.update, named('query', 'write')),
        DELETE: writes(queries.remove, named('query', 'write')),
      },
    },
    { path: '/v1/event/fire/:name', methods: { PUT: writes(events.fire, named('event', 'write')) } },
    { path: '/v1/event/list', methods: { GET: { own: events.list, access: filters('event') } } },
    {
      path: '/v1/coordinate/datacenters',
      methods: { GET: { act: coordinates.datacenters, access: open('where servers are is no secret') } },
    },
    { path: '/v1/coordinate/nodes', methods: { GET: { read: coordinates.nodes, access: filters('node') } } },
    {
      path: '/v1/coordinate/node/:node',
      methods: { GET: { read: coordinates.node, access: named('node', 'read') } },
    },
    {
      path: '/v1/coordinate/update',
      methods: { PUT: { act: coordinates.update, access: named('node', 'write') } },
    },
    ...aclRoutes,
    ...namespaceRoutes,
    {
      path: '/v1/snapshot',
      // The audit log records reads, too: a snapshot is a copy of everything.
      methods: {
        GET: writes(saveSnapshot, demands('acl', 'write')),
        PUT: writes(restoreSnapshot, demands('acl', 'write')),
      },
    },
    { path: '/v1/internal/ui/services', methods: { GET: { read: ui.services, everyNamespace: 'lists', access: filters('node', 'service') } } },
    { path: '/v1/internal/ui/nodes', methods: { GET: { read: ui.nodes, everyNamespace: 'rows', access: filters('node', 'service') } } },
    { path: '/v1/internal/ui/node/:node', methods: { GET: { read: ui.node, everyNamespace: 'rows', access: named('node', 'read') } } },
    { path: '/v1/status/leader', methods: { GET: { act: leader, access: open('who leads is no secret') } } },
    { path: '/v1/status/peers', methods: { GET: { act: peers, access: open('who leads is no secret') } } },
  ];
}
