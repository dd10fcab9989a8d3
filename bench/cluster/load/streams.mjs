/**
 * Many bare streams in one process that watch one service. When their node dies they resume on other nodes. Reports how many
 * were brought up to date, and how many of those by a whole list.
 *
 *   node streams.mjs '{"first":"http://…","others":["http://…"],"service":"…","count":…}'
 */

import { WebSocket } from 'ws';

const { first, others, service, count } = JSON.parse(process.argv[2]);
const known = Array.from({ length: count });
let watching = 0;
let returned = 0;
let whole = 0;
let retries = 0;
let last = 0;

for (let number = 0; number < count; number++) {
  open(number, first);
  // As fast as a listener accepts connections without a backlog.
  if (number % 100 === 99) await new Promise((next) => setTimeout(next, 20));
}
process.on('disconnect', () => process.exit(0));

function open(number, url) {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/rollcall/v1/stream`, { perMessageDeflate: false });
  const revision = known[number];
  let up = false;
  socket.on('open', () => {
    socket.send(JSON.stringify({ id: 1, type: 'hello', protocol: 1, client: 'bench' }));
    socket.send(JSON.stringify({ id: 2, type: 'watch', views: [{ kind: 'service', name: service, ...(revision === undefined ? {} : { revision }) }] }));
  });
  socket.on('message', (data) => {
    const frame = JSON.parse(Buffer.from(data).toString());
    if (frame.type === 'snapshot' || frame.type === 'delta') {
      known[number] = frame.revision;
      if (frame.type === 'snapshot' && revision !== undefined && !up) whole++;
    }
    if (frame.type === 'watching') {
      up = true;
      if (revision === undefined) {
        if (++watching === count) process.send({ kind: 'watching' });
      } else {
        last = Date.now();
        if (++returned === count) process.send({ kind: 'returned', whole, retries, last });
      }
    }
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    if (up) setTimeout(open, Math.random() * 1_000, number, others[number % others.length]);
    else {
      retries++;
      setTimeout(open, 200 + Math.random() * 1_000, number, revision === undefined ? first : others[(number + retries) % others.length]);
    }
  });
}
