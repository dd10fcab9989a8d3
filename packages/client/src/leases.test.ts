import { afterEach, expect, it } from 'vitest';
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

const holders = async (rollcall: Rollcall) => (await rollcall.kv.list('rollcall/ordinals/web/')).map(({ key, session }) => [key.split('/').at(-1), session !== undefined]);

async function until<T>(what: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await what();
    if (holds(value)) return value;
    await new Promise((turn) => setImmediate(turn));
  }
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

it('clients with a subset are numbered from 0, and share out the instances', async () => {
  const server = await registry();
  const owner = await client(server);
  await Promise.all(Array.from({ length: 20 }, (_, n) => owner.register({ service: 'web', id: `web-${n}`, port: 80 })));
  const callers = [await client(server), await client(server)];
  const routing = { subset: { size: 10 } };
  for (const caller of callers) {
    caller.service('web', { routing });
    await until(() => caller.service('web').instances(), ({ length }) => length === 20);
  }
  await until(() => holders(owner), ({ length }) => length === 2);
  expect(await holders(owner)).toEqual([['0', true], ['1', true]]);
  // The two of them together choose everybody, each its half.
  const all = await until(
    async () => callers.flatMap(chosen),
    (ids) => new Set(ids).size === 20 && ids.length === 20,
  );
  expect(all).toHaveLength(20);
});

it('a number is free again when its client closes', async () => {
  const server = await registry();
  const [first, second] = [await client(server), await client(server)];
  first.service('web', { routing: { subset: { size: 1 } } });
  await until(() => holders(second), ({ length }) => length === 1);
  await first.close();
  await until(() => holders(second), ({ length }) => length === 0);
  second.service('web', { routing: { subset: { size: 1 } } });
  expect(await until(() => holders(second), ({ length }) => length === 1)).toEqual([['0', true]]);
});

it('is leased again from a registry that has lost everything', async () => {
  const before = await registry();
  const rollcall = await client(before);
  rollcall.service('web', { routing: { subset: { size: 1 } } });
  await until(() => holders(rollcall), ({ length }) => length === 1);
  await before.close();
  await registry(before.httpPort);
  expect(await until(() => holders(rollcall).catch(() => []), ({ length }) => length === 1)).toEqual([['0', true]]);
});

it('clients without a subset, or with an ordinal of their own, ask for none', async () => {
  const rollcall = await client(await registry());
  rollcall.service('db', { routing: { subset: { size: 1, ordinal: 7 } } });
  rollcall.service('web');
  await rollcall.register({ service: 'web', port: 80 });
  expect(await rollcall.kv.list('rollcall/')).toEqual([]);
});
