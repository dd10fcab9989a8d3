/** The catalog's description: nodes, instances and checks, the views that show them, and the services that they make up. */

import { buckets, find } from '../../reader.ts';
import type { Draft } from '../../draft.ts';
import type { Indexed, Kind, Lookup, Room, Shown } from '../../room.ts';
import { claimKey } from '../member/keys.ts';
import { keys, type CheckRow, type InstanceRow, type NodeRow, type ServiceRow } from '../../rows.ts';
import { headOf } from '../../heads.ts';
import { isSharedNode, viewOf, type ParsedView } from '../../view-name.ts';
import { decisions } from './decisions.ts';
import { CatalogTouches } from './touches.ts';
import { nodeRevision } from './node-revision.ts';
import { NodeWakes } from './node-wakes.ts';
import { ServiceIndex, servicesOf } from './service-index.ts';

const node: Kind<NodeRow> = {
  format: 2,
  key: ({ name }) => keys.node(name),
  buckets: ({ id }) => (id === '' ? [buckets.nodes()] : [buckets.nodes(), buckets.nodeWithId(id)]),
  addViews({ name }, views, _lookup, indexed) {
    views.add(viewOf.nodes());
    views.add(viewOf.sharedNode(name));
    servicesOf(indexed).addViewsOn(name, views);
  },
  // It is shown by every service on it.
  viewsHead: ({ name }) => headOf.node(name),
  ownHead: ({ name }) => headOf.node(name),
};

const instance: Kind<InstanceRow> = {
  format: 2,
  key: ({ namespace, node: of, id }) => keys.instance(namespace, of, id),
  buckets({ namespace, service, node: of, session }) {
    const names = [buckets.instancesOfService(namespace, service)];
    if (of !== '') names.push(buckets.instancesOnNode(namespace, of));
    if (session !== undefined) names.push(buckets.heldBySession(namespace, session));
    return names;
  },
  keepsItsBuckets: (before, after) => before.service === after.service && before.session === after.session,
  addViews({ namespace, service, node: of }, views) {
    views.add(viewOf.service(namespace, service));
    if (of !== '') views.add(viewOf.node(namespace, of));
  },
  keepsItsViews: (before, after) => before.service === after.service,
  longestView: ({ namespace, service: name }) => viewOf.service(namespace, name),
  ownHead: ({ namespace, node: of, id }) => (of === '' ? headOf.withoutNode(namespace, id) : undefined),
};

/** What a service says of itself; it may have no instance. */
const service: Kind<ServiceRow> = {
  format: 2,
  key: ({ namespace, name }) => keys.service(namespace, name),
  buckets: ({ namespace }) => [buckets.serviceRecords(namespace)],
  addViews({ namespace, name }, views) {
    views.add(viewOf.serviceRecord(namespace, name));
    views.add(viewOf.serviceRecords(namespace));
  },
};

const check: Kind<CheckRow> = {
  format: 2,
  key: ({ namespace, node: of, id }) => keys.check(namespace, of, id),
  buckets: ({ namespace, node: of, instance: own }) => [
    buckets.checksOnNode(namespace, of),
    buckets.checks(namespace),
    buckets.checksOfInstance(namespace, of, own),
  ],
  keepsItsBuckets: (before, after) => before.instance === after.instance,
  addViews(row, views, lookup, indexed) {
    views.add(viewOf.checks(row.namespace));
    if (row.instance === '') {
      views.add(viewOf.sharedNode(row.node));
      servicesOf(indexed).addViewsOn(row.node, views);
    } else {
      if (row.node !== '') views.add(viewOf.node(row.namespace, row.node));
      const own = find.instance(lookup, row.namespace, row.node, row.instance);
      if (own !== undefined) views.add(viewOf.service(row.namespace, own.service));
    }
  },
  keepsItsViews: (before, after) => before.instance === after.instance,
  viewsHead: (row) => (row.instance === '' ? headOf.node(row.node) : undefined),
  companion: claimKey,
};

const all = viewOf.catalog();

export const catalog: Room = {
  name: 'catalog',
  kinds: { node, service, instance, check },
  views: {
    services: { raises: all },
    service: {
      shows: ({ namespace, name }, shown) => shown.has(buckets.instancesOfService(namespace, name)),
      forgettable: true,
      raises: all,
    },
    'service-record': { shows: ({ namespace, name }, shown) => shown.get(keys.service(namespace, name)) !== undefined, forgettable: true },
    'service-records': { shows: ({ namespace }, shown) => shown.has(buckets.serviceRecords(namespace)) },
    nodes: { shows: (_view, shown) => shown.has(buckets.nodes()), raises: all },
    node: {
      shows: showsNode,
      forgettable: true,
      raises: all,
      // That of what all views of a node share is found from the few rows that it shows.
      isKept: (name) => !isSharedNode(name),
      partOf: ({ namespace, name }) => (namespace === '' ? undefined : viewOf.sharedNode(name)),
      revision: nodeRevision,
    },
    checks: { shows: ({ namespace }, shown) => shown.has(buckets.checks(namespace)), raises: all },
    // It follows the others; the marker that made it so new may be forgotten.
    catalog: { revision: (_view, state) => Math.max(state.keptRevision(all) ?? 0, state.floor) },
  },
  heads: {
    on: (_namespace, of) => (of === '' ? undefined : headOf.node(of)),
    'checks-on': (_namespace, of) => (of === '' ? undefined : headOf.node(of)),
    'checks-of': (namespace, of, id) => (of === '' ? headOf.withoutNode(namespace, id) : headOf.node(of)),
    'node-id': (id) => headOf.nodeId(id),
  },
  index: { of: ['instance'], make: () => new ServiceIndex() },
  decisions,
  touches: (base: Lookup & Indexed, draft: Draft) => new CatalogTouches(base, draft),
  wakes: () => new NodeWakes(),
};

function showsNode({ name }: ParsedView, shown: Shown): boolean {
  return shown.get(keys.node(name)) !== undefined;
}
