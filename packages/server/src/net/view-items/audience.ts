/**
 * Groups clients that see the same content of a view. All clients that may read the whole view are one audience, which gets
 * the same bytes. Clients that may read a part are one audience for each set of rules, since callers with the same rules share
 * an authorizer.
 */

import type { FrameView } from '@rollcall/protocol';
import type { Caller } from '../../security/acl.ts';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { namespaceOf } from './view-namespace.ts';

/** The rights of its members; `unrestricted` for the whole view. */
export type Audience = Authorizer;

interface Reach {
  readonly allNodes: boolean;
  readonly allServices: boolean;
}

/** Namespaces that are remembered for one authorizer: views may name any. */
const namespacesMax = 100;

export class Audiences {
  /** Checks each rule once and caches the result, since every view of every stream asks. */
  readonly #reach = new WeakMap<Authorizer, Map<string, Reach>>();

  /** @returns undefined for a service, key or lock that may not be read, and for every view of a namespace that the caller may not know */
  of({ authorizer, namespace: own }: Pick<Caller, 'authorizer' | 'namespace'>, view: FrameView): Audience | undefined {
    if (authorizer === unrestricted) return unrestricted;
    const { kind, name } = view;
    const namespace = namespaceOf(view);
    if (namespaceFor({ authorizer, namespace: own }, namespace) !== namespace) return undefined;
    switch (kind) {
      case 'service':
        if (!authorizer.allows(namespace, 'service', 'read', name)) return undefined;
        return this.#reachOf(authorizer, namespace).allNodes ? unrestricted : authorizer;
      case 'services':
        return this.#reachOf(authorizer, namespace).allServices ? unrestricted : authorizer;
      case 'route':
        return authorizer.allows(namespace, 'service', 'read', name) ? unrestricted : undefined;
      case 'config':
        // Which of the layers, and whether with secrets, is asked at each event (config/config-reading.ts).
        return authorizer.allows(namespace, 'config', 'read', name) ? unrestricted : undefined;
      case 'key':
        return authorizer.allows(namespace, 'key', 'read', name) ? unrestricted : undefined;
      case 'lock':
        return authorizer.allows(namespace, 'lock', 'read', name) ? unrestricted : undefined;
      case 'prefix':
        return authorizer.allowsKeyTree(namespace, name, 'read') ? unrestricted : authorizer;
    }
  }

  #reachOf(authorizer: Authorizer, namespace: string): Reach {
    let ofNamespaces = this.#reach.get(authorizer);
    if (ofNamespaces === undefined) this.#reach.set(authorizer, (ofNamespaces = new Map()));
    const known = ofNamespaces.get(namespace);
    if (known !== undefined) return known;
    const reach = {
      allNodes: authorizer.allowsAll(namespace, 'node', 'read'),
      allServices: authorizer.allowsAll(namespace, 'service', 'read'),
    };
    if (ofNamespaces.size >= namespacesMax) ofNamespaces.clear();
    ofNamespaces.set(namespace, reach);
    return reach;
  }
}
