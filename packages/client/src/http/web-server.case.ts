/** HTTP servers that tests start and kill, in this process and in separate ones. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface WebServer {
  /** `127.0.0.1:PORT` */
  readonly authority: string;
  /** Requests begun so far. */
  readonly requests: number;
  readonly sockets: ReadonlySet<Socket>;
  readonly server: Server;
  /** Behaves as if the process died: connections are reset, later ones refused. */
  kill(): Promise<void>;
}

/** A server that is killed when the test ends. */
export async function serverOfTest(...args: Parameters<typeof webServer>): Promise<WebServer> {
  const server = await webServer(...args);
  onTestFinished(() => server.kill());
  return server;
}

/** @param at port; a free one by default */
export async function webServer(listener: (request: IncomingMessage, response: ServerResponse) => unknown, at = 0): Promise<WebServer> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    void listener(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    authority: `127.0.0.1:${port}`,
    get requests() {
      return requests;
    },
    sockets,
    server,
    async kill() {
      if (!server.listening) return;
      server.close();
      for (const socket of sockets) socket.resetAndDestroy();
      await once(server, 'close');
    },
  };
}

/** A port of 127.0.0.1 without a listener. */
export async function deadAuthority(): Promise<string> {
  const server = await webServer(() => {});
  await server.kill();
  return server.authority;
}

export async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

export interface WebProcess {
  readonly authority: string;
  readonly process: ChildProcess;
  /** SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
}

const program = `
  const server = require('node:http').createServer((request, response) => response.end('ok from ' + process.pid));
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

/** A separate process that answers `ok from PID`. */
export async function webProcess(): Promise<WebProcess> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const gone = once(child, 'exit');
  return {
    authority: `127.0.0.1:${line.toString().trim()}`,
    process: child,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
