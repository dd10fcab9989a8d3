/**
 * A client of ZooKeeper's protocol that costs little, so that thousands of them measure the server: a session on one connection, requests one
 * after the other, notifications. It reads no more of an answer than its header.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { nanoseconds } from '../processes.mjs';

const types = { create: 1, delete: 2, getData: 4, setData: 5, ping: 11, multi: 14, closeSession: -11 };
const ping = packet(-2, types.ping, Buffer.alloc(0));

function string(text) {
  const bytes = Buffer.from(text);
  return buffer(bytes);
}

function buffer(bytes) {
  const head = Buffer.alloc(4);
  head.writeInt32BE(bytes.length);
  return Buffer.concat([head, bytes]);
}

function int(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function packet(xid, type, body) {
  return Buffer.concat([int(8 + body.length), int(xid), int(type), body]);
}

function multiHeader(type, isLast) {
  return Buffer.concat([int(type), Buffer.from([isLast ? 1 : 0]), int(-1)]);
}

/** `world:anyone` may do everything. */
const openAcl = Buffer.concat([int(1), int(31), string('world'), string('anyone')]);

export const requests = {
  /** @param flags 0 persistent, 1 ephemeral */
  create: (path, data, flags = 0) => [types.create, Buffer.concat([string(path), buffer(data), openAcl, int(flags)])],
  getData: (path, watch = false) => [types.getData, Buffer.concat([string(path), Buffer.from([watch ? 1 : 0])])],
  setData: (path, data) => [types.setData, Buffer.concat([string(path), buffer(data), int(-1)])],
  /** @param operations requests that change something (`MultiTransactionRecord.java`) */
  multi: (operations) => [types.multi, Buffer.concat([...operations.flatMap(([type, body]) => [multiHeader(type, false), body]), multiHeader(-1, true)])],
  delete: (path) => [types.delete, Buffer.concat([string(path), int(-1)])],
};

export class Client {
  #socket;
  #unread = Buffer.alloc(0);
  #xid = 0;
  #waiting = [];
  #session;
  /** Called with each notification: nanoseconds when it was read. */
  onNotification = () => {};
  timeoutMs = 0;

  /** @returns a client with a session */
  static async open(port, timeoutMs = 30_000) {
    const client = new Client();
    client.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    client.#socket.on('error', () => {});
    client.#socket.on('data', (chunk) => client.#read(chunk));
    client.#socket.on('close', () => client.#end());
    await once(client.#socket, 'connect');
    const body = Buffer.concat([int(0), Buffer.alloc(8), int(timeoutMs), Buffer.alloc(8), buffer(Buffer.alloc(16)), Buffer.from([0])]);
    const opened = new Promise((resolve, reject) => (client.#session = { resolve, reject }));
    client.#socket.write(Buffer.concat([int(body.length), body]));
    client.timeoutMs = await opened;
    if (client.timeoutMs <= 0) throw new Error('the server grants no session');
    return client;
  }

  /** @returns the error of the answer, 0 for none */
  ask([type, body]) {
    return this.#send(packet(++this.#xid, type, body));
  }

  ping() {
    return this.#send(ping);
  }

  async close() {
    await this.ask([types.closeSession, Buffer.alloc(0)]).catch(() => {});
    this.#socket.destroy();
  }

  #send(bytes) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(bytes);
    });
  }

  #read(chunk) {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    for (let at = 0; ; ) {
      const length = this.#unread.length - at < 4 ? Infinity : this.#unread.readInt32BE(at) + 4;
      if (this.#unread.length - at < length) {
        this.#unread = this.#unread.subarray(at);
        return;
      }
      this.#packet(this.#unread, at + 4);
      at += length;
    }
  }

  #packet(bytes, at) {
    if (this.#session !== undefined) {
      this.#session.resolve(bytes.readInt32BE(at + 4));
      this.#session = undefined;
    } else if (bytes.readInt32BE(at) === -1) this.onNotification(nanoseconds());
    else this.#waiting.shift()?.resolve(bytes.readInt32BE(at + 12));
  }

  #end() {
    const error = new Error('the connection has ended');
    this.#session?.reject(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
