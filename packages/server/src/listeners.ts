/**
 * The open listeners of a server: each is opened, reports its port, reloads its certificate and closes in the same way,
 * for HTTP and for protocols of a front end.
 */

import { isRegistryError, type ShownCertificate } from '@rollcall/protocol';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import { Certificates } from './net/certificates.ts';
import { ConnectionGuard } from './net/connection-guard.ts';
import type { Listener, Opening } from './net/frontend.ts';
import type { ListenAddress, TlsFiles } from './net/listen-address.ts';
import type { Limits } from './options.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** By the name of the listener. */
export interface Ports {
  /** Port of plain HTTP; 0 when it is not served, or on a Unix socket. */
  readonly http: number;
  /** Ports of `https` and `dns`; undefined when not served. */
  readonly [name: string]: number | undefined;
}

export interface ListenersOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Closes all front ends. */
  readonly answerWaiting: () => Promise<unknown>;
}

interface Open {
  readonly name: string;
  readonly listener: Listener;
}

export class Listeners {
  readonly #options: ListenersOptions;
  readonly #guard: ConnectionGuard;
  readonly #certificates: { readonly listener: string; readonly certificates: Certificates }[] = [];
  readonly #open: Open[] = [];
  #answered: Promise<unknown> | undefined;

  constructor(options: ListenersOptions) {
    const { limits, clock, log, metrics } = options;
    this.#options = options;
    this.#guard = new ConnectionGuard({
      ...{ limits, clock, log },
      onRefused: (reason) => metrics.connectionsRefused.inc({ reason }),
    });
    metrics.observe('rollcall_connections', 'Open connections to the listeners, DNS aside', () => this.#guard.open);
  }

  get ports(): Ports {
    return { http: 0, ...Object.fromEntries(this.#open.map(({ name, listener }) => [name, listener.port])) };
  }

  /**
   * @param listen opens the listener at the address, which the bind policy has allowed
   * @throws RegistryError `failed_precondition` when the address is taken and not optional; `invalid_argument` when a
   *   certificate cannot be used
   */
  async open({ name, tls, optional }: ListenAddress, listen: (opening: Opening) => Promise<Listener>): Promise<void> {
    const certificates = tls && (await this.#openCertificates(name, tls));
    try {
      const listener = await listen({ guard: this.#guard, certificates });
      this.#open.push({ name, listener });
    } catch (err) {
      if (optional !== true || !isRegistryError(err, 'failed_precondition')) throw err;
      this.#options.log.warn({ err, listener: name }, `${name} is not served`);
    }
  }

  /** Those in use now. */
  get certificates(): readonly ShownCertificate[] {
    return this.#certificates.flatMap(({ listener, certificates: { subject, notAfterMs, authority } }) => [
      { listener, kind: 'own', subject, notAfterMs },
      ...(authority === undefined ? [] : [{ listener, kind: 'authority', ...authority } as const]),
    ]);
  }

  /** @returns whether all listeners now use the certificates that are in the files */
  async reloadCertificates(): Promise<boolean> {
    const used = await Promise.all(this.#certificates.map(({ certificates }) => certificates.reload()));
    return used.every(Boolean);
  }

  /** Accepts no new connections, closes the front ends, then every connection. */
  async close(): Promise<void> {
    for (const { certificates } of this.#certificates) certificates.close();
    const answerWaiting = () => (this.#answered ??= this.#options.answerWaiting());
    await Promise.all(this.#open.map(({ listener }) => listener.close(answerWaiting)));
    await answerWaiting();
  }

  async #openCertificates(listener: string, { certFile, keyFile, caFile, verifyIncoming = false, minVersion = 'TLSv1.2' }: TlsFiles): Promise<Certificates> {
    const { clock, log, metrics } = this.#options;
    const opened = await Certificates.open({
      ...{ certFile, keyFile, caFile, verifyIncoming, minVersion, clock, log },
      onHandshakeFailed: () => metrics.tlsHandshakesFailed.inc(),
    });
    if (this.#certificates.push({ listener, certificates: opened }) === 1) {
      const help = 'When the first certificate of a TLS listener ends, since the Unix epoch';
      const earliest = () => Math.min(...this.#certificates.map(({ certificates }) => certificates.notAfterMs));
      metrics.observe('rollcall_tls_certificate_expiry_timestamp_seconds', help, () => earliest() / 1_000, 'min');
    }
    return opened;
  }
}
