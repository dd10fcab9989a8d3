/**
 * A client of Nacos' gRPC that costs little, so that thousands of them measure the server: HTTP/2 of Node, one connection each. It
 * answers each push, and reads no more of it than the id of the request.
 */

import { connect } from 'node:http2';
import { nanoseconds } from '../processes.mjs';

const field = (number, bytes) => Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);

function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return Buffer.from([...bytes, value]);
}

/** A message of Nacos, framed for gRPC. */
export function message(type, body) {
  const payload = Buffer.concat([field(2, field(3, Buffer.from(type))), field(3, field(2, Buffer.from(JSON.stringify(body))))]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

const headers = (path) => ({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });

export class Client {
  #session;
  #stream;
  #unread = Buffer.alloc(0);
  /** Called with each push: nanoseconds at its last byte, and its text. */
  onPush = () => {};

  constructor(port) {
    this.#session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1_048_576 } });
    this.#session.on('error', () => {});
  }

  async open() {
    await this.ask('ServerCheckRequest', {});
    this.#stream = this.#session.request(headers('/BiRequestStream/requestBiStream'));
    this.#stream.on('error', () => {});
    this.#stream.on('data', (chunk) => this.#read(chunk));
    this.#stream.write(message('ConnectionSetupRequest', { clientVersion: 'bench', labels: {} }));
    // Without abilities nothing answers the set-up.
    while ((await this.ask('HealthCheckRequest', {})).includes('"errorCode":301'));
  }

  /** One call. @returns the bytes of the answer as text */
  ask(type, body) {
    return this.call(message(type, body));
  }

  call(bytes) {
    return new Promise((resolve, reject) => {
      const call = this.#session.request(headers('/Request/request'));
      const chunks = [];
      call.on('data', (chunk) => chunks.push(chunk));
      call.on('error', reject);
      call.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')));
      call.end(bytes);
    });
  }

  close() {
    this.#session.destroy();
  }

  #read(chunk) {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    while (this.#unread.length >= 5) {
      const length = this.#unread.readUInt32BE(1) + 5;
      if (this.#unread.length < length) return;
      const at = nanoseconds();
      const text = this.#unread.toString('latin1', 5, length);
      this.#unread = this.#unread.subarray(length);
      const requestId = /"requestId":"([^"]*)"/.exec(text.slice(0, 200))?.[1];
      if (requestId !== undefined) this.#stream.write(message('NotifySubscriberResponse', { resultCode: 200, errorCode: 0, requestId, success: true }));
      this.onPush(at, text);
    }
  }
}

/** @param more fields of the instance */
export const instanceRequest = (serviceName, port, more = {}) => ({
  ...{ namespace: 'public', serviceName, groupName: 'DEFAULT_GROUP', type: 'registerInstance' },
  instance: { ip: '10.0.0.1', port, weight: 1, healthy: true, enabled: true, ephemeral: true, metadata: {}, ...more },
});
