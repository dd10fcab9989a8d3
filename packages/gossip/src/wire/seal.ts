/**
 * Sealing of datagrams and of messages on streams: AES-256-GCM with a key of the group's ring (RFC 5116), or none on
 * loopback and where the operator asks for none.
 *
 *     sealed   1 │ key id, 4 │ sender, 16 │ number, 6 │ ciphertext of (wall clock in ms, 6 │ body) │ tag, 16
 *     plain    0 │ length of the name of the group, 1 │ name │ body
 *
 * Authenticated beside the ciphertext: everything before it, the name of the group, and whether it is a datagram or of a
 * stream. The sender is 16 random bytes, new for each process, and has an AES key of its own; the number rises with each
 * message and is the nonce, so no nonce is used twice. A message is refused if its number came before, and if its clock
 * differs by more than five minutes: so a recording is of use for five minutes, to members that have not got it. Every message
 * of this package may come twice without harm: incarnations and versions order them.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { keyIdBytes, keyRing, type GroupKey } from './key-ring.ts';
import { ReplayWindow } from './replay-window.ts';

export interface SealerOptions {
  /** Name of the group; members of another one are not understood. */
  readonly group: string;
  /** The first one seals; undefined: nothing is encrypted, and nothing encrypted is accepted. */
  readonly keys: readonly string[] | undefined;
  /** 16 random bytes for this process. */
  readonly sender: Buffer;
  /** The wall clock, in milliseconds. */
  readonly now: () => number;
}

export type Channel = 'datagram' | 'stream';

export type Opened = { readonly ok: true; readonly body: Buffer } | { readonly ok: false; readonly reason: string };

const plain = 0;
const sealed = 1;
const senderBytes = 16;
const numberBytes = 6;
const clockBytes = 6;
const tagBytes = 16;
const headerBytes = 1 + keyIdBytes + senderBytes + numberBytes;

/** Longest difference between the clocks of two members, in milliseconds; that of Kerberos (RFC 4120 §8.2). */
export const skewMaxMs = 300_000;

/** Senders whose numbers are remembered: all members, and those that were started again. */
const sendersMax = 8_192;

interface Sender {
  readonly key: Buffer;
  readonly window: ReplayWindow;
}

export class Sealer {
  readonly #options: SealerOptions;
  readonly #prefix: Buffer;
  #ring: readonly [GroupKey, ...GroupKey[]] | undefined;
  #ownKey: Buffer | undefined;
  #number = 0;
  /** By key id and sender; the one that was heard last is last. */
  readonly #senders = new Map<string, Sender>();

  /** @throws RegistryError `invalid_argument` for keys that are none */
  constructor(options: SealerOptions) {
    this.#options = options;
    const name = Buffer.from(options.group);
    this.#prefix = Buffer.concat([Buffer.from([plain, name.length]), name]);
    if (options.keys !== undefined) this.useKeys(options.keys);
  }

  get isSealing(): boolean {
    return this.#ring !== undefined;
  }

  /** Bytes that sealing adds to a body. */
  get overhead(): number {
    return this.isSealing ? headerBytes + clockBytes + tagBytes : this.#prefix.length;
  }

  /**
   * Replaces the keys; the first one seals from now on.
   * @throws RegistryError `invalid_argument`
   */
  useKeys(keys: readonly string[]): void {
    const ring = keyRing(keys);
    this.#ring = ring;
    this.#ownKey = ring[0].derive(this.#options.sender, this.#options.group);
    const known = new Set(ring.map(({ id }) => id));
    for (const name of this.#senders.keys()) if (!known.has(name.slice(0, keyIdBytes))) this.#senders.delete(name);
  }

  seal(channel: Channel, body: Uint8Array): Buffer {
    if (this.#ring === undefined || this.#ownKey === undefined) return Buffer.concat([this.#prefix, body]);
    const header = Buffer.alloc(headerBytes);
    header[0] = sealed;
    header.write(this.#ring[0].id, 1, 'latin1');
    this.#options.sender.copy(header, 1 + keyIdBytes);
    header.writeUIntBE(++this.#number, headerBytes - numberBytes, numberBytes);
    const clock = Buffer.alloc(clockBytes);
    clock.writeUIntBE(Math.max(0, Math.floor(this.#options.now())), 0, clockBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#ownKey, nonceOf(header));
    cipher.setAAD(this.#authenticated(channel, header));
    return Buffer.concat([header, cipher.update(clock), cipher.update(body), cipher.final(), cipher.getAuthTag()]);
  }

  open(channel: Channel, bytes: Buffer): Opened {
    if (bytes[0] === plain) return this.#openPlain(bytes);
    if (bytes[0] !== sealed) return { ok: false, reason: 'it is no message of a group' };
    if (this.#ring === undefined) return { ok: false, reason: 'it is encrypted, but this member has no key' };
    if (bytes.length < headerBytes + clockBytes + tagBytes) return { ok: false, reason: 'it is too short' };
    const id = bytes.toString('latin1', 1, 1 + keyIdBytes);
    const name = bytes.toString('latin1', 1, 1 + keyIdBytes + senderBytes);
    const key = this.#ring.find((each) => each.id === id);
    if (key === undefined) return { ok: false, reason: 'its key is not in the ring' };
    const known = this.#senders.get(name);
    const sender = known ?? { key: key.derive(bytes.subarray(1 + keyIdBytes, 1 + keyIdBytes + senderBytes), this.#options.group), window: new ReplayWindow() };
    const text = this.#decrypt(channel, sender.key, bytes);
    if (text === undefined) return { ok: false, reason: 'it is forged, damaged, or of another group' };
    const skewMs = Math.abs(text.readUIntBE(0, clockBytes) - this.#options.now());
    if (skewMs > skewMaxMs) return { ok: false, reason: `its clock differs by ${Math.round(skewMs / 1_000)} s, the limit is ${skewMaxMs / 1_000} s; set the clocks of both machines` };
    this.#remember(name, sender);
    if (!sender.window.take(bytes.readUIntBE(headerBytes - numberBytes, numberBytes))) return { ok: false, reason: 'it came before' };
    return { ok: true, body: text.subarray(clockBytes) };
  }

  #openPlain(bytes: Buffer): Opened {
    if (this.#ring !== undefined) return { ok: false, reason: 'it is not encrypted' };
    const isOurs = bytes.subarray(0, this.#prefix.length).equals(this.#prefix);
    return isOurs ? { ok: true, body: bytes.subarray(this.#prefix.length) } : { ok: false, reason: 'it is of another group' };
  }

  #decrypt(channel: Channel, key: Buffer, bytes: Buffer): Buffer | undefined {
    const header = bytes.subarray(0, headerBytes);
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(header), { authTagLength: tagBytes });
    decipher.setAAD(this.#authenticated(channel, header));
    decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
    const text = decipher.update(bytes.subarray(headerBytes, bytes.length - tagBytes));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return text;
  }

  #authenticated(channel: Channel, header: Buffer): Buffer {
    return Buffer.concat([header, Buffer.from([channel === 'datagram' ? 0 : 1]), this.#prefix]);
  }

  /** Only after a message was authenticated: forged senders leave no trace. */
  #remember(name: string, sender: Sender): void {
    this.#senders.delete(name);
    this.#senders.set(name, sender);
    if (this.#senders.size <= sendersMax) return;
    for (const oldest of this.#senders.keys()) {
      this.#senders.delete(oldest);
      return;
    }
  }
}

/** 12 bytes, of which the last six are the number. */
function nonceOf(header: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  header.copy(nonce, 6, headerBytes - numberBytes);
  return nonce;
}
