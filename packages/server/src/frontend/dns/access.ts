/**
 * What may be told in answers. A question brings no token, so all of them have the rights of one caller:
 * that of the server's default token, else the anonymous one's.
 *
 * An `epoch` tells whoever keeps something made from what was readable that this may be different now.
 */

import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import type { Acl } from '../../security/acl.ts';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';

export class NameAccess {
  readonly #acl: Pick<Acl, 'resolve'>;
  #authorizer: Authorizer = unrestricted;
  #epoch = 0;
  #everything = true;
  #allNodes = true;

  constructor(acl: Pick<Acl, 'resolve'>) {
    this.#acl = acl;
  }

  /** Rises when something may have become readable, or unreadable; not while everything is. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Every service and every node is readable. */
  get everything(): boolean {
    return this.#everything;
  }

  get allNodes(): boolean {
    return this.#allNodes;
  }

  /**
   * To be called before each question: a change holds from the next one on. Costs a look-up.
   * @returns false when the default token is gone, or one of its policies cannot be read
   */
  refresh(): boolean {
    const authorizer = this.#current();
    if (authorizer === undefined) return false;
    if (authorizer === this.#authorizer) return true;
    const allNodes = authorizer.allowsAll(defaultNamespace, 'node', 'read');
    const everything = allNodes && authorizer.allowsAll(defaultNamespace, 'service', 'read');
    if (!everything || !this.#everything) this.#epoch++;
    this.#authorizer = authorizer;
    this.#allNodes = allNodes;
    this.#everything = everything;
    return true;
  }

  reads(resource: 'service' | 'node' | 'query', name: string): boolean {
    return this.#authorizer.allows(defaultNamespace, resource, 'read', name);
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
  const everybody = { accessorId: '', authorizer: unrestricted, secretHash: '', expiresAtMs: Infinity };
  return new NameAccess({ resolve: () => everybody });
}
