/** A registry moves between stores: with all it has, above all its revisions, and only when that is safe. */

import { describe, expect, it } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import type { Engine } from './engine/engine.ts';
import { heldEngine } from './engine/held-engine.case.ts';
import { limited } from './engine/limited.case.ts';
import { memory } from './engine/memory/memory.ts';
import { migrateStore } from './migrate.ts';
import { encodeRow, keyOf, type Row } from './registry/kinds.ts';
import { createServer } from './server.ts';

const row = (id: string, value = 'x'): Row => ({ kind: 'record', namespace: 'default', type: 'test', id, value, created: 0, modified: 0 });
const put = (...rows: Row[]) => rows.map((each) => ({ key: keyOf(each), value: encodeRow(each) }));

async function store(count: number, engine: Engine = memory()): Promise<Engine> {
  for (let n = 0; n < count; n++) await engine.commit({ expect: [], put: put(row(`r${n}`)), delete: [] });
  return engine;
}

async function contents(engine: Engine) {
  const records = new Map<string, { text: string; revision: number }>();
  for await (const event of engine.changes({ signal: new AbortController().signal })) {
    if (event.kind !== 'records') break;
    for (const { key, value, revision } of event.records) records.set(key, { text: Buffer.from(value).toString('hex'), revision });
  }
  return records;
}

const texts = async (engine: Engine) => Array.from(await contents(engine), ([key, { text }]) => `${key}=${text}`).toSorted();

describe('a migration', () => {
  it.each([
    ['at once', memory],
    ['in many transactions', () => limited(memory())],
  ])('copies every record %s, at revisions above those of the old store', async (_how, target) => {
    const from = await store(500);
    const to = target();
    const before = await from.barrier();
    const moved = await migrateStore(from, to);
    expect(moved).toEqual({ records: 500, revision: await to.barrier() });
    expect(await texts(to)).toEqual((await texts(from)).filter((text) => !text.includes('server\0moved')));
    for (const { revision } of (await contents(to)).values()) expect(revision).toBeGreaterThan(before);
  });

  it('refuses a store that is empty, a target that is not, and one that nodes use', async () => {
    await expect(migrateStore(memory(), memory())).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('is empty') as string });
    const from = await store(3);
    const full = await store(1);
    await expect(migrateStore(from, full)).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('has a registry already') as string });
    expect((await contents(full)).size).toBe(1);
    const used = await store(3);
    await used.presence?.hold('node-1');
    await expect(migrateStore(used, memory())).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('node-1; stop them first') as string });
  });

  it('names a record that is too large for the target before it writes anything', async () => {
    const from = await store(3);
    await from.commit({ expect: [], put: put(row('large', 'x'.repeat(2_000_000))), delete: [] });
    const to = limited(memory());
    await expect(migrateStore(from, to)).rejects.toMatchObject({ code: 'invalid_argument', message: expect.stringMatching(/large".* has 2\d{6} bytes/) as string });
    expect((await contents(to)).size).toBe(0);
  });

  it('that was interrupted keeps the store from being served, and is completed by the same command', async () => {
    const from = await store(500);
    const to = memory();
    let commits = 0;
    const breaking: Engine = {
      ...limited(to),
      async commit(transaction) {
        if (++commits > 2) throw new RegistryError('unavailable', 'the connection is lost');
        return to.commit(transaction);
      },
    };
    await expect(migrateStore(from, breaking)).rejects.toMatchObject({ code: 'unavailable' });
    expect((await contents(to)).size).toBeGreaterThan(100);
    const unserved: Engine = { ...to, close: async () => {} };
    await expect(createServer({ engine: unserved })).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('was interrupted') as string });
    await expect(migrateStore(to, memory())).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('was interrupted') as string });
    // Records that were deleted meanwhile are removed.
    await from.commit({ expect: [], put: [], delete: [keyOf(row('r0'))] });
    await migrateStore(from, limited(to));
    expect(await texts(to)).toEqual((await texts(from)).filter((text) => !text.includes('server\0moved')));
  });

  it('leaves a note in the old store: no server starts there, one that comes back to it stops, and it is not moved twice', async () => {
    const from = await store(3);
    const old: Engine = { ...from, exclusive: false, close: async () => {} };
    // Cut off: it is not present, so the migration does not know of it.
    const server = await createServer({ engine: { ...old, presence: { ttlMs: 10_000, hold: async () => ({ lost: new Promise(() => {}), release: async () => {} }), watch: () => () => {} } } });
    await migrateStore(from, memory(), { from: 'embedded:a', to: 'etcd:http://e' });
    expect(await server.fatal).toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('has moved from this store to etcd:http://e') as string });
    await server.close();
    await expect(createServer({ engine: old })).rejects.toMatchObject({ message: expect.stringContaining('has moved from this store to etcd:http://e') as string });
    await expect(migrateStore(from, memory())).rejects.toMatchObject({ message: expect.stringContaining('has moved') as string });
  });

  it('is final for a node that was cut off and has not seen the note: it commits nothing to the old store any more', async () => {
    const from = await store(3);
    const old = heldEngine({ ...from, close: async () => {} });
    const server = await createServer({ engine: { ...old.engine, presence: { ttlMs: 10_000, hold: async () => ({ lost: new Promise(() => {}), release: async () => {} }), watch: () => () => {} } } });
    const put = (path: string) => fetch(`${server.url}/v1/kv/${path}`, { method: 'PUT', body: '1' });
    expect((await put('before')).status).toBe(200);
    old.hold();
    await migrateStore(from, memory());
    const late = await put('late');
    expect([late.status, await late.text()]).toEqual([500, expect.stringContaining('has moved from this store to another one')]);
    expect((await texts(from)).filter((text) => text.includes('late'))).toEqual([]);
    old.go();
    await server.close();
  });

  it('comes back to the store that it has left, above all revisions of both', async () => {
    const [from, to] = [await store(3), memory()];
    await migrateStore(from, to);
    await to.commit({ expect: [], put: put(row('later')), delete: [keyOf(row('r0'))] });
    for (let n = 0; n < 10; n++) await from.commit({ expect: [], put: put(row('ignored')), delete: [] });
    const highest = Math.max(await from.barrier(), await to.barrier());
    const { revision } = await migrateStore(to, from);
    expect(revision).toBeGreaterThan(highest);
    expect((await texts(from)).map((text) => text.split('=')[0])).toEqual(['later', 'r1', 'r2'].map((id) => keyOf(row(id))));
    await (await createServer({ engine: { ...from, close: async () => {} } })).close();
  });

  it('is refused, and the old store stays served, when another process has written to it meanwhile', async () => {
    const from = await store(3);
    const writing: Engine = {
      ...from,
      async commit(transaction) {
        await from.commit({ expect: [], put: put(row('late')), delete: [] });
        return from.commit(transaction);
      },
    };
    const to = memory();
    await expect(migrateStore(writing, to)).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('another process has written to the old store') as string });
    await (await createServer({ engine: { ...from, close: async () => {} } })).close();
    await expect(createServer({ engine: { ...to, close: async () => {} } })).rejects.toMatchObject({ message: expect.stringContaining('was interrupted') as string });
  });
});
