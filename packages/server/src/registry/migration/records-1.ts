/**
 * Records of format 1 that were kept in Consul's words: prepared queries and network coordinates. Converts their values
 * to Rollcall's own words. Pure.
 */

import { coordinateType, type NodeCoordinate } from '../kind/coordinate/coordinate.ts';
import type { PreparedQuery } from '../kind/query/rows.ts';
import { queryType } from '../kind/record/bound.ts';

interface Typed {
  readonly type: string;
  readonly value: unknown;
}

/** The type and the value of a record as they are today. */
export function recordOf({ type, value }: Typed): Typed {
  switch (type) {
    case 'consul-query':
      return { type: queryType, value: queryOf(value as Query1) };
    case 'consul-coordinate':
      return { type: typeOf(type), value: coordinateOf(value as Coordinate1) };
    default:
      return { type, value };
  }
}

/** What a type of record is called today. */
export function typeOf(type: string): string {
  return type === 'consul-query' ? queryType : type === 'consul-coordinate' ? coordinateType : type;
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
