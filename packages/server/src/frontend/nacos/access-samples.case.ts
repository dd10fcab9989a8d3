/**
 * Requests for the access matrix: one for each method of each route. The matrix fails while a route has no sample, so every new
 * route needs an entry here.
 */

import type { Fields } from './nacos.case.ts';

export interface Sample {
  readonly fields?: Fields;
  /** Status for callers with the right; 200 by default. */
  readonly ok?: number;
  /** Status for callers who may write what the route is about; `ok` by default. */
  readonly written?: number;
}

const at = { serviceName: 'web', ip: '10.0.0.1', port: 80 };
const service = { serviceName: 'web' };
const page = { pageNo: 1, pageSize: 10 };
const config = { dataId: 'app.yaml', group: 'G' };
const listening = { 'Listening-Configs': 'app.yaml\u0002G\u0002old\u0001' };
const manual = { serviceName: 'manual', ip: '10.0.0.2', port: 80, healthy: true };
const cluster = { serviceName: 'manual', clusterName: 'DEFAULT', checkPort: 80, useInstancePort4Check: true, healthChecker: '{"type":"NONE"}' };
const team = { namespaceId: 'made', customNamespaceId: 'made', namespaceName: 'made', namespace: 'made', namespaceShowName: 'made' };
const batch = { serviceName: 'web', metadata: '{"k":"v"}' };
const none: Sample = {};

const instance = {
  POST: { fields: { ...at, metadata: '{"k":"v"}' } },
  DELETE: { fields: { ...at, ip: '10.0.0.99' } },
  PUT: { fields: { ...at, weight: 2 } },
  PATCH: { fields: { ...at, weight: 2 } },
  GET: { fields: at },
};
const serviceCrud = { POST: { fields: { serviceName: 'fresh' } }, PUT: { fields: { ...service, protectThreshold: 0.1 } }, DELETE: { fields: { serviceName: 'fresh' } }, GET: { fields: service } };
const configCrud = { GET: { fields: config }, POST: { fields: { ...config, content: 'x' } }, DELETE: { fields: { ...config, dataId: 'gone' } } };
const history = { GET: { fields: { ...config, nid: 1 } } };
const previous = { GET: { fields: { ...config, id: 2 } } };
const namespaces = { POST: { fields: team }, PUT: { fields: team }, DELETE: { fields: team } };
const metadata = { PUT: { fields: batch }, DELETE: { fields: batch } };
const login = { POST: { fields: { username: 'x', password: 'no token' }, ok: 403 } };
const services = { GET: { fields: { ...page, groupNameParam: '', serviceNameParam: '' } } };

const tables: Readonly<Record<string, Readonly<Record<string, Sample>>>> = {
  '/v1/ns/instance': instance,
  '/v1/ns/instance/list': { GET: { fields: service } },
  '/v1/ns/instance/beat': { PUT: { fields: at } },
  '/v1/ns/instance/statuses': { GET: { fields: { key: 'web' } } },
  '/v1/ns/instance/metadata/batch': metadata,
  '/v1/ns/service': serviceCrud,
  '/v1/ns/service/list': { GET: { fields: page } },
  '/v1/ns/service/subscribers': { GET: { fields: service } },
  '/v1/ns/catalog/services': services,
  '/v1/ns/catalog/service': { GET: { fields: service } },
  '/v1/ns/catalog/instances': { GET: { fields: { ...service, ...page } } },
  '/v1/ns/cluster': { PUT: { fields: cluster } },
  '/v1/ns/health/instance': { PUT: { fields: manual } },
  '/v1/ns/health': { PUT: { fields: manual } },
  '/v1/ns/operator/metrics': { GET: none },
  '/v1/ns/operator/switches': { GET: none },
  '/v1/cs/configs': configCrud,
  '/v1/cs/configs/listener': { POST: { fields: listening }, GET: { fields: config } },
  '/v1/cs/history': history,
  '/v1/cs/history/previous': previous,
  '/v1/cs/health': { GET: none },
  '/v1/console/namespaces': { ...namespaces, GET: none },
  '/v1/console/server/state': { GET: none },
  '/v1/console/health/liveness': { GET: none },
  '/v1/console/health/readiness': { GET: none },
  '/v1/auth/login': login,
  '/v1/auth/users/login': login,
  '/v3/auth/user/login': login,
  '/v2/ns/instance': instance,
  '/v2/ns/instance/list': { GET: { fields: service } },
  '/v2/ns/instance/beat': { PUT: { fields: at } },
  '/v2/ns/instance/metadata/batch': metadata,
  '/v2/ns/service': serviceCrud,
  '/v2/ns/service/list': { GET: { fields: page } },
  '/v2/ns/service/subscribers': { GET: { fields: service } },
  '/v2/ns/catalog/instances': { GET: { fields: { ...service, ...page } } },
  '/v2/ns/health/instance': { PUT: { fields: manual } },
  '/v2/ns/operator/metrics': { GET: none },
  '/v2/ns/operator/switches': { GET: none },
  '/v2/cs/config': configCrud,
  '/v2/cs/config/searchDetail': { GET: { fields: page } },
  '/v2/cs/history/list': { GET: { fields: config } },
  '/v2/cs/history': history,
  '/v2/cs/history/previous': previous,
  '/v2/console/namespace/list': { GET: none },
  '/v2/console/namespace': { ...namespaces, GET: none },
  '/v2/console/health/liveness': { GET: none },
  '/v2/console/health/readiness': { GET: none },
  '/v3/client/ns/instance': { POST: instance.POST, DELETE: instance.DELETE },
  '/v3/client/ns/instance/list': { GET: { fields: service } },
  '/v3/client/cs/config': { GET: { fields: config } },
  '/v3/admin/ns/instance': instance,
  '/v3/admin/ns/instance/partial': { PUT: instance.PUT },
  '/v3/admin/ns/instance/list': { GET: { fields: service } },
  '/v3/admin/ns/instance/metadata/batch': metadata,
  '/v3/admin/ns/service': serviceCrud,
  '/v3/admin/ns/service/list': services,
  '/v3/admin/ns/service/subscribers': { GET: { fields: service } },
  '/v3/admin/ns/cluster': { PUT: { fields: cluster } },
  '/v3/admin/ns/health/instance': { PUT: { fields: manual } },
  '/v3/admin/ns/ops/metrics': { GET: none },
  '/v3/admin/ns/ops/switches': { GET: none },
  '/v3/admin/cs/config': configCrud,
  '/v3/admin/cs/config/list': { GET: { fields: page } },
  '/v3/admin/cs/config/beta': { GET: { fields: config }, DELETE: { fields: config } },
  '/v3/admin/cs/config/listener': { GET: { fields: config } },
  '/v3/admin/cs/history/list': { GET: { fields: config } },
  '/v3/admin/cs/history': history,
  '/v3/admin/cs/history/previous': previous,
  '/v3/admin/core/namespace/list': { GET: none },
  '/v3/admin/core/namespace/check': { GET: { fields: { namespaceId: 'public' } } },
  '/v3/admin/core/namespace': { ...namespaces, GET: none },
  '/v3/admin/core/state': { GET: none },
  '/v3/admin/core/state/liveness': { GET: none },
  '/v3/admin/core/state/readiness': { GET: none },
  '/v3/console/health/liveness': { GET: none },
  '/v3/console/health/readiness': { GET: none },
  '/v3/auth/user/admin': { POST: none },
};

/** By method and path. */
export const samples: ReadonlyMap<string, Sample> = new Map(
  Object.entries(tables).flatMap(([path, methods]) => Object.entries(methods).map(([method, sample]): [string, Sample] => [`${method} ${path}`, sample])),
);
