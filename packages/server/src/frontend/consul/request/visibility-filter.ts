/**
 * Visibility filter: which rows of a list a caller may see.
 *
 * An answer is encoded once for all callers that may see every row. Other callers get an answer of their own: it is encoded
 * with a `VisibilityFilter`, which leaves rows out, and kept for all callers with the same permissions. This file does not
 * refuse requests (`call.ts` does).
 */

import type { Caller } from '../../../security/acl.ts';
import { type Authorizer, unrestricted } from '../../../security/authorizer.ts';
import type { NamedResource } from '../../../security/rules.ts';
import { anonymousAccessor } from '../../../security/templates.ts';

/** Rows are left out by the right to read their resource; `acl` stands for what only managers see. */
export type Shown = NamedResource | 'acl';

/** What one caller may see, while one answer is written. */
export class VisibilityFilter {
  readonly #authorizer: Authorizer;
  #leftOut = false;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  /** Whether a row was left out. */
  get leftOut(): boolean {
    return this.#leftOut;
  }

  includes(resource: NamedResource, name: string): boolean {
    if (this.#authorizer.allows(resource, 'read', name)) return true;
    this.#leftOut = true;
    return false;
  }

  /** Whether the caller sees what only managers of access control see. */
  includesHidden(): boolean {
    if (this.#authorizer.allows('acl', 'write')) return true;
    this.#leftOut = true;
    return false;
  }
}

/** For callers that may see every row. */
export function noFilter(): VisibilityFilter {
  return new VisibilityFilter(unrestricted);
}

/** Says that something was left out, but as in Consul not to who has no token and shall not learn that there is more. */
export function filteredHead(narrowed: boolean, { accessorId }: Caller): readonly string[] {
  return narrowed && accessorId !== anonymousAccessor ? filtered : [];
}

const filtered = ['X-Consul-Results-Filtered-By-Acls', 'true'] as const;

/** A set of permissions, as far as answers are concerned. */
export class Viewer {
  /** Tells it from others among kept answers. */
  readonly name: string;
  readonly authorizer: Authorizer;
  readonly #all = new Map<Shown, boolean>();

  constructor(name: string, authorizer: Authorizer) {
    this.name = name;
    this.authorizer = authorizer;
  }

  /** Whether there can be no row of these kinds that it does not see. One look at each rule, then remembered. */
  seesAll(shown: readonly Shown[]): boolean {
    for (const resource of shown) {
      let all = this.#all.get(resource);
      if (all === undefined) {
        const { authorizer } = this;
        all = resource === 'acl' ? authorizer.allows('acl', 'write') : authorizer.allowsAll(resource, 'read');
        this.#all.set(resource, all);
      }
      if (!all) return false;
    }
    return true;
  }
}

/** Viewers live as long as the compiled permissions that they are of. */
export class Viewers {
  readonly #known = new WeakMap<Authorizer, Viewer>();
  #made = 0;

  of(authorizer: Authorizer): Viewer {
    let viewer = this.#known.get(authorizer);
    if (viewer === undefined) {
      viewer = new Viewer(`as ${++this.#made}`, authorizer);
      this.#known.set(authorizer, viewer);
    }
    return viewer;
  }
}
