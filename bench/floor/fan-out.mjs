/**
 * The floor of notifying many clients: bare `node:http` that accepts WebSockets, answers the first frame of our client
 * with fixed bytes, and on `PUT /change` writes one message to every socket in a loop.
 *
 *   fan-out.mjs FILE     the messages, as JSON: `first` to each new socket, `news` on a change
 */

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { first, news } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sockets = new Set();
const frame = textFrame(news);
const greeting = Buffer.concat([
  Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
  ...first.map(textFrame),
]);

const server = createServer((_request, response) => {
  for (const socket of sockets) socket.write(frame);
  response.end();
});
server.on('upgrade', (_request, socket) => {
  sockets.add(socket);
  socket.setNoDelay(true);
  socket.on('end', () => socket.end());
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => {});
  socket.resume();
  socket.write(greeting);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`),
);

function textFrame(text) {
  const payload = Buffer.from(text);
  const long = payload.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x81;
  head[1] = long ? 126 : payload.length;
  if (long) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
