/**
 * Certificates for tests, made when they are needed: an authority, and the certificates that it signs for names and addresses.
 * They are X.509 v3 (RFC 5280) with keys on P-256, written as DER here, so that tests need only Node.
 */

import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

/** In PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface Wanted {
  /** `127.0.0.1` and `localhost` by default. */
  readonly names?: readonly string[];
  readonly commonName?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

export class TestAuthority {
  readonly cert: string;
  readonly #name: string;
  readonly #key: KeyObject;
  readonly #keyId: Buffer;
  #serial = 1;

  constructor(name = 'test authority') {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = name;
    this.#key = privateKey;
    this.#keyId = keyIdOf(publicKey);
    const extensions = [
      extension('2.5.29.19', sequence(tlv(0x01, [0xff])), true), // basicConstraints: may sign certificates
      extension('2.5.29.15', tlv(0x03, [1, 0x06]), true), // keyUsage: keyCertSign, cRLSign
      extension('2.5.29.14', tlv(0x04, this.#keyId)),
    ];
    this.cert = this.#sign(publicKey, name, extensions, {});
  }

  issue(wanted: Wanted = {}): Issued {
    const { names = ['127.0.0.1', 'localhost'] } = wanted;
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const subjectAltName = sequence(
      ...names.map((name) => (isIP(name) === 0 ? tlv(0x82, Buffer.from(name, 'ascii')) : tlv(0x87, addressBytes(name)))),
    );
    const extensions = [
      ...(names.length === 0 ? [] : [extension('2.5.29.17', subjectAltName)]),
      extension('2.5.29.14', tlv(0x04, keyIdOf(publicKey))),
      extension('2.5.29.35', sequence(tlv(0x80, this.#keyId))),
    ];
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { cert: this.#sign(publicKey, wanted.commonName ?? names[0] ?? 'unnamed', extensions, wanted), key };
  }

  #sign(publicKey: KeyObject, subject: string, extensions: Buffer[], { notBefore, notAfter }: Wanted): string {
    const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
    const toBeSigned = sequence(
      tlv(0xa0, tlv(0x02, [2])), // version 3
      tlv(0x02, [0x01, this.#serial >> 8, this.#serial++ & 0xff]),
      algorithm,
      nameOf(this.#name),
      sequence(time(notBefore ?? new Date('2020-01-01T00:00:00Z')), time(notAfter ?? new Date('2049-01-01T00:00:00Z'))),
      nameOf(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      tlv(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', toBeSigned, this.#key);
    return pem(sequence(toBeSigned, algorithm, tlv(0x03, Buffer.concat([Buffer.of(0), signature]))));
  }
}

/** Tag, length, value (X.690 §8.1). */
function tlv(tag: number, value: Uint8Array | readonly number[]): Buffer {
  const { length } = value;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.from(value)]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, bytes);
}

function nameOf(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(commonName)))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [tlv(0x01, [0xff])] : []), tlv(0x04, value));
}

/** UTCTime until 2049, as RFC 5280 §4.1.2.5 requires. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(`${digits.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${digits}Z`));
}

function addressBytes(address: string): number[] {
  if (isIP(address) === 4) return address.split('.').map(Number);
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)));
  const after = tail === undefined ? [] : groups(tail);
  const before = groups(head);
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

function keyIdOf(publicKey: KeyObject): Buffer {
  return createHash('sha1').update(publicKey.export({ type: 'spki', format: 'der' })).digest();
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
