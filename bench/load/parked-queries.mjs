/** A process with many blocking queries of one service, one a connection, that notes each answer's time. */

import { openSockets, serveQuestions } from './raw-sockets.mjs';

let sockets;
let index = '1';
let path = '';
let pending = [];
let left = 0;
let last = 0n;
let done = () => {};

serveQuestions({
  /** Connects, and asks once without waiting, so that every connection has been used. */
  async connect({ port, count, path: of }) {
    path = of;
    sockets = await openSockets({ port, count, onBytes });
    await answered(count, () => ask(count, ''));
  },
  /** Sends a blocking query on every connection; does not wait for answers. */
  async park({ count, index: from }) {
    index = from;
    left = count;
    ask(count, `&index=${index}&wait=10m`);
  },
  /** Resolves when every query is answered: with the time of the last answer, and the new index. */
  async woken() {
    if (left > 0) await new Promise((resolve) => (done = resolve));
    return { last: String(last), index };
  },
  async close() {
    sockets.close();
  },
});

function ask(count, query) {
  pending = Array.from({ length: count }, () => '');
  const request = `GET ${path}${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
  for (let number = 0; number < count; number++) sockets.write(number, request);
}

async function answered(count, send) {
  left = count;
  const all = new Promise((resolve) => (done = resolve));
  send();
  await all;
}

function onBytes(number, bytes) {
  const text = (pending[number] += bytes.toString('latin1'));
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return;
  const length = Number(/content-length: (\d+)/i.exec(text)[1]);
  if (text.length < end + 4 + length) return;
  if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(text);
  index = /x-consul-index: (\d+)/i.exec(text)[1];
  pending[number] = '';
  last = process.hrtime.bigint();
  if (--left === 0) done();
}
