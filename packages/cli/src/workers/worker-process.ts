/**
 * A worker of `rollcall serve`: an ordinary server that follows the primary's log and shares its listening sockets. The
 * primary starts this file and tells it what to serve and when to stop; only the primary handles signals. It ends when
 * the primary does.
 */

import { CannotListen, createServer, follow, stderrLog, type Server } from '@rollcall/server';
import { isRegistryError } from '@rollcall/protocol';
import { join } from 'node:path';
import { exitCodes } from '../failure.ts';
import { storeOf } from '../settings/engine.ts';
import { serverOptions } from '../settings/server-options.ts';
import type { FromWorker, ToWorker } from './messages.ts';

// A terminal or a supervisor sends these to all processes of a group, and the primary handles them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

let serving: Promise<Server> | undefined;

process.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'begin':
      serving = begin(message);
      serving.catch((error: unknown) => fail(error));
      return;
    case 'reload certificates':
      void serving?.then((server) => server.reloadCertificates());
      return;
    case 'look':
      say({ kind: 'alive' });
      return;
    case 'close':
      void (serving ?? Promise.resolve(undefined)).then((server) => server?.close()).finally(() => process.exit(exitCodes.ok));
  }
});

say({ kind: 'ready' });

async function begin({ number, memberId, primary, settings, dnsOptional }: Extract<ToWorker, { kind: 'begin' }>): Promise<Server> {
  const log = stderrLog(settings.logLevel).child({ worker: number });
  const { dns, ...options } = serverOptions(settings);
  const store = storeOf(settings);
  const server = await createServer({
    ...options,
    // Its clients are its own. The rest of the history is that of the primary.
    ...(store.kind === 'embedded' ? { history: { ...options.history, clientsFolder: join(store.dir, 'history', 'clients', `worker-${number}`) } } : {}),
    ...(dns === undefined ? {} : { dns: { ...dns, optional: dnsOptional } }),
    engine: follow({ url: primary.url, secret: primary.secret, log }),
    nodes: { host: '127.0.0.1' },
    nodeId: primary.nodeId,
    worker: { memberId, number },
    log,
  });
  void server.fatal.then((error) => {
    log.fatal({ err: error }, 'this worker cannot go on');
    process.exit(exitCodes.failure);
  });
  say({ kind: 'serving', url: server.url, ports: server.ports });
  return server;
}

function fail(error: unknown): void {
  const exitCode = error instanceof CannotListen ? exitCodes.addressTaken : isRegistryError(error, 'invalid_argument') ? exitCodes.usage : exitCodes.failure;
  say({ kind: 'failed', exitCode, message: (error as Error).message }, () => process.exit(exitCode));
}

function say(message: FromWorker, done: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, done);
}
