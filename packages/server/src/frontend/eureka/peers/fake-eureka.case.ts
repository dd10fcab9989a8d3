/**
 * A Eureka server as other servers see it: its list, single instances, and batches, which it keeps for tests. It answers as Eureka 2.0.6 does
 * in recorded exchanges. It has no clients and no clock: leases never end here, and a test says when an instance was renewed.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { freePort } from '../../../../../../conformance/free-ports.mjs';
import type { InstanceInfo } from '../wire/instance-info.ts';
import { readInstance } from '../wire/read-instance.ts';
import { instanceFields } from '../wire/write-json.ts';
import type { Message, MessageAnswer } from './messages.ts';
import { answersJson, readBatch } from './messages.ts';

export interface FakeEureka {
  readonly url: string;
  /** By `APP/id`. */
  readonly instances: Map<string, InstanceInfo>;
  /** All messages that came, the oldest first. */
  readonly messages: Message[];
  readonly headers: Record<string, string | string[] | undefined>[];
  /** Answered instead of anything else: 503, say. */
  refusal: number | undefined;
  /** Answers to certain messages. */
  answer: (message: Message) => MessageAnswer | undefined;
  /** Resolves as soon as the condition holds; looked at after every request. */
  until(condition: () => boolean): Promise<void>;
  /** Closes it: connections are refused. */
  stop(): Promise<void>;
  /** Opens it again at the same port. */
  start(): Promise<void>;
}

/** An instance as a Spring application registers it. */
export function springInstance(app: string, instanceId: string, more: object = {}): InstanceInfo {
  return readInstance(
    {
      ...{ instanceId, app, hostName: '127.0.0.1', ipAddr: '127.0.0.1', status: 'UP', port: { $: 8080, '@enabled': 'true' } },
      ...{ dataCenterInfo: { name: 'MyOwn' }, leaseInfo: { renewalIntervalInSecs: 10, durationInSecs: 30 }, lastDirtyTimestamp: 1_000, metadata: { zone: 'z1' } },
      ...more,
    },
    false,
  );
}

export async function fakeEureka(): Promise<FakeEureka> {
  const server = createServer((request, response) => void handle(request, response));
  const listeners = new Set<() => void>();
  const port = await freePort();
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen();
  const fake: FakeEureka = {
    url: `http://127.0.0.1:${port}/eureka`,
    instances: new Map(),
    messages: [],
    headers: [],
    refusal: undefined,
    answer: () => undefined,
    until(condition) {
      return new Promise((resolve) => {
        const check = () => {
          if (!condition()) return;
          listeners.delete(check);
          resolve();
        };
        listeners.add(check);
        check();
      });
    },
    async stop() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
    start: listen,
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    fake.headers.push(request.headers);
    const [status, body] = fake.refusal === undefined ? answerTo(request, Buffer.concat(chunks).toString('utf8')) : ([fake.refusal, ''] as const);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    for (const check of [...listeners]) check();
  };

  const answerTo = ({ method, url = '' }: IncomingMessage, body: string): readonly [number, string] => {
    if (method === 'POST') return [200, answersJson(readBatch(JSON.parse(body)).map((message) => take(message as Message)))];
    const [, app, id] = /^\/eureka\/apps\/([^/]*)\/?(.*)$/.exec(url) ?? [];
    if (app !== '') {
      const info = fake.instances.get(`${decodeURIComponent(app ?? '')}/${decodeURIComponent(id ?? '')}`);
      return info === undefined ? [404, ''] : [200, JSON.stringify({ instance: instanceFields(info) })];
    }
    const application = [...fake.instances.values()].map((info) => ({ name: info.app, instance: [instanceFields(info)] }));
    return [200, JSON.stringify({ applications: { versions__delta: '1', apps__hashcode: '', application } })];
  };

  const take = (message: Message): MessageAnswer => {
    fake.messages.push(message);
    const key = `${message.app}/${message.id}`;
    const before = fake.instances.get(key);
    const told = fake.answer(message);
    if (told !== undefined) return told;
    if (message.action === 'Register' && message.info !== undefined) fake.instances.set(key, message.info);
    else if (before === undefined) return { status: 404 };
    else if (message.action === 'Cancel') fake.instances.delete(key);
    else if (message.action === 'StatusUpdate' && message.status !== undefined) fake.instances.set(key, { ...before, status: message.status, overriddenStatus: message.status });
    else if (message.action === 'DeleteStatusOverride') fake.instances.set(key, { ...before, status: message.status ?? 'UNKNOWN', overriddenStatus: 'UNKNOWN' });
    return { status: 200 };
  };
  return fake;
}
