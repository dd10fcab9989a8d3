/**
 * Sight: what a caller may see of an answer that shows only what may be read.
 *
 * An answer is encoded once for everybody who sees all of it. Others get their own: encoded with a `Sight`
 * that leaves rows out, and kept for all callers with the same permissions. Who is refused altogether is
 * not the business of this file (`call.ts`).
 */

import type { Caller } from '../../security/acl.ts';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';
import type { NamedResource } from '../../security/rules.ts';
import { anonymousAccessor } from '../../security/templates.ts';

/** Rows are left out by the right to read their resource; `acl` stands for what only managers see. */
export type Shown = NamedResource | 'acl';

/** The eyes of one caller, for one answer. */
export class Sight {
  readonly #authorizer: Authorizer;
  #narrowed = false;

  constructor(authorizer: Authorizer) {
    this.#authorizer = authorizer;
  }

  /** Whether something was asked for that may not be seen. */
  get narrowed(): boolean {
    return this.#narrowed;
  }

  sees(resource: NamedResource, name: string): boolean {
    if (this.#authorizer.allows(resource, 'read', name)) return true;
    this.#narrowed = true;
    return false;
  }

  /** Whether the caller sees what only managers of access control see. */
  seesHidden(): boolean {
    if (this.#authorizer.allows('acl', 'write')) return true;
    this.#narrowed = true;
    return false;
  }
}

/** Of whoever may see everything. */
export function fullSight(): Sight {
  return new Sight(unrestricted);
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
