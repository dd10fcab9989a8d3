/** Targets of probes: real servers on loopback, and a certificate of an authority that only the tests trust. */

import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { createSecureContext } from 'node:tls';
import { TestAuthority } from '../../net/certificates.case.ts';
import { addressPolicy, type Resolve } from '../../outbound/address-policy.ts';
import type { Address } from '../../outbound/lookup.ts';

/** Its certificates are trusted only where `trusted` is passed. */
const authority = new TestAuthority();

/** Of `web.test`. */
export const issued = authority.issue({ names: ['web.test'] });

export const trusted = createSecureContext({ ca: authority.cert });

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

/** @param onName called with the name that each client asked for (SNI) */
export const httpsTarget = (listener: RequestListener, onName: (name: string) => void = () => {}) =>
  listenOnLoopback(
    createTlsServer(
      {
        ...issued,
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
