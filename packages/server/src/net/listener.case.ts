/** A listener on a free port with a front end below `/test`, and raw bytes to it. It is closed when the test ends. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { systemClock } from '../clock.ts';
import { defaultLimits, type Limits } from '../options.ts';
import { TestAuthority, type Issued } from './certificates.case.ts';
import { Certificates } from './certificates.ts';
import { ConnectionGuard } from './connection-guard.ts';
import type { Exchange, HttpService } from './frontend.ts';
import { listen, type ListenerOptions } from './listener.ts';
import { OriginPolicy } from './own-origin.ts';

export const authority = new TestAuthority();
export const log = pino({ level: 'silent' });
export const origins = new OriginPolicy({ allowedOrigins: ['https://console.test'] });

export interface Setup {
  readonly handle?: (exchange: Exchange) => void;
  readonly upgrade?: HttpService['upgrade'];
  readonly limits?: Partial<Limits>;
  readonly tls?: {
    readonly issued?: Issued;
    readonly ca?: string;
    readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  };
  readonly at?: ListenerOptions['at'];
}

export async function serve({ handle, upgrade, limits: given = {}, tls, at = { host: '127.0.0.1', port: 0 } }: Setup = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-listener-'));
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem'), caFile: join(folder, 'ca.pem') };
  const write = ({ cert, key }: Issued) => {
    writeFileSync(files.certFile, cert);
    writeFileSync(files.keyFile, key);
  };
  const limits = { ...defaultLimits, ...given };
  let failed = 0;
  let certificates: Certificates | undefined;
  if (tls !== undefined) {
    write(tls.issued ?? authority.issue());
    if (tls.ca !== undefined) writeFileSync(files.caFile, tls.ca);
    certificates = await Certificates.open({
      ...{ certFile: files.certFile, keyFile: files.keyFile, caFile: tls.ca === undefined ? undefined : files.caFile },
      ...{ verifyIncoming: tls.ca !== undefined, minVersion: tls.minVersion ?? 'TLSv1.2', clock: systemClock, log },
      onHandshakeFailed: () => failed++,
    });
  }
  const service: HttpService = {
    prefixes: ['/test'],
    handle: handle ?? (({ response }) => void response.end('hello')),
    ...(upgrade === undefined ? {} : { upgrade }),
  };
  const guard = new ConnectionGuard({ limits, clock: systemClock, log });
  const listener = await listen({ at, certificates, services: [service], guard, origins, limits, clock: systemClock, log });
  onTestFinished(async () => {
    certificates?.close();
    await listener.close(() => Promise.resolve());
    rmSync(folder, { recursive: true, force: true });
  });
  return { ...listener, guard, certificates, write, folder, handshakesFailed: () => failed };
}

/** The bytes that arrive until the other side closes. */
export function raw(port: number, ...lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(lines.join('\r\n')));
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET') reject(error);
    });
  });
}
