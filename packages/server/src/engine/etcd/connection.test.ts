/** The connection against a test server that answers like etcd in situations that are rare with a real one. */

import { Server, ServerCredentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../clock.ts';
import { Connection } from './connection.ts';
import { methods } from './wire.ts';

type Reply = (error: object | null, value?: object) => void;

/** @param failures messages with which the first calls of `range` fail */
async function connected(...failures: string[]) {
  const server = new Server();
  let calls = 0;
  const handlers: UntypedServiceImplementation = {
    status: (_call: unknown, reply: Reply) => reply(null, { version: '3.7.3', leader: 1 }),
    range: (_call: unknown, reply: Reply) => {
      const details = failures[calls++];
      if (details === undefined) reply(null, { kvs: [] });
      else reply({ code: status.UNAVAILABLE, details });
    },
  };
  server.addService({ status: methods.status, range: methods.range }, handlers);
  const port = await new Promise<number>((bound, failed) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, at) => (error === null ? bound(at) : failed(error)));
  });
  const connection = new Connection({ urls: [`http://127.0.0.1:${port}`] }, systemClock);
  onTestFinished(() => {
    connection.close();
    server.forceShutdown();
  });
  await connection.start();
  return { read: () => connection.read(methods.range, { key: Buffer.from('k') }, 3_000), calls: () => calls };
}

const changed = 'etcdserver: leader changed';

it('a read is sent again when the leader changes, a few times', async () => {
  const once = await connected(changed);
  expect((await once.read()).kvs).toEqual([]);
  expect(once.calls()).toBe(2);
  const always = await connected(...Array<string>(9).fill(changed));
  await expect(always.read()).rejects.toMatchObject({ code: status.UNAVAILABLE, message: changed });
  expect(always.calls()).toBe(3);
});

it('a read that failed for another reason is not sent again', async () => {
  const { read, calls } = await connected('etcdserver: request timed out');
  await expect(read()).rejects.toMatchObject({ message: 'etcdserver: request timed out' });
  expect(calls()).toBe(1);
});
