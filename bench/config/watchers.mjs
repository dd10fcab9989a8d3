/**
 * A process with many native streams, each watching one configuration. It does with each snapshot what the client does: it parses
 * the frame, reads the layers and takes the keys; then it notes the time.
 */

import { readLayers, keysOf } from '../../packages/client/dist/config/content.js';
import { serveQuestions } from '../load/raw-sockets.mjs';
import { openWebSockets } from '../load/web-sockets.mjs';

let applied = [];
let wanted = 0;
let latest = '';
let done = () => {};
let answers = 0;
let allAnswered = () => {};
let answersWanted = Infinity;

serveQuestions({
  /** Opens `count` streams that watch the configuration `name`. */
  async connect({ port, count, name }) {
    answersWanted = count * 2;
    const answered = new Promise((resolve) => (allAnswered = resolve));
    const onOpen = (_number, send) => {
      send(JSON.stringify({ type: 'hello', id: 1, protocol: 1, client: 'bench' }));
      send(JSON.stringify({ type: 'watch', id: 2, views: [{ kind: 'config', name }] }));
    };
    await openWebSockets({ port, count, path: '/rollcall/v1/stream', onOpen, onText });
    await answered;
  },
  /** Forgets what was applied, and lets `news` wait for `count` snapshots. */
  async expect({ count }) {
    applied = [];
    wanted = count;
  },
  /** Resolves when all have applied it. @returns milliseconds from `since`, in nanoseconds, of each */
  async news({ since }) {
    if (applied.length < wanted) await new Promise((resolve) => (done = resolve));
    const from = BigInt(since ?? applied[0]);
    return { times: applied.map((at) => Number(at - from) / 1e6), text: latest };
  },
});

function onText(number, bytes) {
  const text = bytes.toString();
  const frame = JSON.parse(text);
  if (frame.type === 'welcome' || frame.type === 'watching') {
    if (++answers === answersWanted) allAnswered();
  } else if (frame.type === 'snapshot') {
    const keys = frame.items.length === 0 ? new Map() : keysOf(readLayers(frame.items).value);
    if (keys.size === 0 && frame.items.length > 0) throw new Error('the content has no keys');
    applied.push(process.hrtime.bigint());
    if (applied.length === wanted) {
      latest = text;
      done();
    }
  } else throw new Error(`stream ${number}: ${text}`);
}
