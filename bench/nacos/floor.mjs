/**
 * The least that pushing over HTTP/2 costs in Node: a server that writes one message to all open streams in a loop, and reads the answers.
 * It answers calls of `client.mjs` with an empty success, and pushes for each registration a list of ten instances, as the server under
 * measurement does.
 */

import { createServer } from 'node:http2';
import { message } from './client.mjs';

const streams = new Set();
const server = createServer({ settings: { initialWindowSize: 1_048_576 } });
server.on('session', (session) => session.on('error', () => {}));
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  if (headers[':path'].startsWith('/BiRequestStream')) {
    streams.add(stream);
    stream.on('close', () => streams.delete(stream));
    stream.on('data', () => {});
    return;
  }
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('end', () => {
    const number = /"weight":(\d+)/.exec(Buffer.concat(chunks).toString('latin1'))?.[1];
    if (number !== undefined) push(Number(number));
    stream.end(message('Response', { resultCode: 200, errorCode: 0, success: true }));
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`));

function push(number) {
  const host = (at) => ({
    ...{ instanceId: `10.1.0.${at}#80#DEFAULT#DEFAULT_GROUP@@web`, ip: `10.1.0.${at}`, port: 80, weight: number, healthy: true, enabled: true, ephemeral: true },
    ...{ clusterName: 'DEFAULT', serviceName: 'DEFAULT_GROUP@@web', metadata: { zone: 'z1' } },
    ...{ instanceHeartBeatInterval: 5_000, instanceHeartBeatTimeOut: 15_000, ipDeleteTimeout: 30_000 },
  });
  const bytes = message('NotifySubscriberRequest', { headers: {}, requestId: String(number), serviceInfo: { name: 'web', hosts: Array.from({ length: 11 }, (_, at) => host(at)) } });
  for (const stream of streams) stream.write(bytes);
}
