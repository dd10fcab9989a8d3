/** The catalog's description: nodes, instances and checks, the views that show them, and the services that they make up. */

import { fieldsOf } from '../../fields.ts';
import type { Draft } from '../../draft.ts';
import type { Removal } from '../../removal.ts';
import type { Indexed, Kind, Lookup, Room, Shown } from '../../room.ts';
import type { AnyRow } from '../../row.ts';
import type { ParsedView } from '../../view-name.ts';
import { claimKey } from '../member/keys.ts';
import { namespaceNames } from '../namespace/find.ts';
import { sessionsOnNode } from '../session/find.ts';
import { sessionBuckets, sessionKey } from '../session/keys.ts';
import { decisions } from './decisions.ts';
import { lapsed } from './departures.ts';
import { checksOfInstance, checksOnNode, findInstance, instancesOnNode } from './find.ts';
import { catalogBuckets, checkKey, departureKey, departuresKeptKey, instanceKey, nodeHead, nodeIdHead, nodeKey, serviceKey, withoutNodeHead } from './keys.ts';
import { nodeRevision } from './node-revision.ts';
import { NodeWakes } from './node-wakes.ts';
import { removeCheck, removeInstance, removeNode } from './remove.ts';
import type { CheckRow, DepartureRow, DeparturesKeptRow, InstanceRow, NodeRow, ServiceRow } from './rows.ts';
import { ServiceIndex, servicesOf } from './service-index.ts';
import { CatalogTouches } from './touches.ts';
import { catalogView, checksView, isSharedNode, nodeView, nodesView, serviceRecordView, serviceRecordsView, serviceView, sharedNodeView } from './views.ts';

const node: Kind<NodeRow> = {
  format: 2,
  fields: fieldsOf<NodeRow>({ name: true, id: true, address: true, meta: true, foreign: true }),
  key: ({ name }) => nodeKey(name),
  keyFields: ['name'],
  buckets: ({ id }) => (id === '' ? [catalogBuckets.nodes()] : [catalogBuckets.nodes(), catalogBuckets.nodeWithId(id)]),
  addViews({ name }, views, _lookup, indexed) {
    views.add(nodesView());
    views.add(sharedNodeView(name));
    servicesOf(indexed).addViewsOn(name, views);
  },
  // Every service on the node shows it.
  viewsHead: ({ name }) => nodeHead(name),
  ownHead: ({ name }) => nodeHead(name),
  dependents: ({ name }, lookup) => onNode(lookup, name),
  remove: ({ name }, removal: Removal) => removeNode(removal, { node: name }),
};

const instance: Kind<InstanceRow> = {
  format: 2,
  fields: fieldsOf<InstanceRow>({
    namespace: true, node: true, id: true, service: true, address: true, port: true, scheme: true,
    ports: true, zone: true, region: true, cluster: true, tags: true, meta: true, weight: true,
    warningWeight: true, status: true, override: true, weightOverride: true, overridden: true, enabled: true, persistent: true,
    registeredMs: true, changedMs: true, session: true, foreign: true,
  }),
  key: ({ namespace, node: of, id }) => instanceKey(namespace, of, id),
  keyFields: ['namespace', 'node', 'id'],
  buckets({ namespace, service, node: of, session }) {
    const names = [catalogBuckets.instancesOfService(namespace, service)];
    if (of !== '') names.push(catalogBuckets.instancesOnNode(namespace, of));
    if (session !== undefined) names.push(sessionBuckets.held(namespace, session));
    return names;
  },
  keepsItsBuckets: (before, after) => before.service === after.service && before.session === after.session,
  addViews({ namespace, service, node: of }, views) {
    views.add(serviceView(namespace, service));
    if (of !== '') views.add(nodeView(namespace, of));
  },
  keepsItsViews: (before, after) => before.service === after.service,
  longestView: ({ namespace, service: name }) => serviceView(namespace, name),
  ownHead: ({ namespace, node: of, id }) => (of === '' ? withoutNodeHead(namespace, id) : undefined),
  parents: ({ namespace, node: of, session }) => [
    ...(of === '' ? [] : [nodeKey(of)]),
    ...(session === undefined ? [] : [sessionKey(namespace, session)]),
  ],
  dependents: ({ namespace, node: of, id }, lookup) => checksOfInstance(lookup, namespace, of, id),
  remove: ({ namespace, node: of, id }, removal: Removal) => removeInstance(removal, namespace, of, id),
};

/** The record of a service, which may have no instance. */
const service: Kind<ServiceRow> = {
  format: 2,
  fields: fieldsOf<ServiceRow>({ namespace: true, name: true, meta: true, protectThreshold: true, foreign: true }),
  key: ({ namespace, name }) => serviceKey(namespace, name),
  keyFields: ['namespace', 'name'],
  buckets: ({ namespace }) => [catalogBuckets.serviceRecords(namespace)],
  addViews({ namespace, name }, views) {
    views.add(serviceRecordView(namespace, name));
    views.add(serviceRecordsView(namespace));
  },
};

const check: Kind<CheckRow> = {
  format: 2,
  fields: fieldsOf<CheckRow>({
    namespace: true, node: true, id: true, name: true, status: true, notes: true, output: true,
    instance: true, type: true, definition: true, holder: true, foreign: true,
  }),
  key: ({ namespace, node: of, id }) => checkKey(namespace, of, id),
  keyFields: ['namespace', 'node', 'id'],
  buckets: ({ namespace, node: of, instance: own }) => [
    catalogBuckets.checksOnNode(namespace, of),
    catalogBuckets.checks(namespace),
    catalogBuckets.checksOfInstance(namespace, of, own),
  ],
  keepsItsBuckets: (before, after) => before.instance === after.instance,
  addViews(row, views, lookup, indexed) {
    views.add(checksView(row.namespace));
    if (row.instance === '') {
      views.add(sharedNodeView(row.node));
      servicesOf(indexed).addViewsOn(row.node, views);
    } else {
      if (row.node !== '') views.add(nodeView(row.namespace, row.node));
      const own = findInstance(lookup, row.namespace, row.node, row.instance);
      if (own !== undefined) views.add(serviceView(row.namespace, own.service));
    }
  },
  keepsItsViews: (before, after) => before.instance === after.instance,
  viewsHead: (row) => (row.instance === '' ? nodeHead(row.node) : undefined),
  companion: claimKey,
  parents: ({ namespace, node: of, instance: own }) => [own === '' ? nodeKey(of) : instanceKey(namespace, of, own)],
  remove: ({ namespace, node: of, id }, removal: Removal) => removeCheck(removal, namespace, of, id),
};

const departure: Kind<DepartureRow> = {
  format: 1,
  mayStayUnread: true,
  key: ({ namespace, service: of, node: on, id }) => departureKey(namespace, of, on, id),
  keyFields: ['namespace', 'service', 'node', 'id'],
  unseen: true,
  buckets: ({ namespace }) => [catalogBuckets.departures(namespace)],
  lapsed,
  notRestored: true,
};

const departuresKept: Kind<DeparturesKeptRow> = {
  format: 1,
  mayStayUnread: true,
  key: ({ namespace }) => departuresKeptKey(namespace),
  unseen: true,
  keyFields: ['namespace'],
  notRestored: true,
};

const all = catalogView();

export const catalog = {
  name: 'catalog',
  kinds: { node, service, instance, check, departure, 'departures-kept': departuresKept },
  views: {
    services: { raises: all },
    service: {
      shows: ({ namespace, name }, shown) => shown.has(catalogBuckets.instancesOfService(namespace, name)),
      forgettable: true,
      raises: all,
    },
    'service-record': { shows: ({ namespace, name }, shown) => shown.get(serviceKey(namespace, name)) !== undefined, forgettable: true },
    'service-records': { shows: ({ namespace }, shown) => shown.has(catalogBuckets.serviceRecords(namespace)) },
    nodes: { shows: (_view, shown) => shown.has(catalogBuckets.nodes()), raises: all },
    node: {
      shows: showsNode,
      forgettable: true,
      raises: all,
      // The revision of the part that all views of a node share follows from the few rows of that part.
      isKept: (name) => !isSharedNode(name),
      partOf: ({ namespace, name }) => (namespace === '' ? undefined : sharedNodeView(name)),
      revision: nodeRevision,
    },
    checks: { shows: ({ namespace }, shown) => shown.has(catalogBuckets.checks(namespace)), raises: all },
    // It follows the others; the marker that made it so new may be forgotten.
    catalog: { revision: (_view, state) => Math.max(state.keptRevision(all) ?? 0, state.floor) },
  },
  heads: {
    on: (_namespace, of) => (of === '' ? undefined : nodeHead(of)),
    'checks-on': (_namespace, of) => (of === '' ? undefined : nodeHead(of)),
    'checks-of': (namespace, of, id) => (of === '' ? withoutNodeHead(namespace, id) : nodeHead(of)),
    'node-id': (id) => nodeIdHead(id),
    'with-node': (of) => nodeHead(of),
  },
  index: { of: ['instance'], make: () => new ServiceIndex() },
  decisions,
  touches: (base: Lookup & Indexed, draft: Draft) => new CatalogTouches(base, draft),
  wakes: () => new NodeWakes(),
} satisfies Room;

/** Everything on a node, in every namespace. */
function* onNode(lookup: Lookup, name: string): Generator<AnyRow, void, undefined> {
  for (const namespace of namespaceNames(lookup)) {
    yield* instancesOnNode(lookup, namespace, name);
    yield* checksOnNode(lookup, namespace, name);
    yield* sessionsOnNode(lookup, namespace, name);
  }
  yield* lookup.bucket(catalogBuckets.boundToNode(name));
}

function showsNode({ name }: ParsedView, shown: Shown): boolean {
  return shown.get(nodeKey(name)) !== undefined;
}
