/**
 * A list over all namespaces (`?ns=*`): the lists of each namespace that the caller may see, one after the other, as one. Which
 * routes have it, the route table says; they are those where Consul Enterprise takes the wildcard (`parseEntMeta` of Consul's
 * `agent/http.go`) and whose rows show their namespace.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { namespaceNames } from '../../../registry/kind/namespace/find.ts';
import { namespacesView } from '../../../registry/kind/namespace/views.ts';
import type { Reader } from '../../../registry/reader.ts';
import { order } from '../wire/slices.ts';
import type { Asked, ListQuery, Query } from './query.ts';

/** As `?ns` and the header have it. */
export const everyNamespace = '*';

/**
 * @param asked of a request for all namespaces
 * @param state names those that a waiting request watches; one that is created later wakes it, too
 * @param read makes the query for one namespace; it must be a list
 */
export function inEveryNamespace(asked: Omit<Asked, 'namespace' | 'named'>, state: Reader, read: (asked: Asked) => Query): ListQuery {
  const inOne = (namespace: string): ListQuery => {
    const query = read({ ...asked, namespace, named: true });
    if ('write' in query) return query;
    throw new Error(`${query.name} is no list, and cannot be one of all namespaces`);
  };
  const queries = [...namespaceNames(state)].map(inOne);
  const { filtered = false, shapedBy = [], shows, pretty, name } = inOne(defaultNamespace);
  return {
    view: namespacesView(),
    others: queries.flatMap(({ view, others = [] }) => [view, ...others]),
    name: `${name} and every other`,
    filtered,
    shapedBy,
    // A caller may have rights in some namespaces only, so only a caller with all of them sees all.
    shows: [...shows, 'namespace'],
    pretty,
    *write(frozen, visible, out) {
      out.open('[');
      for (const namespace of [...namespaceNames(frozen)].sort(order)) {
        if (namespace !== defaultNamespace && !visible.knows(namespace)) continue;
        out.join();
        yield* inOne(namespace).write(frozen, visible.within(namespace), out);
      }
      out.close();
    },
  };
}
