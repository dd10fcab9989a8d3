/**
 * A TCP proxy for tests, which can break a connection as networks do: frozen (both
 * ends believe that it is open, and nothing arrives), cut, or refused.
 */

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** From now on nothing is forwarded, in either direction, and nothing is closed. */
  freeze(): void;
  /** Forwards again; connections from before stay frozen. */
  thaw(): void;
  /** Breaks every connection. */
  cut(): void;
  /** Breaks every connection from now on at once. */
  refuse(refused: boolean): void;
  close(): Promise<void>;
}

/** @param target URL of the server behind the proxy */
export async function tcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const pairs = new Set<{ near: Socket; far: Socket }>();
  let frozen = false;
  let refusing = false;
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    near.on('error', () => {});
    if (refusing) {
      near.resetAndDestroy();
      return;
    }
    accepted++;
    const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    far.on('error', () => {});
    const pair = { near, far };
    pairs.add(pair);
    const join = (from: Socket, to: Socket) => {
      from.on('data', (data) => {
        if (!pairs.has(pair)) return;
        if (!to.write(data)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('close', () => {
        if (pairs.delete(pair)) to.destroy();
      });
      from.on('end', () => pairs.has(pair) && to.end());
    };
    join(near, far);
    join(far, near);
    if (frozen) pairs.delete(pair);
  });
  const all: Socket[] = [];
  server.on('connection', (socket) => all.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
    pairs.clear();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get accepted() {
      return accepted;
    },
    freeze() {
      frozen = true;
      for (const { far } of pairs) all.push(far);
      pairs.clear();
    },
    thaw: () => (frozen = false),
    cut,
    refuse: (refused) => (refusing = refused),
    async close() {
      cut();
      for (const socket of all) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
