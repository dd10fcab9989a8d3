/** The states that `shape-turns.mjs` fills a server with, a change of each, and the requests that read it. */

import { hash } from 'node:crypto';

const namespace = 'default';
const managementToken = '11111111-2222-4333-8444-555555555555';

/** One after the other, so that making them takes no turn of the event loop for itself. */
function* many(count, make) {
  for (let at = 0; at < count; at++) yield make(at);
}

const range = (count, make) => Array.from({ length: count }, (_, at) => make(at));
const get = (path, more = {}) => ({ kind: 'http', name: `GET ${path}`, path, ...more });
const put = (path, body, more = {}) => ({ kind: 'http', name: `PUT ${path}`, path, method: 'PUT', body, ...more });
const watch = (kind, name) => ({ kind: 'stream', name: `stream: watch of ${kind} ${JSON.stringify(name)}`, views: [{ kind, name }] });
const zookeeper = (op, body, what = op) => ({ kind: 'zookeeper', name: `zookeeper: ${what}`, op, body });

const kvPut = (key, value) => ({ kind: 'kv-put', namespace, key, value: Buffer.from(value), flags: 0n });
const node = (at) => ({ name: `node-${at}`, address: `10.1.${at >> 8}.${at & 255}` });
const register = (service, at, more = {}) => ({
  ...{ kind: 'register', namespace, node: node(at % 1_000), nodeMode: 'ensure' },
  instances: [{ id: `${service}-${at}`, service, address: `10.${(at >> 16) + 2}.${(at >> 8) & 255}.${at & 255}`, port: 80, tags: ['v1', `zone-${at % 3}`], meta: { version: '1' }, ...more }],
  checks: [{ id: `check-${service}-${at}`, name: 'alive', status: at % 50 === 0 ? 'critical' : 'passing', instance: `${service}-${at}` }],
});
const session = (at) => ({ kind: 'session-create', namespace, id: uuid(at), name: '', node: 'node-0', checks: [], liveness: 'ttl', ttlMs: 0, lockDelayMs: 0, behavior: 'release' });
const acquire = (name, id, of, more = {}) => ({ kind: 'lock-acquire', namespace, name, id, session: of, limit: 1, wait: true, ...more });
const uuid = (at) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
const changedInstance = (service) => ({ submit, round }) => submit([register(service, 1, { meta: { version: `1.${round}` } })]);
const openAcl = [{ perms: 31, scheme: 'world', id: 'anyone' }];

const publish = (name, content) => ({ kind: 'config-publish', namespace, app: 'shop', cluster: 'default', name, content: Buffer.from(content), md5: hash('md5', content), hash: hash('sha256', content) });

const past = (path, at) => (server) => get(`${path}${path.includes('?') ? '&' : '?'}at=r${at(server)}`);
let markedRevision = 0;

function watchedKeys(count) {
  return {
    what: `${count} keys below a prefix that is watched`,
    fill: ({ submit }) => submit(many(count, (at) => kvPut(`app/${at}`, 'a value'))),
    change: ({ submit, round }) => submit([kvPut('app/7', `changed ${round}`), kvPut(`app/new-${round}`, 'x')]),
    requests: () => [
      watch('prefix', 'app/'),
      get('/rollcall/v1/keys?prefix=app/'),
      get('/rollcall/v1/keys?prefix=app/&after=app/5&limit=10'),
      get('/rollcall/v1/keys/count?prefix=app/'),
      get('/v1/kv/app/?keys'),
      get('/v1/kv/app/?keys&separator=/'),
      get('/rollcall/v1/search?q=value'),
      get('/rollcall/v1/search?q=nothing-has-this'),
    ],
  };
}

export const shapes = {
  'watched-keys': watchedKeys(100_000),
  'million-keys': watchedKeys(1_000_000),

  'configurations': {
    what: '50,000 configurations in one namespace',
    options: { configurationsInKv: true },
    async fill({ submit }) {
      await submit(many(50_000, (at) => publish(`part-${at % 100}/name-${at}.properties`, `timeout=${at}\nname=part ${at}\n`)));
      await submit(many(1_000, (at) => register('shop', at)));
    },
    change: ({ submit, round }) => submit([publish('part-1/name-1.properties', `timeout=${round}\n`)]),
    requests: () => [
      get('/rollcall/v1/config/list'),
      get('/rollcall/v1/config/list?app=shop'),
      get('/rollcall/v1/config/old-keys'),
      get('/rollcall/v1/config/proposals'),
      get('/rollcall/v1/config/pending'),
      get('/rollcall/v1/config/who?app=shop&name=part-1/name-1.properties'),
      get('/rollcall/v1/overview'),
      get('/rollcall/v1/search?q=part'),
      get('/rollcall/v1/search?q=nothing-has-this'),
      get('/v1/kv/config/?recurse'),
      get('/v1/kv/config/?keys'),
      get('/v1/kv/config/?keys&separator=/'),
      get('/nacos/v1/cs/configs?search=accurate&dataId=&group=&pageNo=1&pageSize=100'),
      get('/nacos/v1/cs/configs?search=blur&dataId=*name*&group=*&pageNo=400&pageSize=100'),
      get('/nacos/v3/admin/cs/config/list?pageNo=1&pageSize=500&dataId=&groupName='),
      get('/services/config'),
      get('/spring/shop/default'),
      get('/metrics'),
    ],
  },

  'locks': {
    what: '10,000 locks, and 10,000 contenders of one more',
    async fill({ submit }) {
      await submit([{ kind: 'register', namespace, node: node(0), nodeMode: 'ensure' }]);
      await submit(many(10_000, session));
      await submit(many(10_000, (at) => acquire(`lock-${at}`, uuid(at), uuid(at), { purpose: 'lock' })));
      await submit(many(10_000, (at) => acquire('wanted', uuid(at), uuid(at), { value: `worker ${at}` })));
      await submit(many(10_000, (at) => acquire('semaphore', uuid(at), uuid(at), { limit: 10_000, value: `worker ${at}` })));
    },
    change: ({ submit, round }) => submit([{ kind: 'lock-release', namespace, name: 'wanted', id: uuid(round), session: uuid(round) }, { kind: 'lock-release', namespace, name: 'semaphore', id: uuid(round), session: uuid(round) }]),
    requests: () => [
      get('/rollcall/v1/locks/list'),
      get('/rollcall/v1/locks/list?after=lock-5&limit=100'),
      get('/rollcall/v1/locks?name=wanted'),
      get('/rollcall/v1/locks?name=semaphore'),
      get('/rollcall/v1/locks/keys'),
      watch('lock', 'wanted'),
      watch('lock', 'semaphore'),
      get('/v1/session/list'),
      get('/v1/session/node/node-0'),
      get('/rollcall/v1/nodes/one?name=node-0'),
      get('/rollcall/v1/overview'),
      get('/rollcall/v1/search?q=nothing-has-this'),
      get('/metrics'),
      put('/v1/session/destroy/00000000-0000-4000-8000-000000009999'),
      put('/v1/catalog/deregister', { Node: 'node-0' }, { name: 'PUT /v1/catalog/deregister of the node of all sessions', once: true }),
    ],
  },

  'znodes': {
    what: '100,000 znodes below one parent',
    async fill({ submit }) {
      await submit([{ kind: 'register', namespace, node: node(0), nodeMode: 'ensure' }, session(1)]);
      const client = { session: uuid(1), ids: [] };
      const create = (path) => ({ kind: 'znode-create', namespace, path, client, data: Buffer.from('x'.repeat(20)), acl: openAcl, mode: 'persistent' });
      await submit([create('/app')]);
      await submit(many(100_000, (at) => create(`/app/node-${at}`)));
    },
    requests: () => [
      zookeeper('getChildren', { path: '/app', watch: false }),
      zookeeper('getChildren2', { path: '/app', watch: true }),
      zookeeper('getAllChildrenNumber', { path: '/' }),
      zookeeper('getEphemerals', { prefixPath: '/' }),
      zookeeper('setData', { path: '/app/node-7', data: Buffer.from('y'), version: -1 }),
      zookeeper('multi', { operations: range(500, (at) => ({ op: 'setData', path: `/app/node-${at}`, data: Buffer.from('z'), version: -1 })) }, 'multi, 500 times setData'),
      zookeeper('multiRead', { operations: range(50, () => ({ op: 'getChildren', path: '/app', watch: false })) }, 'multiRead, 50 times getChildren'),
      get('/rollcall/v1/search?q=node'),
      get('/metrics'),
    ],
  },

  'one-service': {
    what: 'one service with 100,000 instances, a check each',
    fill: ({ submit }) => submit(many(100_000, (at) => register('large', at))),
    change: changedInstance('large'),
    requests: () => [
      get('/eureka/apps', { headers: { accept: 'application/json' } }),
      get('/eureka/apps', { name: 'GET /eureka/apps, XML', headers: { accept: 'application/xml' } }),
      get('/eureka/apps/LARGE', { headers: { accept: 'application/json' } }),
      get('/eureka/apps/delta', { headers: { accept: 'application/json' } }),
      get('/eureka/vips/large', { headers: { accept: 'application/json' } }),
      get('/eureka/instances/large-1', { headers: { accept: 'application/json' } }),
      get('/eureka/serverinfo/statusoverrides'),
      get('/eureka/status', { headers: { accept: 'application/json' } }),
      get('/nacos/v1/ns/instance/list?serviceName=large'),
      get('/nacos/v2/ns/instance/list?serviceName=large'),
      get('/nacos/v3/client/ns/instance/list?serviceName=large'),
      get('/nacos/v3/admin/ns/instance/list?serviceName=large'),
      get('/nacos/v1/ns/catalog/service?serviceName=large'),
      get('/nacos/v1/ns/catalog/instances?serviceName=large&clusterName=DEFAULT&pageNo=1&pageSize=100'),
      get('/nacos/v1/ns/service?serviceName=large'),
      get('/nacos/v1/ns/instance/statuses?key=large'),
      get('/nacos/v3/admin/ns/service/list?pageNo=1&pageSize=100'),
      { kind: 'xds', name: 'xds: endpoints', type: 'envoy.config.endpoint.v3.ClusterLoadAssignment', names: ['large'] },
      { kind: 'xds', name: 'xds: cluster', type: 'envoy.config.cluster.v3.Cluster', names: ['large'] },
      get('/prometheus/v1/sd'),
      { kind: 'dns', name: 'dns: SRV', host: 'large.service.consul', type: 'SRV' },
      { kind: 'dns', name: 'dns: A', host: 'large.service.consul', type: 'A' },
      { kind: 'dns', name: 'dns: A of a tag', host: 'v1.large.service.consul', type: 'A' },
      { kind: 'dnsOverTcp', name: 'dns: SRV over TCP', host: 'large.service.consul', code: 33 },
      watch('service', 'large'),
      get('/rollcall/v1/instances?service=large'),
      get('/rollcall/v1/instances?service=large&limit=100'),
      get('/rollcall/v1/nodes'),
      get('/rollcall/v1/nodes/one?name=node-1'),
      get('/rollcall/v1/health'),
      get('/rollcall/v1/service?name=large'),
      get('/rollcall/v1/overview'),
      get('/rollcall/v1/search?q=nothing-has-this'),
      get('/v1/agent/services'),
      get('/v1/health/connect/large'),
      get('/v1/catalog/service/large?near=node-7&tag=v1'),
      get('/v1/catalog/node-services/node-1'),
      get('/v0.1/servers'),
      get('/rollcall/v1/agents'),
      get('/rollcall/v1/clients'),
      get('/rollcall/v1/topology'),
      get('/metrics'),
      zookeeper('getChildren', { path: '/services/large', watch: false }, 'getChildren of the service'),
      zookeeper('getChildren2', { path: '/services', watch: true }, 'getChildren2 of all services'),
      put('/rollcall/v1/actions', { action: 'drain', instances: [{ service: 'large', node: 'node-1', id: 'large-1' }] }, { method: 'POST', name: 'POST /rollcall/v1/actions' }),
    ],
  },

  'routes': {
    what: '10,000 routes, of services with an instance each',
    async fill({ submit }) {
      await submit(many(10_000, (at) => register(`service-${at}`, at)));
      await submit(many(10_000, (at) => ({ kind: 'route-set', namespace, service: `service-${at}`, route: { timeoutMs: 1_000 + at, triesMax: 2 } })));
    },
    change: ({ submit, round }) => submit([{ kind: 'route-set', namespace, service: 'service-1', route: { timeoutMs: 500 + round } }]),
    requests: () => [
      get('/rollcall/v1/routes/list'),
      get('/rollcall/v1/routes?service=service-1'),
      watch('route', 'service-1'),
      { kind: 'stream', name: 'stream: watch of 1,000 routes', views: range(1_000, (at) => ({ kind: 'route', name: `service-${at}` })) },
      { kind: 'xds', name: 'xds: all clusters', type: 'envoy.config.cluster.v3.Cluster', names: [] },
      { kind: 'xds', name: 'xds: 1,000 routes', type: 'envoy.config.route.v3.RouteConfiguration', names: range(1_000, (at) => `service-${at}`) },
      get('/metrics'),
    ],
  },

  'services': {
    what: '10,000 services, 5 instances and a check of each',
    fill: ({ submit }) => submit(many(50_000, (at) => register(`service-${at % 10_000}`, at))),
    change: changedInstance('service-1'),
    requests: () => [
      get('/metrics'),
      get('/rollcall/v1/overview'),
      get('/rollcall/v1/health'),
      get('/rollcall/v1/search?q=service-9'),
      get('/rollcall/v1/search?q=nothing-has-this'),
      get('/rollcall/v1/topology'),
      get('/rollcall/v1/instances?service=service-1'),
      watch('services', ''),
      get('/v1/catalog/services'),
      get('/v1/internal/ui/services'),
      get('/eureka/apps', { headers: { accept: 'application/json' } }),
      get('/eureka/apps/delta', { headers: { accept: 'application/json' } }),
      get('/nacos/v1/ns/service/list?pageNo=1&pageSize=10000'),
      get('/nacos/v1/ns/catalog/services?pageNo=1&pageSize=500&hasIpCount=true&withInstances=true'),
      get('/nacos/v3/admin/ns/service/list?pageNo=1&pageSize=500'),
      get('/prometheus/v1/sd'),
      { kind: 'xds', name: 'xds: all clusters', type: 'envoy.config.cluster.v3.Cluster', names: [] },
      { kind: 'xds', name: 'xds: endpoints of 1,000 services', type: 'envoy.config.endpoint.v3.ClusterLoadAssignment', names: range(1_000, (at) => `service-${at}`) },
      { kind: 'dns', name: 'dns: SRV', host: 'service-1.service.consul', type: 'SRV' },
      zookeeper('getChildren', { path: '/services', watch: false }),
      get('/v0.1/servers'),
      get('/rollcall/v1/status'),
      get('/rollcall/v1/openapi.json'),
    ],
  },

  'webhooks': {
    what: '10,000 webhooks, 100 in each of 100 namespaces',
    async fill({ submit }) {
      await submit(many(100, (at) => ({ kind: 'namespace-put', name: `team-${at}` })));
      await submit(many(10_000, (at) => ({ kind: 'webhook-set', namespace: `team-${at % 100}`, name: `hook-${at}`, url: 'http://127.0.0.1:9/', secret: `whsec_${'A'.repeat(32)}`, events: ['service.empty', 'service.recovered'], disabled: at % 2 === 0 })));
      await submit(many(100, (at) => ({ ...register('web', at), namespace: `team-${at}` })));
    },
    change: ({ submit, round }) => submit([{ ...register('web', 1, { meta: { version: `1.${round}` } }), namespace: 'team-1' }]),
    requests: () => [
      get('/rollcall/v1/webhooks?namespace=team-1'),
      put('/v1/catalog/deregister', { Node: 'node-3' }),
      get('/v1/namespaces', {}),
      get('/rollcall/v1/config/pending'),
      get('/rollcall/v1/config/environments'),
      get('/metrics'),
    ],
  },

  'tokens': {
    what: '10,000 tokens, 10,000 policies and 1,000 roles',
    options: { acl: { initialManagement: managementToken } },
    async fill({ submit }) {
      await submit(many(10_000, (at) => ({ kind: 'record-put', namespace, type: 'acl-policy', id: uuid(at), value: { name: `policy-${at}`, description: '', rules: `service "service-${at}" { policy = "write" }`, datacenters: [] } })));
      await submit(many(1_000, (at) => ({ kind: 'record-put', namespace, type: 'acl-role', id: uuid(100_000 + at), value: { name: `role-${at}`, description: '', policies: [uuid(at)], serviceIdentities: [], nodeIdentities: [], templatedPolicies: [] } })));
      await submit(many(10_000, (at) => ({ kind: 'record-put', namespace, type: 'acl-token', id: uuid(200_000 + at), value: { secretHash: hash('sha256', `secret ${at}`), description: `token ${at}`, roles: [uuid(100_000 + (at % 1_000))], policies: [uuid(at)], serviceIdentities: [], nodeIdentities: [], templatedPolicies: [], local: false, authMethod: '', createdAtMs: 1_700_000_000_000, expiresAtMs: 0 } })));
      await submit(many(10_000, (at) => register(`service-${at}`, at)));
    },
    change: ({ submit, round }) => submit([{ kind: 'record-put', namespace, type: 'acl-policy', id: uuid(1), value: { name: 'policy-1', description: `${round}`, rules: 'service "service-1" { policy = "read" }', datacenters: [] } }]),
    requests() {
      const headers = { 'x-consul-token': managementToken };
      const few = { 'x-consul-token': 'secret 7' };
      return [
        get('/v1/acl/tokens', { headers }),
        get(`/v1/acl/tokens?policy=${uuid(1)}`, { headers }),
        get('/v1/acl/policies', { headers }),
        get('/v1/acl/roles', { headers }),
        get('/v1/acl/policy/name/policy-77', { headers }),
        get('/rollcall/v1/search?q=token', { headers }),
        get('/rollcall/v1/search?q=nothing-has-this', { headers }),
        put(`/v1/acl/policy/${uuid(5)}`, { Name: 'policy-5', Rules: 'service "a" { policy = "read" }' }, { headers }),
        put('/v1/acl/token', { Description: 'one more' }, { headers }),
        { ...put(`/v1/acl/policy/${uuid(6)}`, undefined, { headers, once: true }), name: 'DELETE /v1/acl/policy of one that a role uses', method: 'DELETE' },
        get('/v1/catalog/services', { headers: few, name: 'GET /v1/catalog/services, a token with one service' }),
        get('/v1/internal/ui/services', { headers: few, name: 'GET /v1/internal/ui/services, a token with one service' }),
        get('/rollcall/v1/overview', { headers: few, name: 'GET /rollcall/v1/overview, a token with one service' }),
        get('/rollcall/v1/access/who?resource=service&verb=write&name=service-1', { headers }),
        get('/metrics', { headers }),
      ];
    },
  },

  'past': {
    what: 'the past of 100,000 instances with a check each and 100,000 keys, all of which have changed since',
    options: {},
    async fill({ submit, server }) {
      await submit(many(100_000, (at) => register(at % 2 === 0 ? 'large' : `service-${at % 1_000}`, at)));
      await submit(many(100_000, (at) => kvPut(`app/${at}`, 'a value')));
      markedRevision = server.registry.state.revision;
      await submit(many(100_000, (at) => kvPut(`app/${at}`, 'another value')));
      await submit(many(100_000, (at) => ({ kind: 'update-checks', updates: [{ namespace, node: `node-${at % 1_000}`, id: `check-${at % 2 === 0 ? 'large' : `service-${at % 1_000}`}-${at}`, status: 'warning' }] })));
    },
    requests(server) {
      const at = () => markedRevision;
      return [
        past('/rollcall/v1/history/view?kind=services', at)(server),
        past('/rollcall/v1/history/view?kind=service&name=large', at)(server),
        past('/rollcall/v1/history/view?kind=prefix&name=app/', at)(server),
        past('/rollcall/v1/history/view?kind=key&name=app/7', at)(server),
        past('/rollcall/v1/health', at)(server),
        past('/rollcall/v1/nodes', at)(server),
        past('/rollcall/v1/instances?service=large', at)(server),
        past('/rollcall/v1/keys?prefix=app/', at)(server),
        past('/rollcall/v1/keys/count?prefix=app/', at)(server),
        past('/rollcall/v1/locks/list', at)(server),
        past('/rollcall/v1/config/list', at)(server),
        get(`/rollcall/v1/history/diff?from=r${markedRevision}&to=r${server.registry.state.revision}&limit=10000`),
        get('/rollcall/v1/history/strip?service=large&cells=2880'),
        get('/rollcall/v1/history/checks?service=large&node=node-2&id=large-2'),
        get('/rollcall/v1/history'),
      ];
    },
  },
};
