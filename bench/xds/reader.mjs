/**
 * Streams of xDS that read what they are sent, in a process of its own. Started by `push.mjs`; it says when it is ready, and how long after a
 * change its streams have it.
 *
 *   node bench/xds/reader.mjs PORT STREAMS TYPE NAME [COUNT]     TYPE is cluster or endpoints; an empty NAME asks for all, and
 *                                                                with COUNT each stream asks for NAME-0, NAME-1 and so on
 */

import { Client, credentials } from '@grpc/grpc-js';

const [port, streams, type, name, count] = process.argv.slice(2);
const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const url = { cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster', endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment' }[type];
const same = (bytes) => bytes;
/** A field whose value has a length (https://protobuf.dev/programming-guides/encoding). */
const text = (field, value) => Buffer.concat([Buffer.from([field * 8 + 2, value.length]), Buffer.from(value)]);
/** Each stream is a node with an id of its own: subsets follow from it. */
const node = (at) => text(2, text(1, `client-${at}`));
const asked = count === undefined ? [name] : Array.from({ length: Number(count) }, (_, at) => `${name}-${at}`);
const names = name === '' ? Buffer.alloc(0) : Buffer.concat(asked.map((one) => text(3, one)));

/** The nonce is the fifth field of a response, behind the resources. */
function nonceOf(bytes) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const field = number() >> 3;
    const length = number();
    if (field === 5) return bytes.toString('latin1', at, at + length);
    at += length;
  }
  return '';
}

let got = 0;
let bytesEach = 0;
const perConnection = 50;
for (let at = 0, client; at < Number(streams); at++) {
  if (at % perConnection === 0) client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 });
  const stream = client.makeBidiStreamRequest(path, same, same);
  stream.on('data', (bytes) => {
    bytesEach = bytes.length;
    stream.write(Buffer.concat([names, text(4, url), text(5, nonceOf(bytes))]));
    if (++got < Number(streams)) return;
    got = 0;
    process.send({ at: Date.now(), bytes: bytesEach });
  });
  stream.on('error', (error) => process.send({ error: error.message }));
  stream.write(Buffer.concat([node(at), names, text(4, url)]));
}
