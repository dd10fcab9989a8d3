/** Things to probe: real servers on loopback, and a certificate for tests that nobody trusts. */

import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { addressPolicy, type Resolve } from './address-policy.ts';
import type { Address } from './lookup.ts';

/** Self-signed, for `web.test`, valid for a hundred years; good for nothing but tests. */
export const untrusted = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgx6Zkn8vDhjfmsLVX
9ELCtGFQtOKaVfdDMjMh8G5PhXKhRANCAAQkRyHlCskZ4U+NbEemR/Lq+epbUL27
OVzvu5Iw3c7gNAdho+Emjjbh1D/C5uBQlR5Z48MvS8BchYEwgzm8GaCi
-----END PRIVATE KEY-----`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBkjCCATigAwIBAgIUQjj+S02d+ZN8QH2lt0apfslpyo8wCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwId2ViLnRlc3QwIBcNMjYxMTIwMDcxNzE3WhgPMjEyNjEwMjcw
NzE3MTdaMBMxETAPBgNVBAMMCHdlYi50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEJEch5QrJGeFPjWxHpkfy6vnqW1C9uzlc77uSMN3O4DQHYaPhJo424dQ/
wubgUJUeWePDL0vAXIWBMIM5vBmgoqNoMGYwHQYDVR0OBBYEFAT/+Z8GUca+u0uS
fXawfGzqtek/MB8GA1UdIwQYMBaAFAT/+Z8GUca+u0uSfXawfGzqtek/MA8GA1Ud
EwEB/wQFMAMBAf8wEwYDVR0RBAwwCoIId2ViLnRlc3QwCgYIKoZIzj0EAwIDSAAw
RQIhAIvFU9BwlKT7PiZCQGFaNnkoaziVgqkBmmmyHwSyJvsHAiAO+jeqgXoZUbBM
Xp+VnPILH+pawDpiezDekK2lS1nlMg==
-----END CERTIFICATE-----`,
};

export interface TargetServer {
  readonly port: number;
  /** Connections that were ever made to it. */
  connections(): number;
  close(): Promise<void>;
}

export async function listenOnLoopback(server: Server): Promise<TargetServer> {
  let connections = 0;
  server.on('connection', () => connections++);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
      }),
  };
}

export const httpTarget = (listener: RequestListener) => listenOnLoopback(createServer(listener));

/** @param onName told the name that each client asked for (SNI) */
export const httpsTarget = (listener: RequestListener, onName: (name: string) => void = () => {}) =>
  listenOnLoopback(
    createTlsServer(
      {
        ...untrusted,
        SNICallback: (name, use) => {
          onName(name);
          use(null);
        },
      },
      listener,
    ),
  );

/** The address policy over a resolver that gives these answers one after the other, and counts. */
export function resolving(...answers: readonly (readonly string[])[]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  const resolve = addressPolicy((host) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(host);
    return Promise.resolve(answer.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 })));
  });
  return { resolve, asked };
}
