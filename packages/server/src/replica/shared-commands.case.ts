/** Commands and questions about their effect, in few words: for the cases of a shared engine. */

import { allNodes, findCheck, findInstance, findNode, instancesOfService } from '../registry/kind/catalog/find.ts';
import { checksView, nodeView, nodesView, serviceView, servicesView } from '../registry/kind/catalog/views.ts';
import { findKv, kvKeysUnder } from '../registry/kind/kv/find.ts';
import { tombstoneKey } from '../registry/kind/kv/keys.ts';
import { keyView, prefixView } from '../registry/kind/kv/views.ts';
import { findNamespace } from '../registry/kind/namespace/find.ts';
import { allCoordinates } from '../registry/kind/coordinate/find.ts';
import { allQueries } from '../registry/kind/query/find.ts';
import { findSession } from '../registry/kind/session/find.ts';
import { sessionsView } from '../registry/kind/session/views.ts';
import type { Command } from '../registry/kinds.ts';
import { markerKey } from '../registry/markers.ts';
import { servicesOf } from '../registry/kind/catalog/service-index.ts';
import type { State } from '../registry/state.ts';
import type { Views } from '../registry/views.ts';

const namespace = 'default';

type Condition = Extract<Command, { kind: 'kv-put' }>['condition'];
type Instance = NonNullable<Extract<Command, { kind: 'register' }>['instances']>[number];
type Check = NonNullable<Extract<Command, { kind: 'register' }>['checks']>[number];

const put = (key: string, value: string, condition?: Condition) =>
  ({ kind: 'kv-put', namespace, key, value: Buffer.from(value), flags: 0n, ...(condition && { condition }) }) as const;

const register = (node: string, id: string, instance: Partial<Instance> = {}) =>
  ({
    kind: 'register',
    namespace,
    node: { name: node, address: '10.0.0.1' },
    nodeMode: 'ensure',
    instances: [{ id, service: 'web', port: 80, ...instance }],
  }) as const;

export const say = {
  put,
  cas: (key: string, value: string, revision: number) => put(key, value, { kind: 'cas', revision }),
  acquire: (key: string, session: string) => put(key, session, { kind: 'acquire', session }),
  remove: (key: string, cas?: number) => ({ kind: 'kv-delete', namespace, key, ...(cas === undefined ? {} : { cas }) }) as const,
  removeTree: (prefix: string) => ({ kind: 'kv-delete-tree', namespace, prefix }) as const,
  node: (name: string, { address = '10.0.0.1', id }: { readonly address?: string; readonly id?: string } = {}) =>
    ({ kind: 'register', namespace, node: { name, address, ...(id === undefined ? {} : { id }) }, nodeMode: 'update' }) as const,
  instance: register,
  check: (node: string, id: string, check: Partial<Check> = {}) =>
    ({
      kind: 'register',
      namespace,
      node: { name: node, address: '10.0.0.1' },
      nodeMode: 'ensure',
      checks: [{ id, name: id, status: 'passing', ...check }],
    }) as const,
  /** An instance with exactly these checks. */
  replace: (node: string, id: string, checks: readonly Check[]) => ({ ...register(node, id), checks, replaceChecks: true }) as const,
  status: (node: string, id: string, status: 'passing' | 'critical') => ({ kind: 'update-checks', updates: [{ namespace, node, id, status }] }) as const,
  coordinate: (node: string) =>
    ({ kind: 'coordinate-put', node, coordinate: { segment: '', vector: [0, 0, 0, 0, 0, 0, 0, 0], error: 1, adjustment: 0, height: 0 } }) as const,
  deregisterNode: (node: string) => ({ kind: 'deregister-node', node }) as const,
  deregisterInstance: (node: string, id: string) => ({ kind: 'deregister-instance', namespace, node, id }) as const,
  deregisterCheck: (node: string, id: string) => ({ kind: 'deregister-check', namespace, node, id }) as const,
  session: (id: string, node: string, checks: readonly string[] = []) =>
    ({
      kind: 'session-create',
      namespace,
      checks: checks.map((check) => ({ namespace, id: check })),
      ...{ id, node, name: '', liveness: 'ttl', ttlMs: 0, lockDelayMs: 0, behavior: 'release' },
    }) as const,
  lock: (name: string, id: string, wait = true) => ({ kind: 'lock-acquire', namespace, name, id, session: id, limit: 1, wait }) as const,
  unlock: (name: string, id: string) => ({ kind: 'lock-release', namespace, name, id, session: id }) as const,
  destroy: (id: string) => ({ kind: 'session-destroy', namespace, id }) as const,
  query: (id: string, name: string) =>
    ({
      kind: 'query-put',
      namespace,
      id,
      update: false,
      query: {
        name,
        session: '',
        template: { type: '', pattern: '', removeEmptyTags: false },
        service: {
          ...{ name: 'web', onlyPassing: false, ignoredChecks: [], near: '', tags: [], nodeMeta: {}, meta: {}, connect: false },
          failover: { nearest: 0, datacenters: null, targets: null },
        },
        ttl: '',
      },
    }) as const,
  readTree: (prefix: string) => ({ kind: 'txn', operations: [{ read: { kind: 'kv', namespace, prefix } }] }) as const,
  readTreeAndPut: (prefix: string, key: string, value: string) =>
    ({ kind: 'txn', operations: [{ read: { kind: 'kv', namespace, prefix } }, { change: put(key, value) }] }) as const,
  namespace: (name: string) => ({ kind: 'namespace-put', name }) as const,
  deleteNamespace: (name: string) => ({ kind: 'namespace-delete', name }) as const,
  putIn: (name: string, key: string, value: string) => ({ ...put(key, value), namespace: name }) as const,
  prune: (recordKeys: readonly string[]) => ({ kind: 'prune', keys: recordKeys }) as const,
} satisfies Record<string, (...args: never[]) => Command>;

export const see = {
  value: (state: State, key: string) => {
    const row = findKv(state, namespace, key);
    return row && Buffer.from(row.value).toString();
  },
  holder: (state: State, key: string) => findKv(state, namespace, key)?.session,
  keys: (state: State, prefix: string) => [...kvKeysUnder(state, namespace, prefix)],
  revisionOf: (state: State, key: string) => findKv(state, namespace, key)?.modified ?? 0,
  node: (state: State, name: string) => findNode(state, name),
  nodesWithId: (state: State, id: string) => Array.from(allNodes(state)).filter((node) => node.id === id),
  instance: (state: State, node: string, id: string) => findInstance(state, namespace, node, id),
  instances: (state: State, service: string) => Array.from(instancesOfService(state, namespace, service), ({ id }) => id),
  tags: (state: State, service: string) => [...servicesOf(state).tagsOf(namespace, service)],
  check: (state: State, node: string, id: string) => findCheck(state, namespace, node, id),
  session: (state: State, id: string) => findSession(state, namespace, id),
  namespace: (state: State, name: string) => findNamespace(state, name),
  keysIn: (state: State, name: string) => [...kvKeysUnder(state, name, '')],
  coordinates: (state: State) => Array.from(allCoordinates(state), ({ node }) => node),
  queries: (state: State) => Array.from(allQueries(state, namespace)),
};

export const view = {
  catalog: () => servicesView(namespace),
  service: (name: string) => serviceView(namespace, name),
  node: (name: string) => nodeView(namespace, name),
  key: (key: string) => keyView(namespace, key),
  prefix: (prefix: string) => prefixView(namespace, prefix),
  nodes: () => nodesView(),
  checks: () => checksView(namespace),
};

export const recordKey = { serviceView: (name: string) => markerKey(serviceView(namespace, name)), tombstone: (key: string) => tombstoneKey(namespace, key) };

/** Everything that a state and its views say, for comparison between nodes. */
export function everything({ state, views }: { readonly state: State; readonly views: Views }): unknown {
  const rows = Array.from(state.rows()).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const names = new Set([servicesView(namespace), nodesView(), checksView(namespace), sessionsView(namespace), prefixView(namespace, '')]);
  for (const [, row] of rows) {
    if (row.kind === 'view') names.add(row.view);
    if (row.kind === 'node') names.add(nodeView(namespace, row.name));
    if (row.kind === 'instance') names.add(serviceView(namespace, row.service));
  }
  return { revision: state.revision, rows, views: Array.from(names).toSorted().map((name) => [name, views.revision(name)]) };
}
