/** Certificates for tests over TLS: one authority, a certificate of the server and one of the client, as files in PEM in a folder of their own. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestAuthority } from '../../packages/server/src/net/certificates.case.ts';
import type { ClientTls } from './programs.mjs';

export interface Certificates {
  readonly client: ClientTls;
  /** Options of `rollcall serve` that want a certificate of each client. */
  readonly rollcallArgs: readonly string[];
  /** For `startRealZooKeeper`. */
  readonly zookeeper: { readonly cert: string; readonly key: string; readonly ca: string };
  remove(): void;
}

export function writeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-certificates-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const authority = new TestAuthority();
  const [own, client] = [authority.issue(), authority.issue({ commonName: 'client' })];
  const ca = file('ca.pem', authority.cert);
  return {
    client: {
      ca,
      cert: file('client.pem', client.cert),
      key: file('client-key.pem', client.key),
      certAndKey: file('client-both.pem', `${client.cert}${client.key}`),
    },
    rollcallArgs: ['--tls-cert-file', file('cert.pem', own.cert), '--tls-key-file', file('key.pem', own.key), '--tls-ca-file', ca, '--tls-verify-incoming'],
    zookeeper: { ...own, ca: authority.cert },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
