/**
 * Visibility filter: decides which rows of a list a caller may read.
 *
 * An answer is encoded once for all callers that may read every row. Other callers get another answer: it is encoded
 * with a `VisibilityFilter`, which leaves rows out, and cached for all callers with the same permissions. This file does not
 * refuse requests (`call.ts` does).
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { Caller } from '../../../security/acl.ts';
import { type Authorizer, unrestricted } from '../../../security/authorizer.ts';
import type { NamedResource } from '../../../security/rules.ts';
import { anonymousAccessor } from '../../../security/well-known.ts';
import type { Permission } from './permission.ts';

/** Rows are left out by the right to read their resource; `acl` is for rows that only managers may read. */
export type Shown = NamedResource | 'acl' | 'namespace';

/** The rows that one caller may read, while one answer is written. */
export class VisibilityFilter {
  readonly #authorizer: Authorizer;
  readonly #namespace: string;
  readonly #whole: VisibilityFilter | undefined;
  #leftOut = false;

  /**
   * @param namespace of the request
   * @param whole filter of the whole answer, of which this one filters a part
   */
  constructor(authorizer: Authorizer, namespace: string, whole?: VisibilityFilter) {
    this.#authorizer = authorizer;
    this.#namespace = namespace;
    this.#whole = whole;
  }

  /** Whether a row was left out. */
  get leftOut(): boolean {
    return this.#leftOut;
  }

  includes(resource: NamedResource, name: string): boolean {
    if (this.#authorizer.allows(this.#namespace, resource, 'read', name)) return true;
    this.#leaveOut();
    return false;
  }

  /** Whether the caller has a permission. Unlike `includes`, does not count a refusal as a row that is left out. */
  allows({ resource, verb, name }: Permission): boolean {
    return this.#authorizer.allows(this.#namespace, resource, verb, name);
  }

  /** Whether the caller may see a namespace. */
  includesNamespace(name: string): boolean {
    if (this.#authorizer.allowsNamespace(name, 'read')) return true;
    this.#leaveOut();
    return false;
  }

  /** Whether a list of all namespaces has this one. One that it hides is for the caller no part of the list. */
  knows(namespace: string): boolean {
    return this.#authorizer.allowsNamespace(namespace, 'read');
  }

  /** The filter for the rows of another namespace in the same answer. */
  within(namespace: string): VisibilityFilter {
    return new VisibilityFilter(this.#authorizer, namespace, this);
  }

  /** Whether the caller may read rows that only managers of access control may read. */
  includesHidden(): boolean {
    if (this.#authorizer.allows(this.#namespace, 'acl', 'write')) return true;
    this.#leaveOut();
    return false;
  }

  #leaveOut(): void {
    this.#leftOut = true;
    if (this.#whole !== undefined) this.#whole.#leaveOut();
  }
}

/** For callers that may see every row. */
export function noFilter(): VisibilityFilter {
  return new VisibilityFilter(unrestricted, defaultNamespace);
}

/** Reports that rows were left out, but, as in Consul, only to a caller with a token. */
export function filteredHead(narrowed: boolean, { accessorId }: Caller): readonly string[] {
  return narrowed && accessorId !== anonymousAccessor ? filtered : [];
}

const filtered = ['X-Consul-Results-Filtered-By-Acls', 'true'] as const;

/** A set of permissions in one namespace, as a key of cached answers. */
export class Viewer {
  /** Distinguishes it from others among cached answers. */
  readonly name: string;
  readonly #authorizer: Authorizer;
  readonly #namespace: string;
  readonly #all = new Map<Shown, boolean>();

  constructor(name: string, authorizer: Authorizer, namespace: string) {
    this.name = name;
    this.#authorizer = authorizer;
    this.#namespace = namespace;
  }

  /** A filter for one answer. */
  filter(): VisibilityFilter {
    return new VisibilityFilter(this.#authorizer, this.#namespace);
  }

  /** Whether no rule can hide a row of these kinds. Looks at each rule once and caches the result. */
  seesAll(shown: readonly Shown[]): boolean {
    for (const resource of shown) {
      let all = this.#all.get(resource);
      if (all === undefined) {
        all = this.#seesAllOf(resource);
        this.#all.set(resource, all);
      }
      if (!all) return false;
    }
    return true;
  }

  #seesAllOf(resource: Shown): boolean {
    if (resource === 'namespace') return this.#authorizer === unrestricted;
    if (resource === 'acl') return this.#authorizer.allows(this.#namespace, 'acl', 'write');
    return this.#authorizer.allowsAll(this.#namespace, resource, 'read');
  }
}

/** Most namespaces kept for one authorizer: requests may name any. */
const namespacesMax = 1_000;

/** Viewers are cached as long as their compiled permissions. */
export class Viewers {
  readonly #known = new WeakMap<Authorizer, Map<string, Viewer>>();
  #made = 0;

  of(authorizer: Authorizer, namespace: string): Viewer {
    let known = this.#known.get(authorizer);
    if (known === undefined) this.#known.set(authorizer, (known = new Map()));
    let viewer = known.get(namespace);
    if (viewer === undefined) {
      if (known.size >= namespacesMax) known.clear();
      viewer = new Viewer(`as ${++this.#made}`, authorizer, namespace);
      known.set(namespace, viewer);
    }
    return viewer;
  }
}
