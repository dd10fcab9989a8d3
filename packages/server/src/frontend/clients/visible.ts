/**
 * What a caller may see of a client and of an edge. Pure.
 *
 * A client shows what its watcher could ask for himself: watches, releases and picks of what the caller may read, and instances of services that
 * the caller may read. Its address and its token are the business of operators. A client of which nothing is left is shown to operators only.
 */

import type { ListedClient, TopologyEdge } from '@rollcall/protocol';
import type { ClientLine } from '../../clients/question.ts';
import { resourceOfView } from '../../net/view-items/resource.ts';
import type { Authorizer, Resource } from '../../security/authorizer.ts';

/** @returns undefined when the caller may see nothing of it */
export function visibleClient(authorizer: Authorizer, client: ClientLine): ListedClient | undefined {
  const isOperator = authorizer.allows(client.namespace, 'operator', 'read', '');
  const mayRead = (resource: Resource, { namespace, name }: { readonly namespace: string; readonly name: string }) => authorizer.allows(namespace, resource, 'read', name);
  const ofService = ({ namespace, service }: { readonly namespace: string; readonly service: string }) => authorizer.allows(namespace, 'service', 'read', service);
  const watches = client.watches.filter((watch) => watch.kind === 'services' || mayRead(watch.kind === 'znode' ? 'znode' : resourceOfView(watch.kind), watch));
  const instances = client.instances.filter(ofService);
  if (!isOperator && instances.length === 0 && !watches.some(({ kind }) => kind !== 'services')) return undefined;
  const { address, principal, ...shown } = client;
  const isWhole = watches.length === client.watches.length && instances.length === client.instances.length;
  return {
    ...shown,
    ...(isOperator && address !== undefined ? { address } : {}),
    ...(isOperator && principal !== undefined ? { principal } : {}),
    ...{ instances, watches },
    // The number of what is hidden would say how much there is.
    ...(isWhole && isOperator ? {} : { instanceCount: instances.length, watchCount: watches.length }),
    releases: client.releases.filter((release) => mayRead('config', release)),
    picks: client.picks.filter(ofService),
    can: isOperator ? ['read', 'inspect'] : ['read'],
  };
}

/** Both ends must be readable; a client that is no service is a name that who reads the service sees. */
export function isVisibleEdge(authorizer: Authorizer, { fromKind, fromNamespace, from, toNamespace, to }: TopologyEdge): boolean {
  return authorizer.allows(toNamespace, 'service', 'read', to) && (fromKind === 'client' || authorizer.allows(fromNamespace, 'service', 'read', from));
}
