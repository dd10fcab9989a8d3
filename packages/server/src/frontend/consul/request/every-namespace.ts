/**
 * Answers over all namespaces (`?ns=*`), for the routes where Consul Enterprise takes the wildcard (`parseEntMeta` of Consul's
 * `agent/http.go`). The route table says how each of them does it: `lists` joins the lists of all namespaces (this file);
 * `rows` is a query that puts rows of several namespaces into one object itself, by `placesOf`.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { order } from '../../../net/slices.ts';
import { namespaceNames } from '../../../registry/kind/namespace/find.ts';
import { namespacesView } from '../../../registry/kind/namespace/views.ts';
import type { Reader } from '../../../registry/reader.ts';
import type { Permission } from './permission.ts';
import { type Asked, everyNamespace, type ListQuery, type Query } from './query.ts';
import { oneNamespace } from './scope.ts';
import type { Shown, VisibilityFilter } from './visibility-filter.ts';

export interface OverAll {
  /** A request for all namespaces: `namespace` is the wildcard, and `all` are those that exist. */
  readonly asked: Asked;
  /** The permission of the route. It counts in each namespace by itself; a caller needs it in one of them at least. */
  readonly permission?: Permission | undefined;
}

/**
 * One list of the lists of all namespaces, one after the other. A namespace that is created later wakes a request that waits.
 * @param read makes the query for one namespace
 * @throws RegistryError `invalid_argument` if it is no list
 */
export function joinedLists({ asked, permission }: OverAll, read: (asked: Asked) => Query): ListQuery {
  const inOne = (namespace: string): ListQuery => {
    const query = read({ ...asked, namespace, all: undefined });
    if ('write' in query) return query;
    throw oneNamespace();
  };
  const queries = (asked.all ?? []).map(inOne);
  const { filtered = false, shapedBy = [], shows, pretty, name } = inOne(defaultNamespace);
  return {
    view: namespacesView(),
    others: [...new Set(queries.flatMap(({ view, others = [] }) => [view, ...others]))],
    name: `${name} and every other`,
    ...(permission === undefined ? {} : { permission: { ...permission, somewhere: true } }),
    filtered,
    shapedBy,
    shows: [...shows, 'namespace'],
    pretty,
    *write(frozen, visible, out) {
      let found = false;
      out.open('[');
      for (const place of placesOf(asked, frozen, visible)) {
        if (permission !== undefined && !place.visible.allows(permission)) continue;
        out.join();
        if ((yield* inOne(place.namespace).write(frozen, place.visible, out)) !== false) found = true;
      }
      out.close();
      return found ? undefined : false;
    },
  };
}

/** A namespace whose rows are in an answer, with the filter for them. */
export interface Place {
  readonly namespace: string;
  readonly visible: VisibilityFilter;
}

/** The namespace of the request, or all of which the caller may know, in order of their names. */
export function placesOf({ namespace }: Pick<Asked, 'namespace'>, state: Reader, visible: VisibilityFilter): Place[] {
  if (namespace !== everyNamespace) return [{ namespace, visible }];
  const names = [...namespaceNames(state)].filter((name) => name === defaultNamespace || visible.knows(name));
  return names.sort(order).map((name) => ({ namespace: name, visible: visible.within(name) }));
}

/** Views of an answer with one view in each namespace. One that is created later changes the list of all of them. */
export function viewsOf({ namespace, all }: Pick<Asked, 'namespace' | 'all'>, viewIn: (namespace: string) => string) {
  if (namespace !== everyNamespace) return { view: viewIn(namespace), others: [] };
  return { view: namespacesView(), others: (all ?? []).map(viewIn) };
}

/** A caller may have rights in some namespaces only, so only a caller with all of them sees all. */
export function showsOf({ namespace }: Pick<Asked, 'namespace'>, shown: readonly Shown[]): readonly Shown[] {
  return namespace === everyNamespace ? [...shown, 'namespace'] : shown;
}
