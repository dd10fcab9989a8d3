/** The description of routes. */

import { fieldsOf } from '../../fields.ts';
import type { Kind, Room } from '../../room.ts';
import { isOf } from '../../row.ts';
import type { RouteDelete, RouteSet } from './commands.ts';
import { deleteRoute, setRoute } from './decide.ts';
import { findRoute } from './find.ts';
import { routeBuckets, routeKey } from './keys.ts';
import type { RouteRow } from './rows.ts';
import { routesView, routeView } from './views.ts';

const route: Kind<RouteRow> = {
  format: 1,
  // A node of an older version serves no routes; nothing else depends on them.
  mayStayUnread: true,
  fields: fieldsOf<RouteRow>({ namespace: true, service: true, route: true }),
  key: ({ namespace, service }) => routeKey(namespace, service),
  keyFields: ['namespace', 'service'],
  buckets: ({ namespace }) => [routeBuckets.all(namespace)],
  keepsItsBuckets: () => true,
  addViews: ({ namespace }, views) => views.add(routesView(namespace)),
};

export const routeRoom = {
  name: 'route',
  kinds: { route },
  views: {
    routes: { shows: ({ namespace }, shown) => shown.has(routeBuckets.all(namespace)) },
    route: { revision: ({ namespace, name }, state) => findRoute(state, namespace, name)?.modified ?? state.keptRevision(routesView(namespace)) ?? state.floor },
  },
  decisions: {
    'route-set': { writes: true, conditionOn: ({ namespace, service }: RouteSet) => routeKey(namespace, service), decide: setRoute },
    'route-delete': { conditionOn: ({ namespace, service }: RouteDelete) => routeKey(namespace, service), decide: deleteRoute },
  },
  wakes: () => ({
    addForRow(row, _present, views) {
      if (isOf<RouteRow>(row, 'route')) views.add(routeView(row.namespace, row.service));
    },
  }),
} satisfies Room;
