/**
 * Assigns each session to one stream on this server. The newest stream that shows the session's
 * token gets it: its client knows before the server that the old connection is broken.
 */

import { timingSafeEqual } from 'node:crypto';
import { RegistryError, type SessionKey } from '@rollcall/protocol';
import type { Hold } from '../../health/connection/connection-session.ts';
import { findSession } from '../../registry/kind/session/find.ts';
import type { Reader } from '../../registry/reader.ts';
import { hashIn, tokenHash } from './translate.ts';

interface Owner {
  readonly hash: string;
  /** Called when another stream has taken the session over. */
  readonly onTakenOver: () => void;
}

/** A stream's hold on a session, which another stream may take over. */
export interface Claim extends Hold {
  /** SHA-256 of the token, for the session's row. */
  readonly hash: string;
}

export class Sessions {
  readonly #owners = new Map<string, Owner>();

  /**
   * Takes the session from the stream that has it, after checking the token.
   * @throws RegistryError `permission_denied` when the session is another client's
   */
  claim(state: Reader, namespace: string, key: SessionKey, onTakenOver: () => void): Claim {
    const owners = this.#owners;
    const hash = tokenHash(key.token);
    const row = findSession(state, namespace, key.id);
    const name = `${namespace} ${key.id}`;
    const former = owners.get(name);
    const known = row === undefined ? former?.hash : (hashIn(row) ?? '');
    if (known !== undefined && !same(known, hash)) {
      const message = `session ${key.id} belongs to another client; choose another random id`;
      throw new RegistryError('permission_denied', message);
    }
    const owner: Owner = { hash, onTakenOver };
    owners.set(name, owner);
    former?.onTakenOver();
    return {
      hash,
      get holds() {
        return owners.get(name) === owner;
      },
      release() {
        if (owners.get(name) === owner) owners.delete(name);
      },
    };
  }
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
