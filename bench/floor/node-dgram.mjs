/**
 * The floor of DNS: the speed of bare `node:dgram` on the same core, which answers every packet
 * with the same bytes under the packet's id. It looks up no addresses, like the real server.
 *
 *   FILE         the bytes
 *   FILE http    also answers HTTP with an empty 200, from the same event loop
 */

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [file, http] = process.argv.slice(2);
const answer = readFileSync(file);

const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304, lookup: (name, family, done) => done(null, name, 4) });
socket.on('message', (query, { port, address }) => {
  answer[0] = query[0];
  answer[1] = query[1];
  socket.send(answer, port, address);
});
socket.bind(0, '127.0.0.1', () => {
  const { port } = socket.address();
  if (http === undefined) process.stdout.write(`${JSON.stringify({ port })}\n`);
  else serveHttp(port);
});

function serveHttp(port) {
  const server = createServer((request, response) => response.end());
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ port, httpPort: server.address().port })}\n`);
  });
}
