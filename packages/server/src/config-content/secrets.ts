/**
 * Secret values inside the content of configurations. Each is encrypted with a data key of its own, and the data key with a key of the
 * key ring (envelope encryption, AES-256-GCM both). The state has the stored form only; it means nothing without the key ring.
 *
 *   what an editor writes      {secret}hunter2{/secret}
 *   what the store has         {cipher}rollcall:KEY-ID:BASE64URL
 *   what readers get           hunter2 with the right to reveal, else {masked}FINGERPRINT
 *
 *   BASE64URL = wrap nonce 12 ‖ wrapped data key 32 ‖ tag 16 ‖ nonce 12 ‖ ciphertext ‖ tag 16
 *
 * The forms are text inside any format, so each stands where the value does, in the value's quotes. A stored value opens only in the
 * configuration that it was sealed for: otherwise an editor could copy it to where the same editor may reveal. This file checks no rights.
 */

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import type { KeyRing, SecretKey } from './key-ring.ts';

/** The configuration that a secret belongs to. */
export interface SecretPlace {
  readonly namespace: string;
  readonly app: string;
  readonly cluster: string;
  readonly name: string;
}

/** Secrets in one content, so that sealing and revealing them stay within a few milliseconds of the event loop. */
const secretsMax = 200;
/** Characters of one secret: enough for a chain of certificates. */
const secretCharactersMax = 65_536;

const written = /\{secret\}([\s\S]*?)\{\/secret\}/g;
const stored = /\{cipher\}rollcall:([A-Za-z0-9_.-]{1,64}):([A-Za-z0-9_-]+)/g;
const masked = /\{masked\}([A-Za-z0-9_-]{16})/g;

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const keyBytes = 32;
const tagBytes = 16;
const wrapBytes = nonceBytes + keyBytes + tagBytes;

export class Secrets {
  readonly #keys: KeyRing;

  constructor(keys: KeyRing) {
    this.#keys = keys;
  }

  /**
   * The content as it is stored. A secret that the editor left as it was keeps its ciphertext, in whichever form it comes back: masked,
   * stored, or revealed; its data key is wrapped by the newest key.
   * @param before the stored content that was edited; empty for a new one
   * @throws RegistryError `invalid_argument`: an unknown mask, a stored value of another configuration, too many or too large secrets;
   *   `failed_precondition`: the content has a secret and this server no key
   */
  seal(content: string, place: SecretPlace, before = ''): string {
    if (!content.includes('{')) return content;
    const known = new Map(Array.from(before.matchAll(stored), ([text]) => [fingerprint(text), text]));
    let count = 0;
    const counted = () => {
      if (++count > secretsMax) throw invalid(`the content has more than ${secretsMax} secrets; split it`);
    };
    const unmasked = content.replaceAll(masked, (_all, mask: string) => {
      counted();
      const kept = known.get(mask);
      if (kept === undefined) throw invalid(`{masked}${mask} stands for no secret of the configuration that was edited; write {secret}VALUE{/secret} for a new one`);
      return kept;
    });
    const checked = unmasked.replaceAll(stored, (text) => {
      counted();
      const kept = known.get(fingerprint(text));
      if (kept === undefined) this.#open(text, place);
      return kept ?? text;
    });
    let values: Map<string, string> | undefined;
    const sealed = checked.replaceAll(written, (_all, value: string) => {
      counted();
      if (value.length > secretCharactersMax) throw invalid(`a secret has ${value.length} characters, the limit is ${secretCharactersMax}`);
      values ??= this.#valuesOf(known.values(), place);
      return values.get(value) ?? this.#close(value, place);
    });
    if (sealed.includes('{secret}')) throw invalid('a {secret} has no end; write {secret}VALUE{/secret}');
    return this.rewrap(sealed, place);
  }

  /**
   * The content with its secrets in clear.
   * @throws RegistryError `failed_precondition`: the key of a secret is not in the key ring; `data_loss`: it was changed
   */
  reveal(content: string, place: SecretPlace): string {
    return content.includes('{cipher}') ? content.replaceAll(stored, (text) => this.#open(text, place)) : content;
  }

  /** The content with its secrets in clear between marks, for an editor who may reveal. @throws RegistryError like `reveal` */
  revealMarked(content: string, place: SecretPlace): string {
    return content.includes('{cipher}') ? content.replaceAll(stored, (text) => `{secret}${this.#open(text, place)}{/secret}`) : content;
  }

  /** The content with a mask for each secret. */
  mask(content: string): string {
    return content.includes('{cipher}') ? content.replaceAll(stored, (text) => `{masked}${fingerprint(text)}`) : content;
  }

  hasSecrets(content: string): boolean {
    return content.includes('{cipher}') && content.search(stored) >= 0;
  }

  /** Ids of the keys that the secrets of the content depend on, other than the newest one. */
  olderKeysIn(content: string): ReadonlySet<string> {
    const ids = new Set(content.includes('{cipher}') ? Array.from(content.matchAll(stored), ([, id = '']) => id) : []);
    ids.delete(this.#keys.newest?.id ?? '');
    return ids;
  }

  /**
   * The content with every data key wrapped by the newest key; the secrets are not decrypted. One whose key is gone stays as it is: it
   * is no reason to refuse a change of something else.
   * @returns the same text when nothing was to do
   * @throws RegistryError `data_loss`: a secret was changed
   */
  rewrap(content: string, place: SecretPlace): string {
    const { newest } = this.#keys;
    if (newest === undefined || !content.includes('{cipher}')) return content;
    return content.replaceAll(stored, (text, id: string, data: string) => {
      if (id === newest.id || this.#keys.find(id) === undefined) return text;
      const bytes = Buffer.from(data, 'base64url');
      const dataKey = this.#unwrap(id, bytes, place);
      return storedForm(newest.id, Buffer.concat([encrypt(newest.bytes, dataKey, aad(place)), bytes.subarray(wrapBytes)]));
    });
  }

  #valuesOf(texts: Iterable<string>, place: SecretPlace): Map<string, string> {
    return new Map(Array.from(texts, (text) => [this.#open(text, place), text]));
  }

  #close(value: string, place: SecretPlace): string {
    const newest = this.#newest();
    const dataKey = randomBytes(keyBytes);
    const data = [encrypt(newest.bytes, dataKey, aad(place)), encrypt(dataKey, Buffer.from(value, 'utf8'), aad(place))];
    return storedForm(newest.id, Buffer.concat(data));
  }

  #open(text: string, place: SecretPlace): string {
    const [, id = '', data = ''] = text.split(':');
    const bytes = Buffer.from(data, 'base64url');
    const dataKey = this.#unwrap(id, bytes, place);
    return decrypt(dataKey, bytes.subarray(wrapBytes), aad(place)).toString('utf8');
  }

  #unwrap(id: string, bytes: Buffer, place: SecretPlace): Buffer {
    const key = this.#keys.find(id);
    if (key === undefined) throw new RegistryError('failed_precondition', `a secret is encrypted with key ${id}, which this server does not have; add it to the file or command with the keys of configurations`);
    return decrypt(key.bytes, bytes.subarray(0, wrapBytes), aad(place));
  }

  #newest(): SecretKey {
    const { newest } = this.#keys;
    if (newest === undefined) throw new RegistryError('failed_precondition', 'the content has a secret, and this server has no key to encrypt it; start it with --config-key-file or --config-key-command');
    return newest;
  }
}

function storedForm(id: string, data: Buffer): string {
  return `{cipher}rollcall:${id}:${data.toString('base64url')}`;
}

/**
 * Tells the secrets of a configuration apart and says nothing about their values: of the ciphertext, which is random. The wrapped data
 * key is not part of it, so that a secret keeps its mask, for editors and in diffs, when its key is rotated.
 */
function fingerprint(text: string): string {
  const bytes = Buffer.from(text.slice(text.lastIndexOf(':') + 1), 'base64url');
  return createHash('sha256').update(bytes.subarray(wrapBytes)).digest('base64url').slice(0, 16);
}

function aad({ namespace, app, cluster, name }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify([namespace, app, cluster, name]), 'utf8');
}

/** nonce ‖ ciphertext ‖ tag */
function encrypt(key: Buffer, plain: Buffer, bound: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(bound);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, bytes: Buffer, bound: Buffer): Buffer {
  try {
    const tag = bytes.subarray(-tagBytes);
    const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), { authTagLength: tagBytes }).setAAD(bound).setAuthTag(tag);
    return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, -tagBytes)), decipher.final()]);
  } catch (cause) {
    throw new RegistryError('data_loss', 'a secret cannot be opened: it belongs to another configuration, was changed, or the key with its id is another one', { cause });
  }
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
