/** The clients of a measurement, in a process of their own: JSON lines on stdin tell it what to do, and on stdout what came of it. */

import { createInterface } from 'node:readline';
import { nanoseconds } from '../processes.mjs';
import { Client, instanceRequest, message } from './client.mjs';

/** The servers: `node load.mjs '{"rollcall": {"grpc": 9848, "http": 8848}, …}'`. */
const sides = Object.fromEntries(Object.entries(JSON.parse(process.argv[2])).map(([name, ports]) => [name, { ...ports, subscribers: [], writer: undefined }]));

const tasks = {
  /** Opens `count` connections that subscribe to the service. */
  async subscribe({ side, count, service }) {
    const { grpc, subscribers } = sides[side];
    for (let at = 0; at < count; at += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - at) }, async () => {
        const client = new Client(grpc);
        await client.open();
        await client.ask('SubscribeServiceRequest', { namespace: 'public', serviceName: service, groupName: 'DEFAULT_GROUP', subscribe: true, clusters: '' });
        subscribers.push(client);
      }));
    }
    return { open: subscribers.length };
  },

  /**
   * Changes the weight of one instance, which r-nacos takes from a registration where it keeps older metadata, and waits until all
   * subscribers have it. @param number 2 or more @returns milliseconds for each of them
   */
  async change({ side, service, number }) {
    const at = sides[side];
    const { subscribers } = at;
    at.writer ??= await opened(at.grpc);
    const mark = new RegExp(`"weight":${number}(?![0-9])`);
    const times = [];
    const all = Promise.all(subscribers.map((client) => new Promise((done) => {
      client.onPush = (pushedAt, text) => {
        if (!mark.test(text)) return;
        times.push(pushedAt);
        done();
      };
    })));
    const from = nanoseconds();
    await at.writer.ask('InstanceRequest', instanceRequest(service, 8080, { weight: number }));
    const committed = nanoseconds();
    await all;
    return { times: times.map((pushedAt) => Number(pushedAt - from) / 1e6), commit: Number(committed - from) / 1e6 };
  },

  /** Registers instances of different services for `ms`, each connection one after the other. @returns how many a second */
  async register({ side, connections, ms }) {
    const clients = await Promise.all(Array.from({ length: connections }, () => opened(sides[side].grpc)));
    let done = 0;
    const until = performance.now() + ms;
    await Promise.all(clients.map(async (client, own) => {
      for (let at = 0; performance.now() < until; at++) {
        // Most instances a connection may have: 1,000 by default.
        await client.ask('InstanceRequest', instanceRequest(`s${own}-${at % 900}`, 80, { metadata: { at: String(at) } }));
        done++;
      }
    }));
    for (const client of clients) client.close();
    return { done, perSecond: (done / ms) * 1_000 };
  },

  /** Registers a batch of `count` instances of one service, over a connection that stays. */
  async batch({ side, service, count }) {
    const owner = await opened(sides[side].grpc);
    const instances = Array.from({ length: count }, (_, at) => ({ ip: `10.1.${at >> 8}.${at & 255}`, port: 80, weight: 1, healthy: true, enabled: true, ephemeral: true, clusterName: 'DEFAULT', metadata: { zone: 'z1' } }));
    const answer = await owner.ask('BatchInstanceRequest', { namespace: 'public', serviceName: service, groupName: 'DEFAULT_GROUP', type: 'batchRegisterInstance', instances });
    if (!answer.includes('"resultCode":200')) throw new Error(answer);
    return {};
  },

  /** Asks for the list of a service over gRPC for `ms`. */
  async query({ side, service, connections, ms }) {
    const bytes = message('ServiceQueryRequest', { namespace: 'public', serviceName: service, groupName: 'DEFAULT_GROUP' });
    const clients = await Promise.all(Array.from({ length: connections }, () => opened(sides[side].grpc)));
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
    return { done, perSecond: (done / ms) * 1_000, size };
  },

  /** Heartbeats over HTTP for `ms`. */
  async beat({ side, ms, connections }) {
    const { Agent, request } = await import('node:http');
    const agent = new Agent({ keepAlive: true, maxSockets: connections });
    const send = (method, path) => new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port: sides[side].http, agent, method, path }, (answer) => answer.resume().on('end', resolve));
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
    return { done, perSecond: (done / ms) * 1_000 };
  },
};

async function opened(port) {
  const client = new Client(port);
  await client.open();
  return client;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { task, ...parameters } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await tasks[task](parameters))}\n`);
}
