/**
 * The keys of a group: the first one seals, all of them open. So a key is replaced without an outage: add the new one
 * behind the old one on every member, put it first on every member, remove the old one. It encrypts nothing.
 */

import { createHash, hkdfSync } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';

export interface GroupKey {
  /** Names the key in sealed bytes, without saying anything of it. */
  readonly id: string;
  /** The AES key of one sender. */
  derive(sender: Buffer, group: string): Buffer;
}

/** Bytes of the id of a key in sealed bytes. */
export const keyIdBytes = 4;

const keyBytes = 32;

/** Keys during a rotation: the old one, the new one, and one that was forgotten. */
const keysMax = 8;

/**
 * @param keys 32 bytes each, in base64, as `openssl rand -base64 32` prints them; the first one seals
 * @throws RegistryError `invalid_argument`
 */
export function keyRing(keys: readonly string[]): readonly [GroupKey, ...GroupKey[]] {
  const [first, ...rest] = keys.map((key, index) => groupKey(key, index));
  if (first === undefined || keys.length > keysMax) {
    throw new RegistryError('invalid_argument', `there are ${keys.length} keys; give 1 to ${keysMax}`);
  }
  return [first, ...rest];
}

function groupKey(text: string, index: number): GroupKey {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== keyBytes || !/^[A-Za-z0-9+/]{43}=$/.test(text)) {
    // The message never shows the key.
    throw new RegistryError('invalid_argument', `key ${index + 1} is not ${keyBytes} bytes in base64; make one with: openssl rand -base64 ${keyBytes}`);
  }
  const id = createHash('sha256').update('rollcall gossip key id').update(bytes).digest().toString('latin1', 0, keyIdBytes);
  return {
    id,
    // HKDF with SHA-256 (RFC 5869): each sender has a key of its own, so two senders never use a nonce twice.
    derive: (sender, group) => Buffer.from(hkdfSync('sha256', bytes, sender, `rollcall gossip ${group}`, keyBytes)),
  };
}
