/** The clients of a measurement, in a process of their own: JSON lines on stdin tell it what to do, and on stdout what came of it. */

import { createInterface } from 'node:readline';
import { nanoseconds } from '../processes.mjs';
import { Client, instanceRequest, message } from './client.mjs';

const [port, http, floorPort] = process.argv.slice(2).map(Number);
const ours = { port, subscribers: [], writer: undefined };
const floor = { port: floorPort, subscribers: [], writer: undefined };

const tasks = {
  /** Opens `count` connections that subscribe to the service; `bare`: at the floor. */
  async subscribe({ count, service, bare = false }) {
    const { port: of, subscribers } = bare ? floor : ours;
    for (let at = 0; at < count; at += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - at) }, async () => {
        const client = new Client(of);
        await client.open();
        await client.ask('SubscribeServiceRequest', { namespace: 'public', serviceName: service, groupName: 'DEFAULT_GROUP', subscribe: true, clusters: '' });
        subscribers.push(client);
      }));
    }
    return { open: subscribers.length };
  },

  /** Changes one instance, and waits until all subscribers have it. @returns milliseconds for each of them */
  async change({ service, number, bare = false }) {
    const side = bare ? floor : ours;
    const { subscribers } = side;
    side.writer ??= await opened(side.port);
    const mark = `"number":"${number}"`;
    const times = [];
    const all = Promise.all(subscribers.map((client) => new Promise((done) => {
      client.onPush = (at, text) => {
        if (!text.includes(mark)) return;
        times.push(at);
        done();
      };
    })));
    const from = nanoseconds();
    await side.writer.ask('InstanceRequest', instanceRequest(service, 8080, { number: String(number) }));
    const committed = nanoseconds();
    await all;
    return { times: times.map((at) => Number(at - from) / 1e6), commit: Number(committed - from) / 1e6 };
  },

  /** Registers instances of different services for `ms`, each connection one after the other. @returns how many a second */
  async register({ connections, ms }) {
    const clients = await Promise.all(Array.from({ length: connections }, () => opened()));
    let done = 0;
    const until = performance.now() + ms;
    await Promise.all(clients.map(async (client, own) => {
      for (let at = 0; performance.now() < until; at++) {
        // Most instances a connection may have: 1,000 by default.
        await client.ask('InstanceRequest', instanceRequest(`s${own}-${at % 900}`, 80, { at: String(at) }));
        done++;
      }
    }));
    for (const client of clients) client.close();
    return { perSecond: (done / ms) * 1_000 };
  },

  /** Registers a batch of `count` instances of one service, over a connection that stays. */
  async batch({ service, count }) {
    const owner = await opened();
    const instances = Array.from({ length: count }, (_, at) => ({ ip: `10.1.${at >> 8}.${at & 255}`, port: 80, metadata: { zone: 'z1' } }));
    const answer = await owner.ask('BatchInstanceRequest', { namespace: 'public', serviceName: service, groupName: 'DEFAULT_GROUP', type: 'batchRegisterInstance', instances });
    if (!answer.includes('"resultCode":200')) throw new Error(answer);
    return {};
  },

  /** Asks for the list of a service over gRPC for `ms`. */
  async query({ service, connections, ms }) {
    const bytes = message('ServiceQueryRequest', { namespace: 'public', serviceName: service, groupName: 'DEFAULT_GROUP' });
    const clients = await Promise.all(Array.from({ length: connections }, () => opened()));
    let done = 0;
    let size = 0;
    const until = performance.now() + ms;
    await Promise.all(clients.map(async (client) => {
      while (performance.now() < until) {
        size = (await client.call(bytes)).length;
        done++;
      }
    }));
    for (const client of clients) client.close();
    return { perSecond: (done / ms) * 1_000, size };
  },

  /** Heartbeats over HTTP for `ms`. */
  async beat({ ms, connections }) {
    const { Agent, request } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const send = (method, path) => new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: http, agent, method, path }, (answer) => answer.resume().on('end', resolve));
      asked.on('error', reject);
      asked.end();
    });
    await send('POST', '/nacos/v1/ns/instance?serviceName=beats&ip=10.0.0.9&port=80');
    let done = 0;
    const until = performance.now() + ms;
    await Promise.all(Array.from({ length: connections }, async () => {
      while (performance.now() < until) {
        await send('PUT', '/nacos/v1/ns/instance/beat?serviceName=beats&ip=10.0.0.9&port=80');
        done++;
      }
    }));
    agent.destroy();
    return { perSecond: (done / ms) * 1_000 };
  },
};

async function opened(at = port) {
  const client = new Client(at);
  await client.open();
  return client;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...parameters } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await tasks[task](parameters))}\n`);
}
