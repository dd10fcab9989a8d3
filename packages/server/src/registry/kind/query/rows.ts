/**
 * The rows of prepared queries: questions about a service that are kept under a name
 * (https://developer.hashicorp.com/consul/api-docs/query). Finding one by a name is `lookup.ts`, answering it
 * `execution.ts`.
 */

import type { Revisions } from '../../row.ts';

export interface QueryRow extends Revisions {
  readonly kind: 'query';
  readonly namespace: string;
  readonly id: string;
  readonly query: PreparedQuery;
}

export interface PreparedQuery {
  readonly name: string;
  /** Id of the session with which it is removed; empty for none. */
  readonly session: string;
  /** Public id of the token with whose rights it is executed. Absent: with those of each caller. */
  readonly accessor?: string;
  readonly template: Template;
  readonly service: PreparedService;
  /** How long DNS answers may be kept, as Go writes a duration; empty for the default. */
  readonly ttl: string;
}

export interface Template {
  /** `prefix`: it stands for all names that start with the query's. Empty: the query is no template. */
  readonly type: '' | 'prefix';
  /** A regular expression whose groups the texts of the service may contain; empty for none. */
  readonly pattern: string;
  /** Whether tags that are empty once they are filled in are left out. */
  readonly removeEmptyTags: boolean;
}

export interface PreparedService {
  readonly name: string;
  /** Namespace of the service; that of the query when absent. */
  readonly namespace?: string;
  readonly failover: Failover;
  readonly onlyPassing: boolean;
  /** Ids of checks that do not count, but are shown. */
  readonly ignoredChecks: readonly string[];
  /** Name of the node whose nearest instances come first, `_agent`, `_ip`, or empty for a random order. */
  readonly near: string;
  /** All of them, and none of those after a `!`; without regard to case. */
  readonly tags: readonly string[];
  readonly nodeMeta: Readonly<Record<string, string>>;
  readonly meta: Readonly<Record<string, string>>;
  /** Only instances that are in a service mesh; there are none. */
  readonly connect: boolean;
}

/** Other datacenters to ask when nothing is found. There is only one datacenter, so this is kept without effect. */
export interface Failover {
  /** How many of the nearest datacenters to ask. */
  readonly nearest: number;
  readonly datacenters: readonly string[] | null;
  readonly targets: readonly { readonly peer: string; readonly datacenter: string }[] | null;
}
