/**
 * A backend in a separate process: it answers after about 5 ms, and is registered for as long as its process lives.
 * It prints its address; SIGTERM drains it, as in a deployment.
 *
 *   node backend.mjs REGISTRY ID [KIND] [PORT]      KIND: http, grpc, moleculer; PORT: 0 selects a free one
 */

import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from '@rollcall/client';

const [registry, id, kind = 'http', wanted = '0'] = process.argv.slice(2);
let delayMs = 5;
let requests = 0;

/** Answers one request when its time has come. */
function answerLater(answer) {
  requests += 1;
  setTimeout(() => answer(), delayMs);
}

const kinds = {
  async http(port) {
    const server = createServer((_request, response) => answerLater(() => response.end('ok'))).listen(port, '127.0.0.1');
    server.keepAliveTimeout = 60_000;
    await once(server, 'listening');
    const close = () => {
      server.close();
      server.closeIdleConnections();
    };
    return { port: server.address().port, close };
  },
  async grpc(port) {
    const { Server, ServerCredentials } = await import('@grpc/grpc-js');
    const { webService } = await import('./clients/grpc-service.mjs');
    const server = new Server();
    server.addService(webService, { get: (_call, done) => answerLater(() => done(null, {})) });
    const bound = await new Promise((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, at) => (error ? reject(error) : resolve(at)));
    });
    return { port: bound, close: () => new Promise((done) => server.tryShutdown(done)) };
  },
  async moleculer(port) {
    const { moleculerBroker } = await import('./clients/moleculer-broker.mjs');
    const broker = moleculerBroker(id, port);
    broker.createService({
      name: 'web',
      actions: { get: () => new Promise((resolve) => answerLater(() => resolve('ok'))) },
    });
    await broker.start();
    return { port, close: () => broker.stop() };
  },
};

const { port, close } = await kinds[kind](Number(wanted));
const rollcall = await connect({ servers: [registry] });
const registration = await rollcall.register({ service: 'web', id, address: '127.0.0.1', port });
process.stdout.write(`${JSON.stringify({ id, port })}\n`);

process.stdin.setEncoding('utf8').on('data', (line) => {
  const { slowMs } = JSON.parse(line);
  if (slowMs !== undefined) delayMs = slowMs;
  process.stdout.write(`${JSON.stringify({ requests })}\n`);
});

async function leave() {
  // Callers are told first; requests in flight are answered before the listener closes.
  await registration.drain();
  await new Promise((resume) => setTimeout(resume, 250));
  await close();
  await rollcall.close();
  process.exit(0);
}
process.once('SIGTERM', () => void leave());
