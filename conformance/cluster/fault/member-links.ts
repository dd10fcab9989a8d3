/**
 * The links between the members of an etcd cluster. All members reach one at the same URL, so a connection says itself from whom it is:
 * etcd names the sender in the head of its first request (`X-Server-From`, server/etcdserver/api/rafthttp). Each pair then has a proxy
 * of its own for each direction in which connections are opened. A member sends over connections of both sides.
 */

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { EtcdCluster, EtcdMember } from '../../etcd/start.mjs';
import type { FaultKind } from '../deployment.ts';
import { memberIdOf } from './etcd-faults.ts';
import { faultProxy, type FaultProxy, type LinkFault } from './proxy.ts';

/** Longest head of a request that is looked at. */
const headBytesMax = 8_192;

interface PairLink {
  /** Id of the member that opens the connections, in hexadecimal as etcd writes it; empty when it does not say. */
  readonly from: string;
  /** Name of the member that they go to. */
  readonly to: string;
  readonly proxy: FaultProxy;
}

export class MemberLinks {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #links = new Map<string, Promise<PairLink>>();
  /** Applied to links that are made later. */
  #faultOf: (from: string, to: string) => LinkFault = () => ({});

  /** For `startEtcdCluster`. @returns the URL at which others reach the member */
  async advertise(name: string, listenUrl: string): Promise<string> {
    const target = { host: new URL(listenUrl).hostname, port: Number(new URL(listenUrl).port) };
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket, name, target));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  faults(etcd: EtcdCluster): FaultKind[] {
    const blocked = { blocked: true };
    const fault = (name: string, hears: boolean, isHeard: boolean): FaultKind => ({
      name: `etcd ${name}`,
      lastsMs: [1_000, 6_000],
      begin: async (random) => {
        const member = random.pick<EtcdMember>(etcd.members) ?? etcd.members[0];
        const id = await memberIdOf(member);
        const towards: LinkFault = { ...(hears ? {} : { up: blocked }), ...(isHeard ? {} : { down: blocked }) };
        const away: LinkFault = { ...(isHeard ? {} : { up: blocked }), ...(hears ? {} : { down: blocked }) };
        await this.#set((from, to) => (to === member.name ? towards : from === id ? away : {}));
        return { what: `etcd ${name} (${member.name})`, end: () => this.#set(() => ({})) };
      },
    });
    return [fault('member cut off', false, false), fault('member deaf', false, true), fault('member mute', true, false)];
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    for (const link of this.#links.values()) await (await link).proxy.close();
  }

  async #set(faultOf: (from: string, to: string) => LinkFault): Promise<void> {
    this.#faultOf = faultOf;
    for (const link of this.#links.values()) {
      const { from, to, proxy } = await link;
      proxy.set(faultOf(from, to));
    }
  }

  #accept(socket: Socket, to: string, target: { readonly host: string; readonly port: number }): void {
    this.#follow(socket);
    let head = Buffer.alloc(0);
    const onData = (data: Buffer): void => {
      head = Buffer.concat([head, data]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.length < headBytesMax) return;
      socket.off('data', onData);
      socket.pause();
      const from = /\r\nx-server-from: *([0-9a-f]+)/i.exec(head.subarray(0, Math.max(0, end)).toString('latin1'))?.[1] ?? '';
      void this.#link(from, to, target).then(({ proxy }) => {
        if (socket.destroyed) return;
        const onward = this.#follow(connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true, noDelay: true }));
        onward.write(head);
        socket.pipe(onward);
        onward.pipe(socket);
        socket.on('close', () => onward.destroy());
        onward.on('close', () => socket.destroy());
      });
    };
    socket.on('data', onData);
  }

  #follow(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }

  #link(from: string, to: string, target: { readonly host: string; readonly port: number }): Promise<PairLink> {
    const name = `${from} ${to}`;
    let link = this.#links.get(name);
    if (link === undefined) {
      link = faultProxy(() => target).then((proxy) => {
        proxy.set(this.#faultOf(from, to));
        return { from, to, proxy };
      });
      this.#links.set(name, link);
    }
    return link;
  }
}
