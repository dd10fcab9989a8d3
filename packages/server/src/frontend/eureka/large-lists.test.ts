/** Lists of ten thousand instances: no turn of the event loop is long, and the bytes are made once. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { InstanceInput } from '../../registry/kind/catalog/commands.ts';
import { Eureka, usual, type Applications } from './eureka.case.ts';
import { registration } from './translate.ts';
import { readInstance } from './wire/read-instance.ts';

const instances = 10_000;
let eureka: Eureka;

beforeAll(async () => {
  eureka = await Eureka.start();
  const { registry } = eureka.server;
  for (let at = 0; at < instances; at += 500) {
    const all = Array.from({ length: 500 }, (_, more) => {
      // One app has a tenth of all, as large services do.
      const app = (at + more) % 10 === 0 ? 'LARGE' : `APP${(at + more) % 400}`;
      return registration(readInstance({ ...usual, app, instanceId: `i${at + more}` }, false), 'UP', { factor: 1 });
    });
    await registry.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: '', address: '' },
      nodeMode: 'none',
      instances: all.flatMap((each) => each.instances as InstanceInput[]),
      checks: all.flatMap((each) => each.checks ?? []),
    });
  }
});
afterAll(() => eureka[Symbol.asyncDispose]());

/**
 * The processor time of the longest turn of the event loop during some work, in milliseconds. Not its time on the wall: this machine runs other
 * programs. Threads that compress meanwhile count, so a turn is no longer than this.
 */
async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = process.cpuUsage();
  let isOver = false;
  const look = () => {
    const { user, system } = process.cpuUsage(last);
    longest = Math.max(longest, (user + system) / 1_000);
    last = process.cpuUsage();
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  await work();
  isOver = true;
  return longest;
}

/** Reads a body without keeping it, so that the time of the client does not count. */
async function drain(path: string, headers: Record<string, string>): Promise<number> {
  const response = await fetch(`${eureka.server.url}${path}`, { headers });
  expect(response.status).toBe(200);
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length;
  return bytes;
}

test.each([
  ['/eureka/apps', 'application/json'],
  ['/eureka/apps', 'application/xml'],
  ['/eureka/apps/delta', 'application/json'],
  ['/eureka/apps/LARGE', 'application/json'],
  ['/eureka/vips/web', 'application/json'],
  ['/eureka/instances/i9999', 'application/json'],
])('%s as %s is written in short turns', async (path, accept) => {
  // The best of three: what this process compiles and collects must not count.
  let longest = Infinity;
  for (let run = 0; run < 3; run++) {
    await eureka.register({ app: 'APP1', instanceId: `change${path}${accept}${run}` });
    longest = Math.min(longest, await longestTurn(() => drain(path, { accept, 'accept-encoding': 'gzip' })));
  }
  expect(longest).toBeLessThan(50);
});

test('a list has all of them, and the same bytes for all clients of a revision', async () => {
  const [first, second] = (await Promise.all([eureka.json('/eureka/apps'), eureka.json('/eureka/apps')])) as { applications: Applications }[];
  const count = first?.applications.application.reduce((sum, { instance }) => sum + instance.length, 0) ?? 0;
  expect(count).toBeGreaterThanOrEqual(instances);
  expect(first?.applications.apps__hashcode).toBe(`UP_${count}_`);
  expect(second).toEqual(first);
});
