/**
 * Namespaces with Consul's own client for Go, against a server of ours: `api.Namespaces()` and the option `Namespace` of
 * queries, writes, registrations, locks and transactions. Not part of `npm test`, since it needs Go and its downloads.
 *
 *   node conformance/consul/go-namespaces.mjs
 *
 * It needs the built project and Go 1.22 or newer. Ends with 0 when the client got what it expects.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createServer, memory } from '@rollcall/server';

const server = await createServer({ engine: memory(), http: { host: '127.0.0.1', port: 0 } });
try {
  const test = spawn('go', ['test', '-count=1', '-timeout=60s', './...'], {
    cwd: fileURLToPath(new URL('go-namespaces', import.meta.url)),
    env: { ...process.env, CONSUL_HTTP_ADDR: server.url },
    stdio: 'inherit',
  });
  const [code] = await once(test, 'close');
  process.exitCode = code ?? 1;
} finally {
  await server.close();
}
