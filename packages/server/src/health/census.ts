/**
 * The census counts leases by node, by service and by principal, and computes the share of each in a loss. The counts
 * follow every lease that starts or ends, so the cost of weighing a loss depends on the loss and not on the fleet.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { InstanceRow } from '../registry/kind/catalog/rows.ts';
import type { Loss, Rest } from './self-preservation.ts';

/** The node and the services that a lease vouches for, and the principal that renews it. */
export interface Standing {
  readonly node: string;
  /** Each once. Empty for a lock and for a check of the node, which belong to no service. */
  readonly services: readonly string[];
  /** Absent while it is unknown, as after a start: then the node counts in its place. */
  readonly principal: string | undefined;
}

interface Group {
  readonly name: string;
  /** Leases that vouch for it, or that it holds. */
  leases: number;
}

/** The place of one lease in the census. */
export interface Stake {
  readonly node: Group;
  readonly services: readonly Group[];
  readonly principal: Group;
}

/** The loss of one group, for people. */
export interface Cause {
  readonly name: string;
  /** Leases that have lapsed. */
  readonly lost: number;
  /** All leases, those that lapsed included. */
  readonly of: number;
  /** Its share of all leases that have lapsed, 0 to 1. */
  readonly share: number;
}

export interface Causes {
  readonly nodes: readonly Cause[];
  readonly services: readonly Cause[];
  readonly principals: readonly Cause[];
}

/** Most groups of each kind that are named as the causes of a loss. */
const causesMax = 5;

/** The name of a service in logs: with its namespace, if that is not `default`. */
export function serviceName({ namespace, service }: Pick<InstanceRow, 'namespace' | 'service'>): string {
  return namespace === defaultNamespace ? service : `${namespace}/${service}`;
}

/** Leases without a service count as one more group, since they are lost together. */
const noService: readonly string[] = ['(no service)'];

export class Census {
  readonly nodes = new Map<string, Group>();
  readonly services = new Map<string, Group>();
  readonly principals = new Map<string, Group>();
  #leases = 0;
  #serviceLeases = 0;

  /** Number of leases that vouch for something. */
  get leases(): number {
    return this.#leases;
  }

  /** The same, but a lease counts once for each service that it vouches for. */
  get serviceLeases(): number {
    return this.#serviceLeases;
  }

  enter({ node, services, principal = `node ${node}` }: Standing): Stake {
    const named = services.length === 0 ? noService : services;
    this.#leases++;
    this.#serviceLeases += named.length;
    return {
      node: join(this.nodes, node),
      services: named.map((service) => join(this.services, service)),
      principal: join(this.principals, principal),
    };
  }

  /** Another lease with the same node, services and principal. */
  enterLike({ node, services, principal }: Stake): Stake {
    return this.enter({ node: node.name, services: services.map(({ name }) => name), principal: principal.name });
  }

  leave({ node, services, principal }: Stake): void {
    this.#leases--;
    this.#serviceLeases -= services.length;
    part(this.nodes, node);
    for (const service of services) part(this.services, service);
    part(this.principals, principal);
  }
}

function join(groups: Map<string, Group>, name: string): Group {
  let group = groups.get(name);
  if (group === undefined) groups.set(name, (group = { name, leases: 0 }));
  group.leases++;
  return group;
}

function part(groups: Map<string, Group>, group: Group): void {
  if (--group.leases === 0) groups.delete(group.name);
}

/** The stakes that a loss has taken. */
export class Tally {
  readonly #census: Census;
  readonly #nodes = new Map<Group, number>();
  readonly #services = new Map<Group, number>();
  readonly #principals = new Map<Group, number>();
  #leases = 0;

  constructor(census: Census) {
    this.#census = census;
  }

  get leases(): number {
    return this.#leases;
  }

  add(stake: Stake): void {
    this.#count(stake, 1);
  }

  /** @param stake one that was added */
  remove(stake: Stake): void {
    this.#count(stake, -1);
  }

  /**
   * @param instancesLost counts the distinct instances of the stakes for which `counts` holds, up to its own limit
   */
  loss(instancesLost: (counts: (stake: Stake) => boolean) => number): Loss {
    const { nodes, services, principals, leases, serviceLeases } = this.#census;
    const without = (of: (stake: Stake, group: Group) => boolean) => (group: Group | undefined) =>
      instancesLost((stake) => group === undefined || of(stake, group));
    return {
      machines: nodes.size,
      nodes: rest(this.#nodes, nodes.size, leases, without(({ node }, group) => node !== group)),
      // A lease for several services is left out when all of them are.
      services: rest(this.#services, services.size, serviceLeases, without((stake, group) => stake.services.some((own) => own !== group))),
      principals: rest(this.#principals, principals.size, leases, without(({ principal }, group) => principal !== group)),
    };
  }

  /** The groups that have lost most. */
  causes(): Causes {
    const all = this.#leases;
    return { nodes: worst(this.#nodes, all), services: worst(this.#services, all), principals: worst(this.#principals, all) };
  }

  #count({ node, services, principal }: Stake, by: 1 | -1): void {
    this.#leases += by;
    tick(this.#nodes, node, by);
    for (const service of services) tick(this.#services, service, by);
    tick(this.#principals, principal, by);
  }
}

function tick(counts: Map<Group, number>, group: Group, by: 1 | -1): void {
  const count = (counts.get(group) ?? 0) + by;
  if (count === 0) counts.delete(group);
  else counts.set(group, count);
}

/**
 * @param groups how many groups of the kind there are
 * @param leases of all of them
 * @param instancesLost counts those of the loss without a group
 */
function rest(
  counts: ReadonlyMap<Group, number>,
  groups: number,
  leases: number,
  instancesLost: (without: Group | undefined) => number,
): Rest {
  let worstGroup: Group | undefined;
  let most = 0;
  let leasesLost = 0;
  let groupsLost = 0;
  for (const [group, lost] of counts) {
    leasesLost += lost;
    groupsLost += shareOf(group, lost);
    if (lost > most) [worstGroup, most] = [group, lost];
  }
  if (worstGroup === undefined || groups <= 1) return { groups, groupsLost, leases, leasesLost, instancesLost: instancesLost(undefined) };
  return {
    groups: groups - 1,
    groupsLost: groupsLost - shareOf(worstGroup, most),
    leases: leases - Math.max(worstGroup.leases, most),
    leasesLost: leasesLost - most,
    instancesLost: instancesLost(worstGroup),
  };
}

/** A lease whose node or service changed after it lapsed may make a group smaller than its loss. */
function shareOf({ leases }: Group, lost: number): number {
  return lost < leases ? lost / leases : 1;
}

function worst(counts: ReadonlyMap<Group, number>, all: number): Cause[] {
  return Array.from(counts, ([{ name, leases }, lost]) => ({ name, lost, of: Math.max(lost, leases), share: lost / all }))
    .sort((a, b) => b.lost - a.lost || (a.name < b.name ? -1 : 1))
    .slice(0, causesMax);
}
