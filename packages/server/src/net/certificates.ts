/**
 * The certificate of a TLS listener and the certificates of the authorities of its clients, from files that change while the
 * server runs: by a rename, by another symbolic link (mounted Kubernetes secrets), or in place. The files are read
 * every few seconds, since no notification covers all of these on every file system. New files that do not fit together are
 * reported, and the old certificate stays in use.
 *
 * New connections use a new certificate; open connections keep theirs.
 */

import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createSecureContext,
  rootCertificates,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
} from 'node:tls';
import { RegistryError } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';

export interface CertificateOptions {
  /** All files are in PEM. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string | undefined;
  /** Whether clients must show a certificate. */
  readonly verifyIncoming: boolean;
  readonly minVersion: SecureVersion;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called for each failed handshake. */
  readonly onHandshakeFailed?: () => void;
}

/** Reads a few kilobytes each time. A certificate is renewed days before its end, so seconds do not matter. */
const readEveryMs = 5_000;
/** An automatic renewal comes earlier than this. */
const expiryWarningMs = 7 * 86_400_000;
/** A port scan must not fill the log. */
const logEveryMs = 1_000;

/**
 * Only ciphers with forward secrecy and authenticated encryption, as RFC 9325 §4.2 recommends: those of TLS 1.3 and four of
 * TLS 1.2, and ChaCha20 (RFC 7905) for clients without AES in hardware.
 */
const ciphers = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ...['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':');

interface Loaded {
  readonly context: SecureContextOptions;
  readonly digest: string;
  /** Milliseconds since the epoch. */
  readonly notAfterMs: number;
  readonly subject: string;
  /** Of the authorities of clients, the one that ends first. */
  readonly authority: { readonly subject: string; readonly notAfterMs: number } | undefined;
}

export class Certificates {
  readonly verifyIncoming: boolean;
  readonly #options: CertificateOptions;
  readonly #listeners = new Set<(context: SecureContextOptions) => void>();
  #loaded: Loaded;
  #reloading = Promise.resolve(true);
  /** The last reported error: each is reported once. */
  #reported = '';
  #failureLoggedAtMs = -Infinity;
  #cancel: () => void = () => {};

  private constructor(options: CertificateOptions, loaded: Loaded) {
    this.verifyIncoming = options.verifyIncoming;
    this.#options = options;
    this.#loaded = loaded;
    this.#warnOfExpiry();
    this.#schedule();
  }

  /** @throws RegistryError `invalid_argument` that names the file and what is wrong with it */
  static async open(options: CertificateOptions): Promise<Certificates> {
    return new Certificates(options, await load(options));
  }

  get context(): SecureContextOptions {
    return this.#loaded.context;
  }

  /** End of the certificate, in milliseconds since the epoch. */
  get notAfterMs(): number {
    return this.#loaded.notAfterMs;
  }

  get subject(): string {
    return this.#loaded.subject;
  }

  /** Of the authorities of clients, the one that ends first. */
  get authority(): { readonly subject: string; readonly notAfterMs: number } | undefined {
    return this.#loaded.authority;
  }

  /** Calls the listener for each new certificate. @returns a function that stops it */
  onChange(listener: (context: SecureContextOptions) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Reads the files now. @returns whether their content is in use; otherwise the log has the reason */
  reload(): Promise<boolean> {
    // One after the other: an older reading must not replace a newer one.
    return (this.#reloading = this.#reloading.then(() => this.#reload()));
  }

  async #reload(): Promise<boolean> {
    const { log, certFile } = this.#options;
    try {
      const loaded = await load(this.#options);
      this.#reported = '';
      if (loaded.digest === this.#loaded.digest) return true;
      this.#loaded = loaded;
      log.info({ certFile, subject: loaded.subject, until: new Date(loaded.notAfterMs) }, 'new certificate in use');
      this.#warnOfExpiry();
      for (const listener of this.#listeners) listener(loaded.context);
      return true;
    } catch (error) {
      const { message } = error as Error;
      if (message !== this.#reported) log.error({ certFile }, `the new certificate is not used, the old one is: ${message}`);
      this.#reported = message;
      return false;
    }
  }

  handshakeFailed(error: Error): void {
    const { clock, log, onHandshakeFailed } = this.#options;
    onHandshakeFailed?.();
    if (clock.monotonic() - this.#failureLoggedAtMs < logEveryMs) return;
    this.#failureLoggedAtMs = clock.monotonic();
    log.info({ reason: error.message }, 'TLS handshake failed');
  }

  close(): void {
    this.#cancel();
    this.#cancel = () => {};
    this.#listeners.clear();
  }

  #schedule(): void {
    let closed = false;
    const again = () => {
      if (!closed) stop = this.#options.clock.timer(readEveryMs, () => void this.reload().then(again));
    };
    let stop: () => void = () => {};
    this.#cancel = () => {
      closed = true;
      stop();
    };
    again();
  }

  #warnOfExpiry(): void {
    const { clock, log, certFile } = this.#options;
    const { notAfterMs, subject } = this.#loaded;
    const until = new Date(notAfterMs);
    if (notAfterMs <= clock.now()) log.error({ certFile, subject, until }, 'the certificate has expired: clients will refuse it');
    else if (notAfterMs - clock.now() < expiryWarningMs) log.warn({ certFile, subject, until }, 'the certificate will expire soon');
  }
}

async function load({ certFile, keyFile, caFile, minVersion }: CertificateOptions): Promise<Loaded> {
  const cert = await read(certFile);
  const key = await read(keyFile);
  const ca = caFile === undefined ? undefined : certificatesOf(caFile, await read(caFile));
  const own = certificatesOf(certFile, cert)[0] as string;
  const context = { cert, key, minVersion, ciphers, ...(ca === undefined ? {} : { ca }) };
  try {
    createSecureContext(context);
  } catch (cause) {
    throw broken(`${certFile} and ${keyFile} do not belong together: ${(cause as Error).message}`, cause);
  }
  const { validTo, subject } = parse(certFile, own);
  const digest = createHash('sha256').update(JSON.stringify([cert, key, ca])).digest('hex');
  const authorities = (ca ?? []).map((pem) => namedEnd(parse(caFile ?? '', pem))).toSorted((a, b) => a.notAfterMs - b.notAfterMs);
  return { context, digest, ...namedEnd({ validTo, subject }), authority: authorities[0] };
}

function namedEnd({ validTo, subject }: { readonly validTo: string; readonly subject: string }): { readonly notAfterMs: number; readonly subject: string } {
  return { notAfterMs: Date.parse(validTo), subject: subject.replaceAll('\n', ', ') };
}

/**
 * Trusts the well-known authorities and those of a file.
 * @throws RegistryError `invalid_argument` that names the file and what is wrong with it
 */
export async function trustOf(caFile: string): Promise<SecureContext> {
  return createSecureContext({ ca: [...rootCertificates, ...certificatesOf(caFile, await read(caFile))] });
}

/**
 * The certificates of a file of authorities, in PEM.
 * @throws RegistryError as `trustOf`
 */
export async function authoritiesOf(caFile: string): Promise<string> {
  return certificatesOf(caFile, await read(caFile)).join('\n');
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw broken(`cannot read ${file}: ${(cause as Error).message}`, cause);
  }
}

/** The certificates of a PEM file. Checks each, since TLS would skip one that it cannot read. */
function certificatesOf(file: string, pem: string): string[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw broken(`${file} holds no certificate in PEM`);
  for (const each of found) parse(file, each);
  return found;
}

function parse(file: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw broken(`${file} holds a certificate that cannot be read: ${(cause as Error).message}`, cause);
  }
}

function broken(message: string, cause?: unknown): RegistryError {
  return new RegistryError('invalid_argument', message, { cause });
}
