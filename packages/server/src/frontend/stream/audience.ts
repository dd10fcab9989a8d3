/**
 * Who sees the same of a view. Whoever may read all of it is one audience, which gets the same bytes; those
 * who may read a part are one for each set of rules, since callers with the same rules share an authorizer.
 */

import { defaultNamespace } from '@rollcall/protocol';
import type { FrameView } from '@rollcall/protocol';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';

/** What its members may read; `unrestricted` for everything in the view. */
export type Audience = Authorizer;

interface Reach {
  readonly allNodes: boolean;
  readonly allServices: boolean;
}

export class Audiences {
  /** One look at each rule; remembered, since every view of every stream asks. */
  readonly #reach = new WeakMap<Authorizer, Reach>();

  /** @returns undefined for a service or key that may not be read */
  of(authorizer: Authorizer, { kind, name }: FrameView): Audience | undefined {
    if (authorizer === unrestricted) return unrestricted;
    switch (kind) {
      case 'service':
        if (!authorizer.allows(defaultNamespace, 'service', 'read', name)) return undefined;
        return this.#reachOf(authorizer).allNodes ? unrestricted : authorizer;
      case 'services':
        return this.#reachOf(authorizer).allServices ? unrestricted : authorizer;
      case 'key':
        return authorizer.allows(defaultNamespace, 'key', 'read', name) ? unrestricted : undefined;
      case 'prefix':
        return authorizer.allowsKeyTree(defaultNamespace, name, 'read') ? unrestricted : authorizer;
    }
  }

  #reachOf(authorizer: Authorizer): Reach {
    const known = this.#reach.get(authorizer);
    if (known !== undefined) return known;
    const reach = {
      allNodes: authorizer.allowsAll(defaultNamespace, 'node', 'read'),
      allServices: authorizer.allowsAll(defaultNamespace, 'service', 'read'),
    };
    this.#reach.set(authorizer, reach);
    return reach;
  }
}
