/** Prepared queries in Consul's format, for its API and its snapshots (`agent/structs/prepared_query.go`). Pure. */

import type { PreparedQuery, PreparedService } from '../../../registry/kind/query/rows.ts';

/** Consul's only kind of template. */
export const templateType = 'name_prefix_match';

/** The fields that both have in common. Each adds the id, the token and the indexes. */
export function queryFields({ name, session, template, service, ttl }: PreparedQuery) {
  const { type, pattern, removeEmptyTags } = template;
  return {
    Name: name,
    Session: session,
    Template: { Type: type === '' ? '' : templateType, Regexp: pattern, RemoveEmptyTags: removeEmptyTags },
    Service: serviceFields(service),
    DNS: { TTL: ttl },
  };
}

export function serviceFields({ failover, ...service }: PreparedService) {
  return {
    Service: service.name,
    ...(service.namespace === undefined ? {} : { Namespace: service.namespace }),
    Failover: {
      NearestN: failover.nearest,
      Datacenters: failover.datacenters,
      Targets: failover.targets?.map(({ peer, datacenter }) => ({ Peer: peer, Datacenter: datacenter })) ?? null,
    },
    OnlyPassing: service.onlyPassing,
    IgnoreCheckIDs: service.ignoredChecks,
    Near: service.near,
    Tags: service.tags,
    NodeMeta: service.nodeMeta,
    ServiceMeta: service.meta,
    Connect: service.connect,
  };
}
