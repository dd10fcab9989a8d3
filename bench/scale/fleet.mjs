/**
 * The fleet: which services, instances, machines, clients and nodes there are, from a seed. A cell is made when it is simulated, in typed
 * arrays, and dropped afterwards. What is chosen here is a model; who owns what is computed by the registry's own code.
 */

import { SeededRandom } from '@rollcall/client';
import { checkKey } from '../../packages/server/dist/registry/kind/catalog/keys.js';
import { Owners } from '../../packages/server/dist/registry/kind/member/owners.js';
import { hashText, Rendezvous } from '../../packages/server/dist/registry/kind/member/rendezvous.js';

export const sizes = {
  full: { instances: 10_000_000, clients: 1_000_000, nodes: 40, cells: 10, services: 10_000 },
  small: { instances: 20_000, clients: 2_000, nodes: 8, cells: 2, services: 60 },
};

/** Zones; machines and nodes are spread over them evenly. */
export const zones = 3;

/** Services that each client watches; a large service is watched more often. */
export const watchesPerClient = 5;

/** Of the machines with TTL checks, the share whose heartbeats take another node each time, as through a balancer without keep-alive. */
export const wanderingShare = 0.05;

/** A check's TTL, and the pause between two heartbeats. */
export const ttlMs = 30_000;
export const beatMs = 10_000;

/** The largest service has so many times the instances of the smallest. */
const spreadMax = 40;

/** No holder: rendezvous hashing chooses. */
export const noHolder = 255;

/** A fleet of services, divided among cells. @param {typeof sizes.full} size @param {number} seed */
export function fleetOf(size, seed) {
  const random = new SeededRandom(seed);
  const names = Array.from({ length: size.cells }, (_, cell) => `cell-${cell}`);
  const cells = new Rendezvous(names);
  const weights = Array.from({ length: size.services }, () => Math.min(spreadMax, (1 - random.fraction()) ** (-1 / 1.2)));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const services = names.map(() => []);
  let left = size.instances;
  for (const [at, weight] of weights.entries()) {
    const last = at === weights.length - 1;
    const instances = last ? left : Math.max(1, Math.min(left - (weights.length - 1 - at), Math.round((weight / sum) * size.instances)));
    left -= instances;
    const service = { namespace: `team-${at % 50}`, name: `service-${String(at).padStart(5, '0')}`, instances };
    services[names.indexOf(cells.ownerOf(`${service.namespace}\0${service.name}`))].push(service);
  }
  const nodesPerCell = size.nodes / size.cells;
  return { size, seed, cells: services.map((own, index) => ({ index, services: own, nodesPerCell, perClient: size.instances / size.clients })) };
}

/** @param {ReturnType<typeof fleetOf>['cells'][number]} plan @param {number} seed */
export function cellOf({ index, services, nodesPerCell, perClient }, seed) {
  const random = new SeededRandom(seed * 1_000 + index);
  const instances = services.reduce((sum, service) => sum + service.instances, 0);
  const machines = Math.max(zones * 2, Math.round(instances / perClient));
  const nodes = Array.from({ length: nodesPerCell }, (_, at) => ({ nodeId: `node-${index * nodesPerCell + at}`, zone: (index * nodesPerCell + at) % zones }));
  const members = nodes.map(({ nodeId }) => ({ nodeId, name: nodeId, address: `http://${nodeId}:8500`, version: '0.1.0', epoch: 1 }));
  const serviceOf = new Uint32Array(instances);
  let from = 0;
  for (const [at, service] of services.entries()) {
    serviceOf.fill(at, from, from + service.instances);
    from += service.instances;
  }
  /** The node that has the connection of a machine. */
  const home = Uint8Array.from({ length: machines }, () => Math.floor(random.fraction() * nodes.length));
  /** Watchers of each service on each node. */
  const watchers = nodes.map(() => new Uint32Array(services.length));
  for (let machine = 0; machine < machines; machine++) {
    const seen = new Set();
    for (let watch = 0; watch < watchesPerClient; watch++) seen.add(serviceOf[Math.floor(random.fraction() * instances)]);
    for (const service of seen) watchers[home[machine]][service]++;
  }
  const cell = {
    index, random, services, instances, machines, nodes, members, serviceOf, home, watchers,
    /** The instances of a service are on different machines. */
    machineOf: (instance) => instance % machines,
    zoneOf: (machine) => machine % zones,
    /** Every other machine in each zone registers over Consul's API, with TTL checks; the others over their stream. */
    hasTtl: (machine) => Math.floor(machine / zones) % 2 === 0,
    /** Every twentieth of them, by another count than zones and kinds. */
    wanders: (machine) => Math.floor(machine / (zones * 2)) % Math.round(1 / wanderingShare) === 0,
    keyOf: (instance) => checkKey(services[serviceOf[instance]].namespace, machineName(instance % machines), `ttl:i${instance}`),
    owners: new Owners(members),
  };
  return cell;
}

export const machineName = (machine) => `machine-${String(machine).padStart(6, '0')}`;

/** The instance of a record key that `keyOf` has made. */
export const instanceOf = (key) => Number(key.slice(key.lastIndexOf('i') + 1));

/**
 * Who owns the check of each instance, as a node's number. @param {ReturnType<typeof cellOf>} cell
 * @param {(machine: number) => number} holderOf number of the node that the check's row names
 * @param {Owners} owners of the members there are
 */
export function ownersOf(cell, holderOf, owners = cell.owners) {
  const numbers = new Map(cell.nodes.map(({ nodeId }, at) => [nodeId, at]));
  const owner = new Uint8Array(cell.instances).fill(noHolder);
  for (let instance = 0; instance < cell.instances; instance++) {
    const machine = cell.machineOf(instance);
    if (!cell.hasTtl(machine)) continue;
    const holder = cell.nodes[holderOf(machine)]?.nodeId;
    const id = holder !== undefined && owners.member(holder) !== undefined ? holder : owners.ownerOfHash(hashText(cell.keyOf(instance)));
    owner[instance] = numbers.get(id);
  }
  return owner;
}
