/**
 * Names of resources. Every resource of a service has the name of the service, so that `xds:///orders` finds its listener and Envoy its cluster.
 *
 *   orders             the service in the namespace of the stream
 *   orders.team-a.ns   the service in the namespace team-a, as in DNS: `xds:///orders.team-a.ns`
 *   orders~canary      the cluster and the endpoints of its canary, while it has one; orders~stable those of the rest
 *
 * Clients of gRPC use the name as the authority of their requests, which may have no slash. No service that is registered through the native
 * stream has a tilde in its name; one whose own name ends like a namespace is found with the namespace behind it.
 */

import { isNamespaceName } from '@rollcall/protocol';

/** The part of a service's instances that a cluster has. */
export const groups = ['all', 'canary', 'stable'] as const;
export type Group = (typeof groups)[number];

export interface Target {
  readonly namespace: string;
  readonly service: string;
  readonly group: Group;
  /** The name without the group: that of the listener and of the routes. */
  readonly base: string;
}

/** @param home the namespace of names without one */
export function readName(name: string, home: string): Target {
  const [base, group] = splitGroup(name);
  const [, service = '', namespace = ''] = /^(.+)\.([^.]+)\.ns$/.exec(base) ?? [];
  if (isNamespaceName(namespace)) return { namespace, service, group, base };
  return { namespace: home, service: base, group, base };
}

/** The name of the cluster of a group. */
export function clusterName(base: string, group: Group): string {
  return group === 'all' ? base : `${base}~${group}`;
}

function splitGroup(name: string): [string, Group] {
  const at = name.lastIndexOf('~');
  const group = groups.find((each) => each !== 'all' && each === name.slice(at + 1));
  return at < 0 || group === undefined ? [name, 'all'] : [name.slice(0, at), group];
}
