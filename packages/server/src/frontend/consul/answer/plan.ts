/**
 * A plan: everything about a read that follows from its URL, except how it waits. Clients send
 * the same few URLs again and again, so plans are cached.
 */

import { LRUCache } from 'lru-cache';
import type { Kept } from '../../../net/answers.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { Access } from '../../../security/access.ts';
import type { Authorizer } from '../../../security/authorizer.ts';
import { permission, type Permission } from '../request/permission.ts';
import type { Query } from '../request/query.ts';
import type { Consistency } from '../wire/params.ts';

/** The last answer and the permissions for which it was encoded. The next request for it skips the tables of answers. */
export interface LastAnswer {
  /** The view under which the body is kept. */
  readonly view: string;
  readonly revision: number;
  readonly authorizer: Authorizer;
  /** Whether the client accepted gzip; undefined if the answer is the same without it. */
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
  /** The permission that callers need, by the route or by the names in the URL. */
  readonly permission: Permission | undefined;
  /** The client accepts an answer from a cache and asks for its age. */
  readonly cached: boolean;
  /** `?max_stale`, in milliseconds; `Infinity` without it. */
  readonly maxStaleMs: number;
  last: LastAnswer | undefined;
  /** The last result of `revision`, and the revision of the state for which it was computed. */
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
   * The revision of the answer: the newest of those of its views. It is computed once
   * per revision of the state.
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

/** Most characters of the URL of a cached plan. Longer URLs are rare. */
const keyLengthMax = 512;

/** The plans of recently requested URLs. The least recently used one is dropped. */
export class Plans {
  readonly #kept: LRUCache<string, Plan>;

  constructor(max: number) {
    this.#kept = new LRUCache({ max });
  }

  get(url: string): Plan | undefined {
    // While half of the room is free, no plan is dropped soon, and the order of their use is not worth its time.
    return this.#kept.size > this.#kept.max / 2 ? this.#kept.get(url) : this.#kept.peek(url);
  }

  put(url: string, plan: Plan): void {
    if (url.length <= keyLengthMax) this.#kept.set(url, plan);
  }
}
