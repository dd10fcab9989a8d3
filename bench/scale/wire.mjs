/**
 * Sizes of what clients and nodes send to each other, from the registry's own frames and codecs. Left out: TCP, TLS, HTTP/2 and the
 * handshakes of WebSockets. Requests over Consul's API are text as a client without extra headers sends it.
 */

import { deltaPieces, snapshotPieces } from '../../packages/server/dist/frontend/stream/view-messages.js';
import { toInstance } from '../../packages/server/dist/net/view-items/items.js';
import { frameText, frameTexts, messageBytes, ping } from '../../packages/server/dist/frontend/stream/wire.js';
import { encodeBeatAnswers, encodeBeats } from '../../packages/server/dist/cluster/channel/beat-body.js';
import { encodeFrame } from '../../packages/server/dist/cluster/channel/frame.js';
import { machineName } from './fleet.mjs';

/** A frame of a client has a mask of four bytes (RFC 6455 §5.3). */
const maskBytes = 4;

export const pingBytes = ping.length;
export const pongBytes = ping.length + maskBytes;

const registration = (at, service) => ({
  id: `i${at}`, service, address: '10.11.12.13', port: 20_000 + (at % 10_000), zone: `zone-${at % 3}`,
  tags: ['v2', 'http'], meta: { version: '2.14.3', commit: '8f14e45f' },
});

export const instanceInput = registration;

const fromServer = (frame) => messageBytes(frameText(JSON.stringify(frame)));
const fromClient = (frame) => fromServer(frame) + maskBytes;

const view = { kind: 'service', namespace: 'team-12', name: 'service-04711' };
const uuid = '9f3b1c52-4a0e-4d0b-9c53-5d9cbf0f6a11';
const revision = 123_456_789;

/** @type {Record<string, number>} bytes of each */
export const frames = {
  register: fromClient({ type: 'register', id: 1_000, instances: [registration(1_234_567, view.name)] }),
  deregister: fromClient({ type: 'deregister', id: 1_000, instances: ['i1234567'] }),
  done: fromServer({ type: 'done', id: 1_000, applied: true, revision }),
  hello: fromClient({
    type: 'hello', id: 1, protocol: 1, client: 'app', node: machineName(1), session: { id: uuid, token: uuid + uuid }, graceMs: 10_000,
    namespace: 'team-12', seen: { registry: uuid, revision },
  }),
  welcome: fromServer({
    type: 'welcome', id: 1, protocol: 1, registry: uuid, server: { name: 'node-1', version: '0.1.0' }, node: machineName(1), resumed: true,
    graceMs: 10_000, pingMs: 1_000, namespace: 'team-12', staleMs: 0,
  }),
  watch: fromClient({ type: 'watch', id: 2, views: Array.from({ length: 5 }, () => ({ ...view, revision })) }),
  watching: fromServer({ type: 'watching', id: 2, revisions: Array.from({ length: 5 }, () => revision) }),
};

const http = (...lines) => Buffer.byteLength(`${lines.join('\r\n')}\r\n\r\n`);
const body = JSON.stringify({
  Name: view.name, ID: 'i1234567', Address: '10.11.12.13', Port: 21_234, Tags: ['v2', 'http'], Meta: { version: '2.14.3', commit: '8f14e45f' },
  Check: { TTL: '30s', CheckID: 'ttl:i1234567' },
});
const host = 'Host: rollcall.internal:8500';

/** Consul's API: bytes of the request, and of the answer. */
export const consul = {
  beat: [http('PUT /v1/agent/check/pass/ttl:i1234567?ns=team-12 HTTP/1.1', host, 'Connection: keep-alive', 'Content-Length: 0'), http('HTTP/1.1 200 OK', 'Content-Length: 0', 'Connection: keep-alive')],
  register: [http('PUT /v1/agent/service/register?ns=team-12 HTTP/1.1', host, 'Connection: keep-alive', `Content-Length: ${body.length}`) + body.length, http('HTTP/1.1 200 OK', 'Content-Length: 0')],
  deregister: [http('PUT /v1/agent/service/deregister/i1234567?ns=team-12 HTTP/1.1', host, 'Connection: keep-alive', 'Content-Length: 0'), http('HTTP/1.1 200 OK', 'Content-Length: 0')],
};

const row = (at) => ({ ...registration(at, view.name), kind: 'instance', namespace: view.namespace, node: machineName(at % 100_000), weight: 1, registeredMs: 1_790_000_000_000 });
const itemOf = (at) => {
  const json = JSON.stringify(toInstance(row(at), undefined, 'passing'));
  return { json: () => json };
};

function memoized(compute) {
  const known = new Map();
  return (...by) => {
    const key = by.join();
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = compute(...by)));
    return value;
  };
}

const encodedDelta = (put, removed) =>
  messageBytes(frameTexts(deltaPieces(view, {
    from: revision, revision: revision + 1,
    put: Array.from({ length: put }, (_, at) => itemOf(1_000_000 + at)),
    remove: Array.from({ length: removed }, (_, at) => [machineName(at), `i${1_000_000 + at}`]),
  })));

const encodedSnapshot = (instances) => {
  const items = Array.from({ length: instances }, (_, at) => itemOf(1_000_000 + at));
  return messageBytes(frameTexts(snapshotPieces(view, { revision, partial: false, items }, '{')));
};

/** From so many instances on, sizes are computed from encoded ones: every instance takes the same bytes, and heads of frames grow no more. */
const manyItems = 400;

const exactDelta = memoized(encodedDelta);
const manyBytes = encodedDelta(manyItems, manyItems);
const putBytes = (encodedDelta(2 * manyItems, manyItems) - manyBytes) / manyItems;
const removedBytes = (encodedDelta(manyItems, 2 * manyItems) - manyBytes) / manyItems;

/** Of a delta with so many instances put and removed. */
export function deltaBytes(put, removed) {
  if (put < manyItems && removed < manyItems) return exactDelta(put, removed);
  return Math.round(manyBytes + (put - manyItems) * putBytes + (removed - manyItems) * removedBytes);
}

const exactSnapshot = memoized(encodedSnapshot);
const manySnapshot = encodedSnapshot(manyItems);
const itemBytes = (encodedSnapshot(2 * manyItems) - manySnapshot) / manyItems;

/** Of a snapshot with so many instances. */
export const snapshotBytes = (instances) => (instances < manyItems ? exactSnapshot(instances) : Math.round(manySnapshot + (instances - manyItems) * itemBytes));

/** A frame of the channel is one binary WebSocket message; the side that connected masks it. */
const channelBytes = (frame) => frame.length + (frame.length < 126 ? 2 : frame.length < 65_536 ? 4 : 10) + maskBytes;

/** @param {import('../../packages/server/src/cluster/channel/beat-body.ts').BeatBatch} batch */
export const batchBytes = (batch) => channelBytes(encodeFrame({ kind: 'request', id: 1_000, method: 'beats', body: encodeBeats(batch) }));
export const answersBytes = (answers) => channelBytes(encodeFrame({ kind: 'answer', id: 1_000, body: encodeBeatAnswers(answers) }));
