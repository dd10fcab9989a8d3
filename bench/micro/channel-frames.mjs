/**
 * The cost of a transaction and of a batch of heartbeats between two nodes: in the frames of the channel, and as JSON with
 * values in base64. It encodes and decodes in one process, without network and WebSocket.
 *
 *   npm run build && node bench/micro/channel-frames.mjs
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { decodeBeats, encodeBeats } from '../../packages/server/dist/cluster/channel/beat-body.js';
import { decodeFrame, encodeFrame } from '../../packages/server/dist/cluster/channel/frame.js';
import { EventDecoder, EventEncoder } from '../../packages/server/dist/cluster/channel/log-body.js';

const row = (name) => JSON.stringify({ kind: 'instance', namespace: 'default', node: `node-${name}`, id: `web-${name}`, service: 'web', address: '10.0.0.7', port: 8080, tags: ['v2', 'eu'], meta: { version: '1.2.3' }, weight: 1, created: 0, modified: 0 });
const transaction = (puts, value) => ({ kind: 'transaction', revision: 123_456, put: Array.from({ length: puts }, (_, at) => ({ key: `instance\0default\0node-${at}\0web-${at}`, value: value(at) })), delete: [] });
const beats = { epoch: 7, beats: Array.from({ length: 512 }, (_, at) => ({ key: `check\0default\0node-${at}\0service:web-${at}`, status: 'passing', output: 'ok', principal: `token ${randomUUID()}` })) };

const frames = {
  encode: (event) => encodeFrame({ kind: 'item', id: 7, body: [...new EventEncoder().parts(event)][0] }),
  decode: (bytes) => new EventDecoder().take(decodeFrame(bytes).body),
};
const json = {
  encode: (event) => Buffer.from(JSON.stringify({ kind: 'item', id: 7, event: { ...event, put: event.put.map(({ key, value }) => ({ key, value: value.toString('base64') })) } })),
  decode(bytes) {
    const { event } = JSON.parse(bytes.toString());
    return { ...event, put: event.put.map(({ key, value }) => ({ key, value: Buffer.from(value, 'base64') })) };
  },
};
const beatFrames = { encode: (batch) => encodeFrame({ kind: 'request', id: 7, method: 'beats', body: encodeBeats(batch) }), decode: (bytes) => decodeBeats(decodeFrame(bytes).body) };
const beatJson = { encode: (batch) => Buffer.from(JSON.stringify({ kind: 'request', id: 7, method: 'beats', ...batch })), decode: (bytes) => JSON.parse(bytes.toString()) };

const cases = [
  ['transaction of 1 row', transaction(1, (at) => Buffer.from(row(at))), frames, json],
  ['transaction of 64 rows', transaction(64, (at) => Buffer.from(row(at))), frames, json],
  ['transaction of 512 KiB in one value', transaction(1, () => randomBytes(524_288)), frames, json],
  ['512 heartbeats', beats, beatFrames, beatJson],
];

/** Microseconds for one call: the best of several rounds that take turns. */
function cost(run, rounds = 7, roundMs = 60) {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    let calls = 0;
    const started = performance.now();
    while (performance.now() - started < roundMs) {
      for (let at = 0; at < 8; at++) run();
      calls += 8;
    }
    best = Math.min(best, (performance.now() - started) / calls);
  }
  return best * 1_000;
}

const rows = cases.map(([name, input, ours, other]) => {
  const [a, b] = [ours.encode(input), other.encode(input)];
  const [encode, encodeJson] = [cost(() => ours.encode(input)), cost(() => other.encode(input))];
  const [decode, decodeJson] = [cost(() => ours.decode(a)), cost(() => other.decode(b))];
  const ratio = (encodeJson + decodeJson) / (encode + decode);
  return { what: name, 'frame bytes': a.length, 'JSON bytes': b.length, 'frame µs': (encode + decode).toFixed(1), 'JSON µs': (encodeJson + decodeJson).toFixed(1), 'JSON / frame': ratio.toFixed(2) };
});
console.table(rows);
