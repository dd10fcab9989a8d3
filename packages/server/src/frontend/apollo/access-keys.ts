/**
 * Access keys of apps: a client that knows one signs each request. The keys come from a file of the operator, since the server must know them in clear,
 * and the state has no secret in clear (decision record 0098). A line is `APP SECRET`, or `APP SECRET TOKEN`: requests signed with the secret then have
 * the rights of the token. An app with several lines has several keys, for a rotation.
 *
 * Source: `Signature` of github.com/apolloconfig/apollo-java, `ClientAuthenticationFilter` of github.com/apolloconfig/apollo.
 */

import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { RegistryError } from '@rollcall/protocol';

export interface AccessKey {
  readonly secret: string;
  /** Undefined: requests have the rights of the anonymous token. */
  readonly token: string | undefined;
}

export type AccessKeys = ReadonlyMap<string, readonly AccessKey[]>;

/** Clocks of clients may differ by this much, as in Apollo. */
const clockMs = 60_000;
const bytesMax = 1_048_576;

/** @throws RegistryError `failed_precondition` when the file cannot be used; `invalid_argument` for a line that is none */
export async function loadAccessKeys(file: string): Promise<AccessKeys> {
  let text: string;
  try {
    const { mode, size } = await stat(file);
    if ((mode & 0o007) !== 0) throw new Error(`every user of this machine may use it (mode ${(mode & 0o777).toString(8)}); run chmod 600`);
    if (size > bytesMax) throw new Error(`it has ${size} bytes, the limit is ${bytesMax}`);
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new RegistryError('failed_precondition', `the access keys of Apollo's clients cannot be read from ${file}: ${(cause as Error).message}`, { cause });
  }
  return readAccessKeys(text, file);
}

export function readAccessKeys(text: string, file: string): AccessKeys {
  const keys = new Map<string, AccessKey[]>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    const [app = '', secret, token, ...more] = words;
    if (app === '' || app.startsWith('#')) continue;
    if (secret === undefined || more.length > 0) throw new RegistryError('invalid_argument', `${file}, line ${index + 1}: a line is APP SECRET, or APP SECRET TOKEN`);
    const known = keys.get(app) ?? [];
    known.push({ secret, token });
    keys.set(app, known);
  }
  return keys;
}

/**
 * The key that signed a request.
 * @param target path and query as they were sent
 * @throws RegistryError `unauthenticated`
 */
export function signingKey(keys: readonly AccessKey[], app: string, { headers }: Pick<IncomingMessage, 'headers'>, target: string, nowMs: number): AccessKey {
  const signed = /^Apollo ([^:]+):([A-Za-z0-9+/=]+)$/.exec(headers.authorization ?? '');
  if (signed === null) throw new RegistryError('unauthenticated', `app ${app} has access keys, and the request is not signed; set apollo.access-key.secret in the client`);
  const [, signer, signature = ''] = signed;
  const timestamp = typeof headers.timestamp === 'string' ? headers.timestamp : '';
  const sentMs = /^\d{1,15}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (!(Math.abs(nowMs - sentMs) <= clockMs)) throw new RegistryError('unauthenticated', `the header Timestamp differs from the server's clock by more than ${clockMs / 1_000} s, or is missing; set the clock of the client`);
  const key = signer === app ? keys.find(({ secret }) => equals(signature, sign(secret, timestamp, target))) : undefined;
  if (key === undefined) throw new RegistryError('unauthenticated', `the signature is not one of app ${app}; check its access key in the client`);
  return key;
}

/** @returns the signature in base64 */
export function sign(secret: string, timestamp: string, target: string): string {
  return createHmac('sha1', secret).update(`${timestamp}\n${target}`).digest('base64');
}

function equals(one: string, other: string): boolean {
  const given = Buffer.from(one);
  const wanted = Buffer.from(other);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
