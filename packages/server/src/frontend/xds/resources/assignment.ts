/**
 * The endpoints of a cluster for clients at one place. Localities of the client's own region come first; other regions are used when it
 * has too few healthy ones (priorities). A client that asks for it gets its own zone before the rest of its region. A loaded zone gives a part of
 * its traffic away (`load/zone-factors.ts`). Pure.
 */

import { encode } from '../wire/any.ts';
import { lengthDelimited } from '../wire/frame.ts';
import type { Locality } from './endpoints.ts';
import { resourceOf, type Resource } from './resource.ts';

/** Where a client is; empty when it does not say. */
export interface Place {
  readonly region: string;
  readonly zone: string;
  /** Whether its zone comes before the rest of its region. Off by default: zones of different sizes would be loaded unevenly. */
  readonly ownZoneFirst: boolean;
}

/** Equal for places whose clients get the same. */
export function placeKey({ region, zone, ownZoneFirst }: Place): string {
  if (region === '' && zone === '') return '';
  return ownZoneFirst ? `${region}\0${zone}` : region;
}

/** The part of its weight that a locality keeps, up to 1. */
export type FactorOf = (locality: Pick<Locality, 'region' | 'zone'>) => number;

/** Weights of a level whose zones are loaded add up to about this: whole numbers then have room for small parts. */
const shareScale = 10_000;

export interface AssignmentOptions {
  /** None by default: each locality keeps all of its weight. */
  readonly factorOf?: FactorOf | undefined;
  /** Whether several clients get it; true by default. */
  readonly isShared?: boolean | undefined;
}

/** @param name of the cluster */
export function assignmentOf(name: string, localities: readonly Locality[], place: Place, { factorOf = () => 1, isShared = true }: AssignmentOptions = {}): Resource {
  const parts = [encode('ClusterLoadAssignment', { cluster_name: name })];
  for (const [priority, level] of levelsOf(localities, place, factorOf).entries()) {
    for (const { region, zone, weight, endpoints, joined } of level) {
      // A locality without a weight is skipped by clients of gRPC, which then would not know its endpoints.
      const labels = encode('LocalityLbEndpoints', { locality: { region, zone }, load_balancing_weight: { value: Math.max(1, Math.round(weight)) }, priority });
      parts.push(...lengthDelimited(2, [labels, ...(joined ?? endpoints.map(({ bytes }) => bytes))]));
    }
  }
  return resourceOf('endpoints', name, parts, isShared);
}

/** The levels, the nearest first, without gaps: clients refuse a list with priority 2 and no 1. */
function levelsOf(localities: readonly Locality[], place: Place, factorOf: FactorOf): readonly (readonly Locality[])[] {
  const levels: [Locality[], Locality[], Locality[]] = [[], [], []];
  for (const locality of localities) levels[distance(locality, place)].push(locality);
  const [nearest, region, far] = levels;
  const kept = shareKept(nearest, factorOf);
  const sharing = kept < 1 && weightOf(region) > 0 ? [[...shared(nearest, kept, factorOf), ...shared(region, 1 - kept, factorOf)], []] : [weighed(nearest, factorOf), weighed(region, factorOf)];
  return [...sharing, weighed(far, factorOf)].filter((level) => level.length > 0);
}

/** Of the traffic of the nearest level, when it is one zone that has the rest of its region behind it: 1 unless it is loaded. */
function shareKept(nearest: readonly Locality[], factorOf: FactorOf): number {
  const [own] = nearest;
  return own === undefined || nearest.length > 1 || own.weight === 0 ? 1 : factorOf(own);
}

/** Divides a share of the traffic among localities by their weights, as far as they keep them. */
function shared(level: readonly Locality[], share: number, factorOf: FactorOf): readonly Locality[] {
  let sum = 0;
  for (const locality of level) sum += locality.weight * factorOf(locality);
  return level.map((locality) => ({ ...locality, weight: (shareScale * share * locality.weight * factorOf(locality)) / sum }));
}

/** Weights as they are, unless a zone is loaded: then clients that see no load get the same bytes as ever. */
function weighed(level: readonly Locality[], factorOf: FactorOf): readonly Locality[] {
  return weightOf(level) > 0 && level.some((locality) => factorOf(locality) < 1) ? shared(level, 1, factorOf) : level;
}

function weightOf(level: readonly Locality[]): number {
  return level.reduce((sum, { weight }) => sum + weight, 0);
}

/** 0 for localities that a client at the place uses first, 2 for those that it uses last. */
export function distance({ region, zone }: Pick<Locality, 'region' | 'zone'>, place: Place): 0 | 1 | 2 {
  if (place.region !== '' && region !== place.region) return 2;
  return place.ownZoneFirst && place.zone !== '' && zone !== place.zone ? 1 : 0;
}
