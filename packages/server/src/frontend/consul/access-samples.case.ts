/**
 * Requests for the access matrix: one for each method of each route. The matrix fails while a route has no sample, so
 * every new route needs an entry here.
 */

import type { NamedResource, ScalarResource } from '../../security/rules.ts';

/** The state before the request. */
export interface Fixture {
  readonly session: string;
  readonly query: string;
  readonly token: string;
  readonly policy: string;
  readonly role: string;
  readonly rule: string;
}

export interface Sample {
  readonly path: string | ((fixture: Fixture) => string);
  readonly body?: unknown;
  /** Status for callers with the right; 200 by default. */
  readonly ok?: number;
  /** Body for callers that may read none of its rows, of routes that filter. */
  readonly empty?: unknown;
  /** The answer is always empty, so no row can be left out. */
  readonly nothing?: boolean;
  /** Other resources that also allow it. */
  readonly also?: readonly (NamedResource | ScalarResource)[];
  /** Status for callers without the right; 403 by default. */
  readonly denied?: number;
}

const none: Sample['empty'] = [];
const oneNode = { Node: 'other', Address: '10.0.0.9' };

export const samples: Readonly<Record<string, Sample>> = {
  'GET /v1/agent/self': { path: '/v1/agent/self' },
  'GET /v1/agent/members': { path: '/v1/agent/members', empty: none },
  'GET /v1/agent/services': { path: '/v1/agent/services', empty: {} },
  'GET /v1/agent/checks': { path: '/v1/agent/checks', empty: {} },
  'PUT /v1/agent/service/register': { path: '/v1/agent/service/register', body: { Name: 'web', ID: 'new' } },
  'PUT /v1/agent/service/deregister/:id': { path: '/v1/agent/service/deregister/web-1' },
  'GET /v1/agent/service/:id': { path: '/v1/agent/service/web-1' },
  'PUT /v1/agent/service/maintenance/:id': { path: '/v1/agent/service/maintenance/web-1?enable=true' },
  'PUT /v1/agent/maintenance': { path: '/v1/agent/maintenance?enable=true' },
  'GET /v1/agent/health/service/id/:id': { path: '/v1/agent/health/service/id/web-1', ok: 503 },
  'GET /v1/agent/health/service/name/:name': { path: '/v1/agent/health/service/name/web', ok: 503 },
  'PUT /v1/agent/check/register': { path: '/v1/agent/check/register', body: { Name: 'disk', TTL: '30s' } },
  'PUT /v1/agent/check/deregister/:id': { path: '/v1/agent/check/deregister/node-check' },
  'PUT /v1/agent/check/pass/:id': { path: '/v1/agent/check/pass/service:web-1' },
  'PUT /v1/agent/check/warn/:id': { path: '/v1/agent/check/warn/service:web-1' },
  'PUT /v1/agent/check/fail/:id': { path: '/v1/agent/check/fail/service:web-1' },
  'PUT /v1/agent/check/update/:id': { path: '/v1/agent/check/update/service:web-1', body: { Status: 'passing' } },
  'GET /v1/agent/version': { path: '/v1/agent/version' },
  'GET /v1/agent/host': { path: '/v1/agent/host' },
  'GET /v1/agent/metrics': { path: '/v1/agent/metrics' },
  'GET /v1/agent/monitor': { path: '/v1/agent/monitor', ok: 501 },
  'PUT /v1/agent/reload': { path: '/v1/agent/reload' },
  'PUT /v1/agent/join/:address': { path: '/v1/agent/join/127.0.0.1' },
  'PUT /v1/agent/leave': { path: '/v1/agent/leave', ok: 400 },
  'PUT /v1/agent/force-leave/:node': { path: '/v1/agent/force-leave/nowhere', ok: 500 },
  'PUT /v1/agent/token/:kind': { path: '/v1/agent/token/default', body: { Token: '' } },
  'GET /v1/agent/connect/ca/roots': { path: '/v1/agent/connect/ca/roots' },
  'GET /v1/connect/ca/roots': { path: '/v1/connect/ca/roots' },
  'PUT /v1/catalog/register': { path: '/v1/catalog/register', body: oneNode },
  'PUT /v1/catalog/deregister': { path: '/v1/catalog/deregister', body: { Node: 'ext' } },
  'GET /v1/catalog/datacenters': { path: '/v1/catalog/datacenters' },
  'GET /v1/catalog/nodes': { path: '/v1/catalog/nodes', empty: none },
  'GET /v1/catalog/services': { path: '/v1/catalog/services', empty: {} },
  'GET /v1/catalog/service/:service': { path: '/v1/catalog/service/web', empty: none },
  'GET /v1/catalog/connect/:service': { path: '/v1/catalog/connect/web', empty: none, nothing: true },
  'GET /v1/catalog/node/:node': { path: '/v1/catalog/node/ext', empty: null },
  'GET /v1/catalog/node-services/:node': { path: '/v1/catalog/node-services/ext', empty: { Node: null, Services: null } },
  'GET /v1/health/service/:service': { path: '/v1/health/service/web', empty: none },
  'GET /v1/health/connect/:service': { path: '/v1/health/connect/web' },
  'GET /v1/health/checks/:service': { path: '/v1/health/checks/web', empty: none },
  'GET /v1/health/node/:node': { path: '/v1/health/node/server-1', empty: none },
  'GET /v1/health/state/:state': { path: '/v1/health/state/any', empty: none },
  'GET /v1/kv/:key': { path: '/v1/kv/app/key' },
  'PUT /v1/kv/:key': { path: '/v1/kv/app/key', body: 'value' },
  'DELETE /v1/kv/:key': { path: '/v1/kv/app/key' },
  'PUT /v1/txn': { path: '/v1/txn', body: [{ KV: { Verb: 'set', Key: 'app/key' } }], denied: 409 },
  'PUT /v1/session/create': { path: '/v1/session/create' },
  'PUT /v1/session/destroy/:id': { path: ({ session }) => `/v1/session/destroy/${session}` },
  'PUT /v1/session/renew/:id': { path: ({ session }) => `/v1/session/renew/${session}` },
  'GET /v1/session/info/:id': { path: ({ session }) => `/v1/session/info/${session}`, empty: none },
  'GET /v1/session/node/:node': { path: '/v1/session/node/server-1', empty: none },
  'GET /v1/session/list': { path: '/v1/session/list', empty: none },
  'GET /v1/operator/raft/configuration': { path: '/v1/operator/raft/configuration' },
  'DELETE /v1/operator/raft/peer': { path: '/v1/operator/raft/peer?id=x', ok: 400 },
  'POST /v1/operator/raft/transfer-leader': { path: '/v1/operator/raft/transfer-leader', ok: 400 },
  'GET /v1/operator/autopilot/health': { path: '/v1/operator/autopilot/health' },
  'GET /v1/operator/autopilot/state': { path: '/v1/operator/autopilot/state' },
  'GET /v1/operator/autopilot/configuration': { path: '/v1/operator/autopilot/configuration' },
  'PUT /v1/operator/autopilot/configuration': { path: '/v1/operator/autopilot/configuration', body: {}, ok: 400 },
  'GET /v1/operator/keyring': { path: '/v1/operator/keyring', ok: 400 },
  'PUT /v1/operator/keyring': { path: '/v1/operator/keyring', ok: 400 },
  'POST /v1/operator/keyring': { path: '/v1/operator/keyring', ok: 400 },
  'DELETE /v1/operator/keyring': { path: '/v1/operator/keyring', ok: 400 },
  'GET /v1/operator/usage': { path: '/v1/operator/usage' },
  'PUT /v1/config': { path: '/v1/config', body: {}, ok: 400 },
  'GET /v1/config/:kind': { path: '/v1/config/service-defaults', empty: none, nothing: true },
  'DELETE /v1/config/:kind': { path: '/v1/config/service-defaults/web', ok: 400 },
  'GET /v1/connect/intentions': { path: '/v1/connect/intentions', empty: none, nothing: true },
  'GET /v1/connect/intentions/match': { path: '/v1/connect/intentions/match?by=source&name=web', also: ['service'] },
  'GET /v1/connect/intentions/check': { path: '/v1/connect/intentions/check?source=a&destination=web' },
  'GET /v1/connect/intentions/exact': { path: '/v1/connect/intentions/exact', ok: 404, nothing: true },
  'PUT /v1/connect/intentions/exact': { path: '/v1/connect/intentions/exact', body: {}, ok: 400 },
  'DELETE /v1/connect/intentions/exact': { path: '/v1/connect/intentions/exact', ok: 400 },
  'GET /v1/discovery-chain/:service': { path: '/v1/discovery-chain/web', ok: 400 },
  'GET /v1/catalog/gateway-services/:gateway': { path: '/v1/catalog/gateway-services/web' },
  'GET /v1/health/ingress/:service': { path: '/v1/health/ingress/web' },
  'GET /v1/peerings': { path: '/v1/peerings' },
  'GET /v1/peering/:name': { path: '/v1/peering/x', ok: 404 },
  'PUT /v1/peering/:name': { path: '/v1/peering/x', body: {}, ok: 400 },
  'GET /v1/query': { path: '/v1/query', empty: none, also: ['acl'] },
  'POST /v1/query': { path: '/v1/query', body: { Name: 'another', Service: { Service: 'web' } } },
  'GET /v1/query/:query': { path: ({ query }) => `/v1/query/${query}` },
  'PUT /v1/query/:query': {
    path: ({ query }) => `/v1/query/${query}`,
    body: { Name: 'renamed', Service: { Service: 'web' } },
  },
  'DELETE /v1/query/:query': { path: ({ query }) => `/v1/query/${query}` },
  'PUT /v1/event/fire/:name': { path: '/v1/event/fire/deploy' },
  'GET /v1/event/list': { path: '/v1/event/list', empty: none },
  'GET /v1/coordinate/datacenters': { path: '/v1/coordinate/datacenters' },
  'GET /v1/coordinate/nodes': { path: '/v1/coordinate/nodes', empty: none },
  'GET /v1/coordinate/node/:node': { path: '/v1/coordinate/node/ext' },
  'PUT /v1/coordinate/update': {
    path: '/v1/coordinate/update',
    body: { Node: 'ext', Coord: { Vec: [1, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Height: 1e-5 } },
  },
  'PUT /v1/acl/bootstrap': { path: '/v1/acl/bootstrap', ok: 403 },
  'POST /v1/acl/login': { path: '/v1/acl/login', body: { AuthMethod: 'none', BearerToken: 'x' }, ok: 403 },
  'POST /v1/acl/logout': { path: '/v1/acl/logout', ok: 403, nothing: true },
  'GET /v1/acl/replication': { path: '/v1/acl/replication' },
  'GET /v1/acl/tokens': { path: '/v1/acl/tokens' },
  'PUT /v1/acl/token': { path: '/v1/acl/token', body: {} },
  'GET /v1/acl/token/self': { path: '/v1/acl/token/self', nothing: true },
  'GET /v1/acl/token/:id': { path: ({ token }) => `/v1/acl/token/${token}` },
  'PUT /v1/acl/token/:id': { path: ({ token }) => `/v1/acl/token/${token}`, body: { Description: 'changed' } },
  'DELETE /v1/acl/token/:id': { path: ({ token }) => `/v1/acl/token/${token}` },
  'GET /v1/acl/policies': { path: '/v1/acl/policies' },
  'PUT /v1/acl/policy': { path: '/v1/acl/policy', body: { Name: 'another' } },
  'GET /v1/acl/policy/name/:name': { path: '/v1/acl/policy/name/global-management' },
  'GET /v1/acl/policy/:id': { path: ({ policy }) => `/v1/acl/policy/${policy}` },
  'PUT /v1/acl/policy/:id': { path: ({ policy }) => `/v1/acl/policy/${policy}`, body: { Name: 'fixture' } },
  'DELETE /v1/acl/policy/:id': { path: ({ policy }) => `/v1/acl/policy/${policy}` },
  'GET /v1/acl/roles': { path: '/v1/acl/roles' },
  'PUT /v1/acl/role': { path: '/v1/acl/role', body: { Name: 'another' } },
  'GET /v1/acl/role/name/:name': { path: '/v1/acl/role/name/fixture' },
  'GET /v1/acl/role/:id': { path: ({ role }) => `/v1/acl/role/${role}` },
  'PUT /v1/acl/role/:id': { path: ({ role }) => `/v1/acl/role/${role}`, body: { Name: 'fixture' } },
  'DELETE /v1/acl/role/:id': { path: ({ role }) => `/v1/acl/role/${role}` },
  'GET /v1/acl/auth-methods': { path: '/v1/acl/auth-methods' },
  'PUT /v1/acl/auth-method': { path: '/v1/acl/auth-method', body: { Name: 'm', Type: 'none' }, ok: 400 },
  'GET /v1/acl/auth-method/:name': { path: '/v1/acl/auth-method/fixture' },
  'PUT /v1/acl/auth-method/:name': { path: '/v1/acl/auth-method/fixture', body: { Type: 'none' }, ok: 400 },
  'DELETE /v1/acl/auth-method/:name': { path: '/v1/acl/auth-method/fixture' },
  'GET /v1/acl/binding-rules': { path: '/v1/acl/binding-rules' },
  'PUT /v1/acl/binding-rule': {
    path: '/v1/acl/binding-rule',
    body: { AuthMethod: 'fixture', BindType: 'service', BindName: 'web' },
  },
  'GET /v1/acl/binding-rule/:id': { path: ({ rule }) => `/v1/acl/binding-rule/${rule}` },
  'PUT /v1/acl/binding-rule/:id': {
    path: ({ rule }) => `/v1/acl/binding-rule/${rule}`,
    body: { AuthMethod: 'fixture', BindType: 'service', BindName: 'db' },
  },
  'DELETE /v1/acl/binding-rule/:id': { path: ({ rule }) => `/v1/acl/binding-rule/${rule}` },
  'GET /v1/acl/templated-policies': { path: '/v1/acl/templated-policies' },
  'GET /v1/acl/templated-policy/name/:name': { path: '/v1/acl/templated-policy/name/builtin/dns' },
  'POST /v1/acl/templated-policy/preview/:name': { path: '/v1/acl/templated-policy/preview/builtin/dns' },
  // `namespace/namespace.test.ts` tests which namespaces a caller may see.
  'GET /v1/namespaces': { path: '/v1/namespaces', nothing: true },
  'PUT /v1/namespace': { path: '/v1/namespace', body: { Name: 'matrix' } },
  'GET /v1/namespace/:name': { path: '/v1/namespace/none', ok: 404 },
  'PUT /v1/namespace/:name': { path: '/v1/namespace/matrix', body: {} },
  'DELETE /v1/namespace/:name': { path: '/v1/namespace/none', ok: 404 },
  'POST /v1/internal/acl/authorize': { path: '/v1/internal/acl/authorize', body: [], nothing: true },
  'GET /v1/snapshot': { path: '/v1/snapshot' },
  'PUT /v1/snapshot': { path: '/v1/snapshot', body: 'no snapshot', ok: 400 },
  'GET /v1/internal/ui/services': { path: '/v1/internal/ui/services', empty: none },
  'GET /v1/internal/ui/nodes': { path: '/v1/internal/ui/nodes', empty: none },
  'GET /v1/internal/ui/node/:node': { path: '/v1/internal/ui/node/server-1' },
  'GET /v1/status/leader': { path: '/v1/status/leader' },
  'GET /v1/status/peers': { path: '/v1/status/peers' },
};
