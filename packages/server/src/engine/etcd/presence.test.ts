/**
 * Watchers of presences get every node while events of etcd come: a missing one would be taken for dead
 * (`cluster/membership.ts`).
 */

import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { systemClock } from '../../clock.ts';
import type { Connection } from './connection.ts';
import { Keys } from './keys.ts';
import { EtcdPresence } from './presence.ts';
import { methods } from './wire.ts';

const keys = new Keys('test');
const long = (value: number) => ({ toNumber: () => value });
const put = (nodeId: string, revision: number) => ({ type: 0, kv: { key: keys.presence(nodeId), mod_revision: long(revision) } });

/** An etcd that has a presence, and sends events of others when the test says so. */
function etcdWith(nodeId: string) {
  const events = Object.assign(new PassThrough({ objectMode: true }), { cancel: () => {} });
  const kvs = [put(nodeId, 1).kv];
  const connection = {
    call: async (method: unknown) => (method === methods.range ? { header: { revision: long(1) }, kvs } : {}),
    stream: async () => events,
  } as unknown as Connection;
  const send = (revision: number, ...list: object[]) => events.push({ header: { revision: long(revision) }, canceled: false, events: list });
  return { connection, send };
}

it('a watcher that begins while a node appears gets that node', async () => {
  const { connection, send } = etcdWith('one');
  const presence = new EtcdPresence({ connection, keys, clock: systemClock });
  await new Promise<void>((known) => presence.watch(() => known()));
  // The event is handled in the turn in which the watcher begins, before the watcher gets the present nodes.
  send(2, put('two', 2));
  const told: string[][] = [];
  presence.watch((present) => told.push([...present]));
  while (told.length < 2) await new Promise((next) => setImmediate(next));
  expect(told.at(-1)).toEqual(['one', 'two']);
  await presence.close();
});
