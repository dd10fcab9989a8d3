/**
 * An instance of a service as clients see it: its address and its effective status.
 * The registry's own row, with node and checks, has more fields (server `registry/kind/catalog/rows.ts`).
 */

/**
 * The effective status of an instance, from the best to the worst. The worst of its status and checks counts.
 *
 * | status | meaning | new work |
 * |---|---|---|
 * | `passing` | every check passes | yes |
 * | `warning` | a check warns | yes, with the weight for warnings |
 * | `starting` | it is not ready yet | no |
 * | `draining` | it still answers, and is about to leave | no |
 * | `critical` | a check fails | no |
 * | `maintenance` | an operator took it, or its node, out of service | no, not even when nothing else is left |
 */
export const instanceStatuses = ['passing', 'warning', 'starting', 'draining', 'critical', 'maintenance'] as const;

export type InstanceStatus = (typeof instanceStatuses)[number];

const severity: Readonly<Record<InstanceStatus, number>> = {
  passing: 0,
  warning: 1,
  starting: 2,
  draining: 3,
  critical: 4,
  maintenance: 5,
};

/** The worse of two statuses. */
export function worseStatus(a: InstanceStatus, b: InstanceStatus): InstanceStatus {
  return severity[b] > severity[a] ? b : a;
}

/** Whether an instance with this status gets new work. */
export function getsTraffic(status: InstanceStatus): status is 'passing' | 'warning' {
  return status === 'passing' || status === 'warning';
}

/**
 * The status that an instance reports, or that an operator sets (an override). Only an instance that is `up` gets traffic, whatever
 * its checks say.
 *
 * | status | effective status | meaning |
 * |---|---|---|
 * | `up` | that of its checks | it serves |
 * | `starting` | `starting` | it is not ready yet |
 * | `draining` | `draining` | it still answers, and is about to leave |
 * | `out_of_service` | `maintenance` | taken out of service on purpose |
 * | `down` | `critical` | it cannot serve |
 */
export const administrativeStatuses = ['up', 'starting', 'draining', 'out_of_service', 'down'] as const;

export type AdministrativeStatus = (typeof administrativeStatuses)[number];

/** A further port of an instance, with a name. */
export interface NamedPort {
  /** 1 to 65535. */
  readonly port: number;
  /** As in a URL: `https`, `grpc`, `redis`. */
  readonly scheme?: string;
}

export interface Instance {
  /** Unique on its node; of an instance without a node, unique in its namespace. */
  readonly id: string;
  readonly service: string;
  /** Name of the node that the instance runs on; empty when the protocol that registered it has no nodes. */
  readonly node: string;
  /** Host name or IP address to connect to, without a port. */
  readonly address: string;
  /** 0 to 65535; 0 when the service has none. */
  readonly port: number;
  /** That of `port`, as in a URL. */
  readonly scheme?: string;
  /** Further ports, by name. */
  readonly ports?: Readonly<Record<string, NamedPort>>;
  /** The failure domain that the instance runs in, within `region`. */
  readonly zone?: string;
  readonly region?: string;
  /** The group within the service, as Nacos has it. */
  readonly cluster?: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Relative share of traffic for its status, 0 to 65535; 1 by default. */
  readonly weight: number;
  readonly status: InstanceStatus;
}

/**
 * The key of an instance, the same for every client. Ids are unique on their node only. Newlines cannot occur
 * in names, so the parts stay apart.
 */
export function identityOf({ node, id, address, port }: Pick<Instance, 'node' | 'id' | 'address' | 'port'>): string {
  return `${node}\n${id}\n${address}\n${port}`;
}

/** The instances of one service at one revision of that service's view. */
export interface ServiceSnapshot {
  readonly service: string;
  /** Rises only when the content changes, and never goes back. */
  readonly revision: number;
  readonly instances: readonly Instance[];
}
