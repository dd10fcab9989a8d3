/**
 * The rows that answers may contain. A query has no token, so all queries have the rights of one caller: that of the
 * server's default token, or else the anonymous one's. Its rules may be different in each namespace.
 */

import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import type { Acl } from '../../security/acl.ts';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';

export class NameAccess {
  readonly #acl: Pick<Acl, 'resolve'>;
  /** Whether every node is readable in a namespace, for existing namespaces that were asked about. */
  readonly #allNodes = new Map<string, boolean>();
  #authorizer: Authorizer = unrestricted;
  #epoch = 0;

  constructor(acl: Pick<Acl, 'resolve'>) {
    this.#acl = acl;
  }

  /** Rises when the rules change: results made by the old rules are out of date. */
  get epoch(): number {
    return this.#epoch;
  }

  /**
   * Takes over changed rules. Call it before each question; it costs a lookup.
   * @returns false when the default token is gone, or one of its policies cannot be read
   */
  refresh(): boolean {
    const authorizer = this.#current();
    if (authorizer === undefined) return false;
    if (authorizer === this.#authorizer) return true;
    this.#authorizer = authorizer;
    this.#allNodes.clear();
    this.#epoch++;
    return true;
  }

  /** @param namespace for a node: that of the instance on it, or the default one for the node itself */
  reads(namespace: string, resource: 'service' | 'node', name: string): boolean {
    // An instance without a node needs no permission for one.
    if (resource === 'node' && name === '') return true;
    return this.#authorizer.allows(namespace, resource, 'read', name);
  }

  /** Whether instances of the namespace may be told on every node. @param namespace must exist */
  readsAllNodes(namespace: string): boolean {
    let all = this.#allNodes.get(namespace);
    if (all === undefined) this.#allNodes.set(namespace, (all = this.#authorizer.allowsAll(namespace, 'node', 'read')));
    return all;
  }

  #current(): Authorizer | undefined {
    try {
      return this.#acl.resolve(undefined).authorizer;
    } catch (error) {
      if (isRegistryError(error)) return undefined;
      throw error;
    }
  }
}

/** For a registry without access control. */
export function openAccess(): NameAccess {
  const caller = { accessorId: '', namespace: defaultNamespace, authorizer: unrestricted, secretHash: '', expiresAtMs: Infinity };
  return new NameAccess({ resolve: () => caller });
}
