/** Sends the requests of `shape-turns.mjs`, in a process of its own, and reads each answer to its end. It keeps one ZooKeeper session. */

import { connect as connectTcp } from 'node:net';
import { Client as GrpcClient, credentials } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { encodeRequest } from '../../packages/server/dist/jute/requests.js';
import { dnsQuery } from '../dns-query.mjs';
import { Client as ZookeeperClient } from '../zookeeper/client.mjs';

let session;

process.on('message', (request) => void answer(request));

async function answer(request) {
  try {
    process.send(await kinds[request.kind](request));
  } catch (error) {
    process.send({ error: String(error?.message ?? error) });
  }
}

const kinds = {
  /** One path, or several at once. */
  async http({ url, path, paths = [path], method = 'GET', body, headers }) {
    const read = async (each) => {
      const answer = await fetch(url + each, { method, headers: { 'accept-encoding': 'identity', ...headers }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
      let bytes = 0;
      let begin = '';
      for await (const chunk of answer.body ?? []) {
        if (begin === '') begin = Buffer.from(chunk.subarray(0, 300)).toString();
        bytes += chunk.length;
      }
      if (answer.status >= 400) throw new Error(`${answer.status} ${begin}`);
      return bytes;
    };
    const bytes = await Promise.all(paths.map(read));
    return { bytes: bytes.reduce((sum, each) => sum + each, 0) };
  },

  /** The snapshots of views of the native stream. */
  stream({ url, views }) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/rollcall/v1/stream`, { maxPayload: 0 });
      let bytes = 0;
      let left = views.length;
      socket.on('error', reject);
      socket.on('open', () => {
        socket.send(JSON.stringify({ type: 'hello', id: 1, protocol: 1, client: 'bench' }));
        socket.send(JSON.stringify({ type: 'watch', id: 2, views }));
      });
      socket.on('message', (data) => {
        const begin = Buffer.from(data).toString('utf8', 0, 300);
        const type = /"type":"([a-z-]+)"/.exec(begin)?.[1];
        if (type === 'error' || type === 'watch-ended') reject(new Error(begin));
        if (type !== 'snapshot') return;
        bytes += data.length;
        if (--left > 0) return;
        resolve({ bytes });
        socket.close();
      });
    });
  },

  /** One request by its name in ZooKeeper's protocol. */
  async zookeeper({ ports, op, body }) {
    session ??= await openSession(ports.zookeeper);
    const packet = encodeRequest(0, op, withBuffers(body));
    const code = await session.ask([packet.readInt32BE(8), packet.subarray(12)]);
    if (code !== 0) throw new Error(`${op} was refused with ${code}`);
    return { bytes: 0 };
  },

  /** Resources of xDS by name. */
  xds({ ports, type, names }) {
    const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
    const same = (bytes) => bytes;
    const text = (field, value) => Buffer.concat([Buffer.from([field * 8 + 2]), varint(value.length), Buffer.from(value)]);
    const client = new GrpcClient(`127.0.0.1:${ports.grpc}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 });
    return new Promise((resolve, reject) => {
      const stream = client.makeBidiStreamRequest(path, same, same);
      stream.on('error', reject);
      stream.on('data', (bytes) => {
        resolve({ bytes: bytes.length });
        stream.cancel();
        client.close();
      });
      stream.write(Buffer.concat([text(2, text(1, 'client')), ...names.map((name) => text(3, name)), text(4, `type.googleapis.com/${type}`)]));
    });
  },

  async dns({ ports, host, type }) {
    return { bytes: (await dnsQuery(ports.dns, host, type)).length };
  },

  /** The same over TCP, where an answer may have 64 KiB. */
  dnsOverTcp({ ports, host, code }) {
    const labels = host.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
    const message = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, code, 0, 1]);
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host: '127.0.0.1', port: ports.dns }, () => socket.write(Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])));
      let bytes = 0;
      let length = Infinity;
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        if (bytes === 0) length = chunk.readUInt16BE(0) + 2;
        bytes += chunk.length;
        if (bytes < length) return;
        resolve({ bytes });
        socket.destroy();
      });
    });
  },
};

async function openSession(port) {
  const opened = await ZookeeperClient.open(port);
  setInterval(() => void opened.ping().catch(() => {}), 5_000).unref();
  return opened;
}

/** Buffers do not survive the way from the other process. */
function withBuffers(value) {
  if (Array.isArray(value)) return value.map(withBuffers);
  if (value?.type === 'Buffer') return Buffer.from(value.data);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withBuffers(each)]));
}

function varint(value) {
  const bytes = [];
  for (let left = value; ; left >>>= 7) {
    bytes.push(left < 128 ? left : (left & 127) | 128);
    if (left < 128) return Buffer.from(bytes);
  }
}
