import { afterEach, expect, it, vi } from 'vitest';
import { createServer, memory, type Server } from '@rollcall/server';
import { connect, type Rollcall } from './index.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function registry(port = 0): Promise<Server> {
  const server = await createServer({ engine: memory(), http: { port } });
  cleanups.push(() => server.close());
  return server;
}

async function client(server: Server): Promise<Rollcall> {
  const rollcall = await connect({ servers: [server.url] });
  cleanups.push(() => rollcall.close());
  return rollcall;
}

/** The numbers that are held, and whether by a session, as soon as there are so many. */
async function held(rollcall: Rollcall, count: number): Promise<unknown> {
  const watch = rollcall.kv.watch({ prefix: 'rollcall/ordinals/web/' }, { signal: AbortSignal.timeout(10_000) });
  for await (const { entries } of watch) {
    if (entries.length === count) return entries.map(({ key, session }) => [key.split('/').at(-1), session !== undefined]);
  }
  return expect.unreachable();
}

/** The instances that a client chooses, sorted. */
function chosen(rollcall: Rollcall): string[] {
  const ids = new Set<string>();
  for (let n = 0; n < 400; n++) {
    const picked = rollcall.service('web').pick();
    ids.add(picked.instance.id);
    picked.done();
  }
  return [...ids].sort();
}

it('clients with a subset get numbers from 0, and share the instances', async () => {
  const server = await registry();
  const owner = await client(server);
  await Promise.all(Array.from({ length: 20 }, (_, n) => owner.register({ service: 'web', id: `web-${n}`, port: 80 })));
  const callers = [await client(server), await client(server)];
  const routing = { subset: { size: 10 } };
  for (const caller of callers) {
    for await (const { instances } of caller.service('web', { routing }).watch()) if (instances.length === 20) break;
  }
  expect(await held(owner, 2)).toEqual([['0', true], ['1', true]]);
  // The two of them together choose all instances, each its half, when they have been told their numbers.
  await vi.waitFor(() => {
    const ids = callers.flatMap(chosen);
    expect([ids.length, new Set(ids).size]).toEqual([20, 20]);
  }, { timeout: 20_000 });
});

it('a number is free again when its client closes', async () => {
  const server = await registry();
  const [first, second] = [await client(server), await client(server)];
  first.service('web', { routing: { subset: { size: 1 } } });
  await held(second, 1);
  await first.close();
  await held(second, 0);
  second.service('web', { routing: { subset: { size: 1 } } });
  expect(await held(second, 1)).toEqual([['0', true]]);
});

it('a number is leased again from a registry that has lost everything', async () => {
  const before = await registry();
  const rollcall = await client(before);
  rollcall.service('web', { routing: { subset: { size: 1 } } });
  await held(rollcall, 1);
  await before.close();
  // Another client, which knows nothing of the registry before.
  const other = await client(await registry(before.ports.http));
  expect(await held(other, 1)).toEqual([['0', true]]);
});

it('clients without a subset, or with a configured ordinal, lease none', async () => {
  const rollcall = await client(await registry());
  rollcall.service('db', { routing: { subset: { size: 1, ordinal: 7 } } });
  rollcall.service('web');
  await rollcall.register({ service: 'web', port: 80 });
  expect(await rollcall.kv.list('rollcall/')).toEqual([]);
});
