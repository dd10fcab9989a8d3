/** Requests whose answer does not wait for their body: the connection stays open, or the answer says that it closes. */

import { connect } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { serve, type Setup } from './listener.case.ts';

type Handle = NonNullable<Setup['handle']>;

const refuse: Handle = ({ response }) => void response.writeHead(400, { 'Content-Length': 2 }).end('no');

/** Like the restore of a backup: reads one piece, finds that it is no backup, and stops. */
const refuseHalfRead: Handle = ({ request, response }) => {
  void request
    .iterator({ destroyOnReturn: false })
    .next()
    .then(() => response.writeHead(400, { 'Content-Length': 2 }).end('no'));
};

/** Like the reader of small bodies: stops after too many bytes. */
const refusePaused: Handle = ({ request, response }) => {
  request.once('data', () => {
    request.pause();
    response.writeHead(400, { 'Content-Length': 2 });
    response.end('no');
  });
};

const put = (headers: string, body: Buffer) => Buffer.concat([Buffer.from(`PUT /test HTTP/1.1\r\nHost: x\r\n${headers}\r\n`), body]);
const withLength = (bytes: number) => put(`Content-Length: ${bytes}\r\n`, Buffer.alloc(bytes, 'j'));
const chunked = (bytes: number) =>
  put('Transfer-Encoding: chunked\r\n', Buffer.from(`${bytes.toString(16)}\r\n${'j'.repeat(bytes)}\r\n0\r\n\r\n`));

/** Sends the body, waits for its answer, then asks once more on the same connection. */
async function twice(handle: Handle, first: Buffer): Promise<string> {
  let requests = 0;
  const { port } = await serve({
    handle: (exchange) => {
      if (++requests === 1) handle(exchange);
      else exchange.response.end('second');
    },
  });
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(first));
    onTestFinished(() => void socket.destroy());
    let text = '';
    let asked = false;
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      if (asked || !text.endsWith('no')) return;
      asked = true;
      socket.write('GET /test HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    });
    socket.on('close', () => resolve(text));
  });
}

describe.each([
  ['is not read', refuse],
  ['is read in part', refuseHalfRead],
  ['is read until it is paused', refusePaused],
])('a body that %s', (_how, handle) => {
  it('is read and dropped when it is short, and the connection stays open', async () => {
    const text = await twice(handle, withLength(200_000));
    expect(text).toMatch(/^HTTP\/1\.1 400 [^]*Connection: keep-alive\r\n[^]*no/);
    expect(text).toMatch(/HTTP\/1\.1 200 [^]*second$/);
  });

  it.each([
    ['long', withLength(20_000_000)],
    ['of unknown length', chunked(2_000_000)],
  ])('ends the connection when it is %s, after an answer that says so', async (_what, body) => {
    const text = await twice(handle, body);
    expect(text).toMatch(/^HTTP\/1\.1 400 [^]*Connection: close\r\n\r\nno$/);
  });
});

it('a body of any length that was read to its end leaves the connection open', async () => {
  const text = await twice(({ request, response }) => {
    request.on('end', () => response.end('no')).resume();
  }, chunked(1_000_000));
  expect(text).toMatch(/second$/);
});

it('a request after the last answer of a connection is neither answered nor executed', async () => {
  let requests = 0;
  const { port } = await serve({
    handle: (exchange) => {
      requests++;
      refuse(exchange);
    },
  });
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(withLength(400_000));
      socket.write('DELETE /test HTTP/1.1\r\nHost: x\r\n\r\n');
    });
    onTestFinished(() => void socket.destroy());
    let all = '';
    socket.on('error', reject);
    socket.on('data', (chunk) => (all += chunk.toString()));
    socket.on('close', () => resolve(all));
  });
  expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(requests).toBe(1);
});

it('a client that sends without end and reads no answer is disconnected', async () => {
  const { port, guard } = await serve({ handle: refuse });
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write('PUT /test HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n'));
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  const send = () => void (socket.writable && socket.write(Buffer.alloc(65_536), send));
  send();
  await new Promise((resolve) => socket.on('close', resolve));
  await vi.waitFor(() => expect(guard.open).toBe(0), { interval: 1, timeout: 20_000 });
});
