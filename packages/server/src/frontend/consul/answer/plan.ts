/**
 * A plan: everything about a read that follows from its URL, except how it wants to wait. Clients ask
 * the same few URLs again and again, so plans are kept.
 */

import { LRUCache } from 'lru-cache';
import type { Kept } from '../../../net/answers.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Access } from '../../../security/access.ts';
import type { Authorizer } from '../../../security/authorizer.ts';
import { permission, type Permission } from '../request/permission.ts';
import type { Query } from '../request/query.ts';
import type { Consistency } from '../wire/params.ts';

/** The last answer, and for which permissions. The same request finds it without a look at the tables of answers. */
export interface LastAnswer {
  /** The view under which the body is kept. */
  readonly view: string;
  readonly revision: number;
  readonly authorizer: Authorizer;
  /** Whether it was for a client that takes gzip; undefined when that makes no difference. */
  readonly gzip: boolean | undefined;
  readonly status: number;
  readonly head: readonly string[];
  readonly kept: Kept;
}

export class Plan {
  readonly query: Query;
  /** The namespace of the request. */
  readonly namespace: string;
  readonly consistency: Consistency;
  /** Path of the route, for metrics. */
  readonly route: string;
  readonly access: Access;
  /** What callers need, by the route or by the names that they ask for. */
  readonly permission: Permission | undefined;
  /** The client takes an answer from a cache and wants to know its age. */
  readonly cached: boolean;
  /** `?max_stale`, in milliseconds; `Infinity` without it. */
  readonly maxStaleMs: number;
  last: LastAnswer | undefined;
  /** The last result of `revision`, and the revision of the state that it was for. */
  #revision = 0;
  #asOf = -1;

  constructor(
    query: Query,
    namespace: string,
    consistency: Consistency,
    { path, access }: { readonly path: string; readonly access: Access },
    { cached = false, maxStaleMs = Infinity }: { readonly cached?: boolean; readonly maxStaleMs?: number } = {},
  ) {
    this.query = query;
    this.namespace = namespace;
    this.consistency = consistency;
    this.route = path;
    this.access = access;
    this.permission = query.permission ?? (access.kind === 'demands' ? permission(access.resource, access.verb) : undefined);
    this.cached = cached;
    this.maxStaleMs = maxStaleMs;
  }

  /**
   * The revision of the answer: the newest of those of its views. Between two changes of the state it
   * is looked up once.
   */
  revision({ state, views }: Registry): number {
    if (state.revision === this.#asOf) return this.#revision;
    const { view, others } = this.query;
    let revision = views.revision(view);
    for (const other of others ?? none) revision = Math.max(revision, views.revision(other));
    this.#asOf = state.revision;
    this.#revision = revision;
    return revision;
  }
}

const none: readonly string[] = [];

/** Longer URLs are rare, and not worth the memory. */
const keyLengthMax = 512;

/** The plans of the URLs that were asked for last. The plan that was not asked for longest makes room for a new one. */
export class Plans {
  readonly #kept: LRUCache<string, Plan>;

  constructor(max: number) {
    this.#kept = new LRUCache({ max });
  }

  get(url: string): Plan | undefined {
    return this.#kept.get(url);
  }

  put(url: string, plan: Plan): void {
    if (url.length <= keyLengthMax) this.#kept.set(url, plan);
  }
}
