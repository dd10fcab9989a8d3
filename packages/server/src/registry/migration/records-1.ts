/**
 * Records of format 1 that were kept in Consul's words: prepared queries and network coordinates. Converts them to rows of
 * their kinds. Pure.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { NodeCoordinate } from '../kind/coordinate/rows.ts';
import type { PreparedQuery } from '../kind/query/rows.ts';

/** Types of the records that are rows of another kind today. */
export const queryType1 = 'consul-query';
export const coordinateType1 = 'consul-coordinate';

interface Record1 {
  readonly type: string;
  readonly id: string;
  readonly value: unknown;
}

/** The kind and the fields of the row that a record is today; undefined for one that is a record still. */
export function rowOfRecord({ type, id, value }: Record1): Record<string, unknown> | undefined {
  if (type === queryType1) return { kind: 'query', namespace: defaultNamespace, id, query: queryOf(value as Query1) };
  if (type === coordinateType1) return { kind: 'coordinate', node: id, ...coordinateOf(value as Coordinate1) };
  return undefined;
}

interface Query1 {
  readonly Name: string;
  readonly Session: string;
  readonly Accessor?: string;
  readonly Template: { readonly Type: string; readonly Regexp: string; readonly RemoveEmptyTags: boolean };
  readonly Service: {
    readonly Service: string;
    readonly Failover: {
      readonly NearestN: number;
      readonly Datacenters: readonly string[] | null;
      readonly Targets: readonly { readonly Peer: string; readonly Datacenter: string }[] | null;
    };
    readonly OnlyPassing: boolean;
    readonly IgnoreCheckIDs: readonly string[];
    readonly Near: string;
    readonly Tags: readonly string[];
    readonly NodeMeta: Readonly<Record<string, string>>;
    readonly ServiceMeta: Readonly<Record<string, string>>;
    readonly Connect: boolean;
  };
  readonly DNS: { readonly TTL: string };
}

function queryOf({ Name, Session, Accessor, Template, Service, DNS }: Query1): PreparedQuery {
  const { NearestN, Datacenters, Targets } = Service.Failover;
  return {
    name: Name,
    session: Session,
    ...(Accessor === undefined ? {} : { accessor: Accessor }),
    template: { type: Template.Type === '' ? '' : 'prefix', pattern: Template.Regexp, removeEmptyTags: Template.RemoveEmptyTags },
    service: {
      name: Service.Service,
      failover: {
        nearest: NearestN,
        datacenters: Datacenters,
        targets: Targets?.map(({ Peer, Datacenter }) => ({ peer: Peer, datacenter: Datacenter })) ?? null,
      },
      onlyPassing: Service.OnlyPassing,
      ignoredChecks: Service.IgnoreCheckIDs,
      near: Service.Near,
      tags: Service.Tags,
      nodeMeta: Service.NodeMeta,
      meta: Service.ServiceMeta,
      connect: Service.Connect,
    },
    ttl: DNS.TTL,
  };
}

interface Coordinate1 {
  readonly Segment: string;
  readonly Coord: { readonly Vec: readonly number[]; readonly Error: number; readonly Adjustment: number; readonly Height: number };
}

function coordinateOf({ Segment, Coord: { Vec, Error, Adjustment, Height } }: Coordinate1): NodeCoordinate {
  return { segment: Segment, vector: Vec, error: Error, adjustment: Adjustment, height: Height };
}
