/**
 * Endpoints of a service, grouped by locality. Each is encoded once; a client's assignment joins the groups in the order of its own
 * place (`assignment.ts`). Pure.
 */

import { isIP } from 'node:net';
import type { InstanceStatus } from '@rollcall/protocol';
import { inOrder } from '../../../net/slices.ts';
import { Pace } from '../../../net/turns.ts';
import { encode } from '../wire/any.ts';
import { lengthDelimited } from '../wire/frame.ts';

/** An instance as far as clients of xDS see it. */
export interface Candidate {
  /** Its identity, unique in the service: decides between two instances at one address, the order, and the subsets that have it. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly status: InstanceStatus;
  /** For its status, 0 or more. */
  readonly weight: number;
  /** Whether it is to be used only if no other is left. */
  readonly isLastResort?: boolean;
  /** Whether it is the canary of the route; false without one. */
  readonly isCanary?: boolean;
  readonly region: string;
  readonly zone: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

/** `envoy.config.core.v3.HealthStatus`. Clients of gRPC use HEALTHY endpoints only. */
const health = { healthy: 1, unhealthy: 2, draining: 3, degraded: 5 } as const;

/** An instance as an endpoint. */
export interface Endpoint {
  readonly key: string;
  readonly isCanary: boolean;
  readonly weight: number;
  /** Whether it gets traffic. */
  readonly isReady: boolean;
  /** An entry of `LocalityLbEndpoints.lb_endpoints`, tag included. */
  readonly bytes: Buffer;
}

/** The instances of one region and zone. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  /** Sum of the weights of the endpoints that get traffic. */
  readonly weight: number;
  /** How many get traffic. */
  readonly ready: number;
  readonly endpoints: readonly Endpoint[];
  /** The bytes of all endpoints in their order, in few buffers. Absent for a part of a locality. */
  readonly joined?: readonly Buffer[];
}

/** @param endpoints of that region and zone */
export function localityOf({ region, zone }: Pick<Locality, 'region' | 'zone'>, endpoints: readonly Endpoint[]): Locality {
  let weight = 0;
  let ready = 0;
  for (const endpoint of endpoints) {
    if (!endpoint.isReady) continue;
    weight += endpoint.weight;
    ready++;
  }
  return { region, zone, weight, ready, endpoints };
}

/**
 * Why an instance is left out: clients of gRPC refuse a whole list in which an address is no IP address, or occurs twice. In maintenance it
 * must not be used even when nothing else is left, which no health status of xDS says to every client.
 */
export type LeftOut = 'no-ip-address' | 'no-port' | 'same-address' | 'maintenance';

export interface Grouped {
  /** In order of region and zone. */
  readonly localities: readonly Locality[];
  readonly leftOut: ReadonlyMap<LeftOut, number>;
}

/** Yields after each instance, or how many instances it could have read in the time. @param candidates in any order */
export function* groupEndpoints(candidates: readonly Candidate[]): Generator<number | undefined, Grouped, undefined> {
  const leftOut = new Map<LeftOut, number>();
  const byAddress = new Map<string, Candidate>();
  for (const candidate of yield* inOrderOfKeys(candidates)) {
    yield;
    const reason = unfit(candidate);
    const at = `${candidate.address} ${candidate.port}`;
    const other = reason === undefined ? byAddress.get(at) : undefined;
    if (reason !== undefined || other !== undefined) count(leftOut, reason ?? 'same-address');
    if (reason === undefined && (other === undefined || (healthOf(other) !== health.healthy && healthOf(candidate) === health.healthy))) byAddress.set(at, candidate);
  }
  const fit = [...byAddress.values()];
  const scale = scaleOf(fit);
  const localities = new Map<string, { readonly region: string; readonly zone: string; readonly endpoints: Endpoint[] }>();
  for (const candidate of fit) {
    const { key, region, zone, isCanary = false } = candidate;
    const at = `${region}\0${zone}`;
    let locality = localities.get(at);
    if (locality === undefined) localities.set(at, (locality = { region, zone, endpoints: [] }));
    const weight = Math.max(1, Math.round(candidate.weight * scale));
    const status = healthOf(candidate);
    locality.endpoints.push({ key, isCanary, weight, isReady: status === health.healthy, bytes: encodeEndpoint(candidate, status, weight) });
    yield;
  }
  const sorted = [...localities.values()].sort((a, b) => order(a.region, b.region) || order(a.zone, b.zone));
  const whole: Locality[] = [];
  for (const { endpoints, ...locality } of sorted) {
    const { joined, inJoined } = yield* join(endpoints);
    whole.push({ ...localityOf(locality, inJoined), joined });
  }
  return { localities: whole, leftOut };
}

/** Microseconds of reading an instance. */
const unitsPerInstance = 10;

function* inOrderOfKeys(candidates: readonly Candidate[]): Generator<number, Candidate[], undefined> {
  const pace = new Pace();
  const sorting = inOrder([...candidates], byKey, pace);
  for (let step = sorting.next(); ; step = sorting.next()) {
    if (step.done === true) return step.value;
    yield Math.ceil(pace.used / unitsPerInstance);
    pace.renew();
  }
}

/** Endpoints whose bytes are one buffer: messages of large localities are made of few buffers, in one turn of the event loop. */
const joinedMax = 400;
const stepsPerJoin = 40;

/** @returns the joined buffers, and the endpoints with their bytes in them */
function* join(endpoints: readonly Endpoint[]): Generator<number, { readonly joined: readonly Buffer[]; readonly inJoined: readonly Endpoint[] }, undefined> {
  const joined: Buffer[] = [];
  const inJoined: Endpoint[] = [];
  for (let at = 0; at < endpoints.length; at += joinedMax) {
    const some = endpoints.slice(at, at + joinedMax);
    const all = Buffer.concat(some.map(({ bytes }) => bytes));
    let from = 0;
    for (const endpoint of some) inJoined.push({ ...endpoint, bytes: all.subarray(from, (from += endpoint.bytes.length)) });
    joined.push(all);
    yield stepsPerJoin;
  }
  return { joined, inJoined };
}

function unfit({ address, port, status }: Candidate): LeftOut | undefined {
  if (status === 'maintenance') return 'maintenance';
  if (isIP(address) === 0) return 'no-ip-address';
  return port === 0 ? 'no-port' : undefined;
}

/**
 * An instance with a weight of 0 gets no traffic; no weight of xDS says so. Envoy uses a degraded one if no healthy one is left.
 */
function healthOf({ status, weight, isLastResort }: Candidate): number {
  switch (status) {
    case 'passing':
      if (isLastResort === true) return health.degraded;
      return weight > 0 ? health.healthy : health.draining;
    case 'warning':
      return weight > 0 ? health.healthy : health.degraded;
    case 'draining':
      return health.draining;
    case 'starting':
    case 'critical':
    case 'maintenance':
      return health.unhealthy;
  }
}

/** Largest sum of weights that clients take. */
const sumMax = 4_294_967_295;

/** Weights are whole numbers there: fractions become hundredths, as far as the sum allows it. */
function scaleOf(candidates: readonly Candidate[]): number {
  let sum = 0;
  let isWhole = true;
  for (const { weight } of candidates) {
    sum += weight;
    isWhole &&= Number.isInteger(weight);
  }
  // Each weight may be rounded up by one.
  const scaleMax = (sumMax - candidates.length) / Math.max(1, sum);
  return Math.min(isWhole ? 1 : 100, scaleMax);
}

function encodeEndpoint({ address, port, meta, tags }: Candidate, status: number, weight: number): Buffer {
  const fields = labelsOf(meta, tags);
  const content = {
    endpoint: { address: { socket_address: { address, port_value: port } } },
    health_status: status,
    ...(fields === undefined ? {} : { metadata: { filter_metadata: { 'envoy.lb': { fields } } } }),
    load_balancing_weight: { value: weight },
  };
  return Buffer.concat(lengthDelimited(2, [encode('LbEndpoint', content)]));
}

/** Envoy selects subsets of a cluster by these (`lb_subset_config`). Metadata wins over a list of tags of the same name. */
function labelsOf(meta: Candidate['meta'], tags: Candidate['tags']): Record<string, object> | undefined {
  const fields: Record<string, object> = {};
  if (tags.length > 0) fields['tags'] = { list_value: { values: tags.map((tag) => ({ string_value: tag })) } };
  for (const name of Object.keys(meta).sort()) fields[name] = { string_value: meta[name] };
  return Object.keys(fields).length === 0 ? undefined : fields;
}

function byKey(a: Candidate, b: Candidate): number {
  return order(a.key, b.key);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
