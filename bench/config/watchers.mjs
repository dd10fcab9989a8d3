/**
 * A process with many native streams, each watching one configuration. It does with each snapshot what the client does: it parses
 * the frame, reads the layers and takes the keys.
 *
 * In production each watcher is a process of its own, and all apply a release at the same time. Here one process has all of them,
 * so it first lets all snapshots arrive, then applies each by itself: the time of a watcher is that of its arrival and of its own
 * applying, without that of the watchers before it.
 */

import { readLayers, keysOf } from '../../packages/client/dist/config/content.js';
import { serveQuestions } from '../load/raw-sockets.mjs';
import { openWebSockets } from '../load/web-sockets.mjs';

/** Snapshots, with the time in nanoseconds at which each arrived. */
let arrived = [];
let wanted = 0;
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
  /** Forgets what has arrived, and lets `news` wait for `count` snapshots. */
  async expect({ count }) {
    arrived = [];
    wanted = count;
  },
  /** Resolves when all have applied it. @returns milliseconds from `since`, in nanoseconds, of each; of them for applying; the frame */
  async news({ since }) {
    if (arrived.length < wanted) await new Promise((resolve) => (done = resolve));
    const from = BigInt(since ?? arrived[0].at);
    const applying = arrived.map(({ bytes }) => apply(bytes));
    return { times: arrived.map(({ at }, index) => Number(at - from) / 1e6 + applying[index]), applying, text: arrived.at(-1).bytes.toString() };
  },
});

function onText(number, bytes) {
  if (bytes.subarray(0, 18).toString('latin1') === '{"type":"snapshot"') {
    arrived.push({ at: process.hrtime.bigint(), bytes: Buffer.from(bytes) });
    if (arrived.length === wanted) done();
    return;
  }
  const text = bytes.toString();
  const { type } = JSON.parse(text);
  if (type !== 'welcome' && type !== 'watching') throw new Error(`stream ${number}: ${text}`);
  if (++answers === answersWanted) allAnswered();
}

/** @returns how long it took, in milliseconds */
function apply(bytes) {
  const from = performance.now();
  const { items } = JSON.parse(bytes.toString());
  const keys = items.length === 0 ? new Map() : keysOf(readLayers(items).value);
  if (keys.size === 0 && items.length > 0) throw new Error('the content has no keys');
  return performance.now() - from;
}
