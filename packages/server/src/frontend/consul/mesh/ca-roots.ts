/**
 * `/v1/agent/connect/ca/roots` and `/v1/connect/ca/roots`. Rollcall has no service mesh and signs
 * nothing, but tools (Consul's own test server among them) wait for a root before they start. So each
 * process creates one: a valid, self-signed EC certificate (RFC 5280) whose private key is deleted as
 * soon as it has signed itself. It can issue no certificate.
 */

import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { defaultNamespace } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import { recordsView } from '../../../registry/kind/record/views.ts';
import { type Asked, formOf, jsonBody, type Query } from '../request/query.ts';

const yearMs = 365.25 * 86_400_000;
/** Consul's roots are valid for the same time (`RootCertTTL`). */
const lifeMs = 10 * yearMs;

/** A read that may wait, although the roots never change: the first request creates them. */
export function caRoots(context: Pick<Context, 'clock' | 'uuid'>): (asked: Asked) => Query {
  let roots: unknown;
  return (asked) => ({
    view: recordsView(defaultNamespace, 'consul ca roots'),
    name: `${formOf(asked)} ca roots`,
    shows: [],
    encode: () => jsonBody(asked.params)((roots ??= makeRoots(context))),
  });
}

function makeRoots({ clock, uuid }: Pick<Context, 'clock' | 'uuid'>): unknown {
  const domain = uuid();
  const notBefore = new Date(clock.now());
  const notAfter = new Date(clock.now() + lifeMs);
  const name = `Rollcall ${domain.slice(0, 8)}`;
  const { pem, keyId } = selfSigned(name, `spiffe://${domain}.consul`, notBefore, notAfter);
  const id = colons(new X509Certificate(pem).fingerprint.replaceAll(':', '').toLowerCase());
  return {
    ActiveRootID: id,
    TrustDomain: `${domain}.consul`,
    Roots: [
      {
        ID: id,
        Name: 'Rollcall CA Root Cert',
        SerialNumber: 1,
        SigningKeyID: colons(keyId.toString('hex')),
        ExternalTrustDomain: domain,
        NotBefore: seconds(notBefore),
        NotAfter: seconds(notAfter),
        RootCert: pem,
        IntermediateCerts: null,
        Active: true,
        PrivateKeyType: 'ec',
        PrivateKeyBits: 256,
        CreateIndex: 1,
        ModifyIndex: 1,
      },
    ],
  };
}

function colons(hex: string): string {
  return (hex.match(/../g) ?? []).join(':');
}

function seconds(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** One element of DER (ITU-T X.690): tag, length, content. */
function der(tag: number, ...parts: readonly (Buffer | readonly number[])[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = content;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  const head = length < 0x80 ? [length] : long;
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
const octets = (content: Buffer) => der(0x04, content);
const yes = der(0x01, [0xff]);

/** Object identifiers, already encoded. */
const oid = {
  ecdsaWithSha256: der(0x06, [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]),
  commonName: der(0x06, [0x55, 0x04, 0x03]),
  subjectKeyId: der(0x06, [0x55, 0x1d, 0x0e]),
  keyUsage: der(0x06, [0x55, 0x1d, 0x0f]),
  subjectAltName: der(0x06, [0x55, 0x1d, 0x11]),
  basicConstraints: der(0x06, [0x55, 0x1d, 0x13]),
};

function selfSigned(
  name: string,
  uri: string,
  notBefore: Date,
  notAfter: Date,
): { readonly pem: string; readonly keyId: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyId = createHash('sha256').update(spki).digest();
  const subject = sequence(der(0x31, sequence(oid.commonName, der(0x0c, Buffer.from(name)))));
  const time = (date: Date) => {
    const digits = date.toISOString().replace(/\D/g, '').slice(0, 14);
    return der(0x18, Buffer.from(`${digits}Z`));
  };
  const algorithm = sequence(oid.ecdsaWithSha256);
  const extensions = sequence(
    sequence(oid.basicConstraints, yes, octets(sequence(yes))),
    // digitalSignature, keyCertSign, cRLSign
    sequence(oid.keyUsage, yes, octets(der(0x03, [0x01, 0x86]))),
    sequence(oid.subjectKeyId, octets(octets(keyId))),
    sequence(oid.subjectAltName, octets(sequence(der(0x86, Buffer.from(uri))))),
  );
  const content = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, [1]),
    algorithm,
    subject,
    sequence(time(notBefore), time(notAfter)),
    subject,
    spki,
    der(0xa3, extensions),
  );
  const certificate = sequence(content, algorithm, der(0x03, [0], sign('sha256', content, privateKey)));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return { pem: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`, keyId };
}
