import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { embedded } from '../engine/embedded/embedded.ts';
import type { Engine } from '../engine/engine.ts';
import { manualClock } from '../manual-clock.case.ts';
import { nodeView, nodesView, serviceView, servicesView } from '../registry/kind/catalog/views.ts';
import { keyView, prefixView } from '../registry/kind/kv/views.ts';
import { sessionsView } from '../registry/kind/session/views.ts';
import type { Command } from '../registry/kinds.ts';
import { Journal } from '../registry/journal.case.ts';
import { kinds } from '../registry/kinds.ts';
import { momentOf, type Moment } from '../registry/moment.ts';
import type { State } from '../registry/state.ts';
import { Replica } from '../replica.ts';
import { inTurns } from '../in-turns.ts';
import { writeBackup } from './backup.ts';
import { readBackup, restoreTransaction } from './restore.ts';

const roomy = 1e8;
const putKey = (key: string, value: string): Command => ({ kind: 'kv-put', namespace: 'default', key, value: Buffer.from(value), flags: 7n });
const web = (id: string, tag = 'v1'): Command => ({
  kind: 'register',
  namespace: 'default',
  node: { name: 'n1', address: '10.0.0.1' },
  nodeMode: 'ensure',
  instances: [{ id, service: 'web', port: 80, tags: [tag] }],
});

async function bytesOf(source: State | Moment): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const moment = 'freeze' in source ? await inTurns(momentOf(source)) : source;
  for await (const chunk of writeBackup(moment)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* stream(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}

/** Rows without revisions, floors and the rows that belong to the server. */
function content(state: State): unknown[] {
  return [...state.rows()]
    .filter(([key]) => key !== 'floor' && !key.startsWith('record\0\0server\0'))
    .map(([key, row]) => [key, { ...row, created: 0, modified: 0 }])
    .sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
}

const command = fc.oneof(
  fc.constantFrom('a', 'a/b', 'b').chain((key) => fc.constantFrom('x', 'y').map((value) => putKey(key, value))),
  fc.constantFrom('a', 'a/b', 'b').map((key): Command => ({ kind: 'kv-delete', namespace: 'default', key })),
  fc.constantFrom('i1', 'i2').map((id) => web(id)),
  fc.constantFrom('i1', 'i2').map((id): Command => ({ kind: 'deregister-instance', namespace: 'default', node: 'n1', id })),
  fc.constantFrom('i1', 'i2').map(
    (id): Command => ({ kind: 'record-put', namespace: '', type: 'server', id: 'identity', value: { id } }),
  ),
);
const views = [
  ...['a', 'a/b', 'b', 'none'].map((name) => keyView('default', name)),
  ...['', 'a', 'zz'].map((name) => prefixView('default', name)),
  ...['web', 'none'].map((name) => serviceView('default', name)),
  servicesView('default'),
  nodesView(),
  nodeView('default', 'n1'),
  sessionsView('default'),
];

describe('backup and restore', () => {
  test('bring the whole state back into any registry, and no revision goes back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 30 }), fc.array(command, { maxLength: 30 }), async (then, now) => {
        const source = new Journal();
        for (const each of then) source.commit([each]);
        const backup = await readBackup(stream(await bytesOf(source.state)), roomy);
        expect(backup.revision).toBe(source.state.revision);

        const target = new Journal();
        for (const each of now) target.commit([each]);
        const identity = target.state.get('record\0\0server\0identity');
        const before = new Map(
          views.map((view) => [view, Math.max(source.views.revision(view), target.views.revision(view))]),
        );
        const { put, delete: gone, revisionAtLeast = 0 } = await inTurns(restoreTransaction(backup, target.state));
        const change = { revision: revisionAtLeast, put, delete: gone };
        // The result is the same for a small and a large registry.
        if (now.length % 2 === 0) target.views.publish(target.state.apply(change));
        else target.state.replace(await inTurns(target.state.replacing(change)));

        expect(content(target.state)).toEqual(content(source.state));
        expect(target.state.get('record\0\0server\0identity')).toEqual(identity);
        for (const view of views) {
          expect([view, target.views.revision(view)]).toEqual([view, expect.any(Number)]);
          expect(target.views.revision(view)).toBeGreaterThan(before.get(view) ?? 0);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('a backup shows the state of one moment, also during writes', async () => {
    const journal = new Journal();
    for (let at = 0; at < 3_000; at++) journal.commit([putKey(`k${at}`, 'before')]);
    const steps = momentOf(journal.state);
    let step = steps.next();
    for (let at = 0; at < 1_500; at++) step = steps.next();
    // Keys that the backup has passed and keys that it has not; deleted ones, and deleted and recreated ones.
    for (let at = 0; at < 3_000; at += 2) journal.commit([putKey(`k${at}`, 'after')]);
    for (let at = 1; at < 3_000; at += 4) journal.commit([{ kind: 'kv-delete', namespace: 'default', key: `k${at}` }]);
    for (let at = 1; at < 3_000; at += 8) journal.commit([putKey(`k${at}`, 'after')]);
    journal.commit([putKey('new', 'after')]);
    while (step.done !== true) step = steps.next();
    const reading = writeBackup(step.value)[Symbol.asyncIterator]();
    const chunks: Buffer[] = [((await reading.next()) as { value: Buffer }).value];
    for (let at = 0; at < 3_000; at++) journal.commit([putKey(`k${at}`, 'after')]);
    for (let next = await reading.next(); next.done !== true; next = await reading.next()) chunks.push(next.value);
    const backup = await readBackup(stream(Buffer.concat(chunks)), roomy);
    expect(backup.revision).toBe(3_000);
    expect(backup.records.filter(({ value }) => Buffer.from(value).includes('after'))).toEqual([]);
    expect(new Set(backup.records.map(({ key }) => key)).size).toBe(3_000);
    expect(backup.records).toHaveLength(3_000);
  });

  test('damage and truncation are found at every position', async () => {
    const journal = new Journal();
    for (let at = 0; at < 20; at++) journal.commit([putKey(`k${at}`, `value ${at}`), web(`i${at}`)]);
    const packed = await bytesOf(journal.state);
    const plain = gunzipSync(packed);
    await fc.assert(
      fc.asyncProperty(fc.nat(plain.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const damaged = Buffer.from(plain);
        damaged[at] = (damaged[at] as number) ^ by;
        await expect(readBackup(stream(gzipSync(damaged)), roomy)).rejects.toMatchObject({ code: 'invalid_argument' });
        const cut = gzipSync(plain.subarray(0, at));
        await expect(readBackup(stream(cut), roomy)).rejects.toMatchObject({ code: 'invalid_argument' });
      }),
      { numRuns: 200 },
    );
    const cut = packed.subarray(0, packed.length >> 1);
    await expect(readBackup(stream(cut), roomy)).rejects.toMatchObject({ code: 'invalid_argument' });
    const longer = gzipSync(Buffer.concat([plain, Buffer.from('x')]));
    await expect(readBackup(stream(longer), roomy)).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  for (const [what, bytes, message] of [
    ['an empty file', Buffer.alloc(0), 'cut short'],
    ['text', Buffer.from('hello'), 'not gzip'],
    ['gzip of something else', gzipSync('{"format":"other"}\n'), 'does not begin with the header of a backup'],
    ['a newer version', gzipSync('{"format":"rollcall-backup","version":9,"revision":1}\n'), 'its version is 9'],
  ] as const) {
    test(`${what} is refused with the reason`, async () => {
      await expect(readBackup(stream(bytes), roomy)).rejects.toMatchObject({ code: 'invalid_argument' });
      await expect(readBackup(stream(bytes), roomy)).rejects.toThrow(message);
    });
  }

  test('records that do not match their keys are refused', async () => {
    const fields = { id: '', address: '', meta: {} };
    for (const [key, stored] of [
      ['node\0n1', { ...fields, kind: 'node', name: 'n2' }],
      ['instance\0default\0n1\0web', { ...fields, kind: 'node', name: 'n2' }],
      ['unheard-of\0n2', fields],
      ['floor\0n2', { revision: 1 }],
      ['tombstone\0default', {}],
    ] as const) {
      const row = { kind: 'unread', key, bytes: Buffer.from(`\u0002\0${JSON.stringify(stored)}`), created: 1, modified: 1 } as const;
      const forged: Moment = { rows: [[key, row]], revision: 5, kinds };
      await expect(readBackup(stream(await bytesOf(forged)), roomy)).rejects.toThrow(/does not match its key|cannot be read|knows no such kind/);
    }
  });

  test('a record of a newer Rollcall is kept byte for byte through backup and restore, or refused with its name', async () => {
    const journal = new Journal();
    journal.commit([putKey('a', 'x')]);
    const newer = (flags: number) => ({ key: 'election\0default\0main', value: Buffer.from([1, flags, 0xff, 0, 0x7b]) });
    journal.state.apply({ revision: 2, put: [newer(1)], delete: [] });
    const backup = await readBackup(stream(await bytesOf(journal.state)), roomy);
    const target = new Journal();
    const { put, delete: gone, revisionAtLeast = 0 } = await inTurns(restoreTransaction(backup, target.state));
    target.state.apply({ revision: revisionAtLeast, put, delete: gone });
    const again = await readBackup(stream(await bytesOf(target.state)), roomy);
    const kept = again.records.find(({ key }) => key === newer(1).key);
    expect(Buffer.compare(kept?.value ?? Buffer.alloc(0), newer(1).value)).toBe(0);

    const row = { kind: 'unread', key: newer(0).key, bytes: newer(0).value, created: 2, modified: 2 } as const;
    const refused = readBackup(stream(await bytesOf({ rows: [[row.key, row]], revision: 2, kinds })), roomy);
    await expect(refused).rejects.toThrow('is of kind "election" in format 1; this Rollcall knows no such kind: use a newer one');
    await expect(refused).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  test('a restore ignores records that belong to a server', async () => {
    const journal = new Journal();
    journal.commit([{ kind: 'record-put', namespace: '', type: 'server', id: 'identity', value: { nodeId: 'mine' } }]);
    const record = { key: 'record\0\0server\0identity', value: Buffer.from('{"nodeId":"theirs"}') };
    const { put, delete: gone } = await inTurns(restoreTransaction({ revision: 5, records: [record] }, journal.state));
    expect(put.map(({ key }) => key)).toEqual(['floor']);
    expect(gone).not.toContain(record.key);
  });

  test('a restore survives a restart, with revisions ahead of the backup and of the store', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-restore-'));
    const start = async (): Promise<{ replica: Replica; engine: Engine }> => {
      const engine = await embedded({ dir });
      const onFatal = (error: Error): never => {
        throw error;
      };
      const replica = new Replica({ engine, clock: manualClock(), onFatal });
      await replica.start();
      return { replica, engine };
    };
    const source = new Journal();
    for (let at = 0; at < 500; at++) source.commit([putKey(`k${at}`, `value ${at}`), web(`i${at}`)]);
    const backup = await readBackup(stream(await bytesOf(source.state)), roomy);
    try {
      const before = await start();
      await before.replica.submit(putKey('only here', 'x'));
      await before.replica.replace((state) => restoreTransaction(backup, state));
      await before.replica.close();
      await before.engine.close();

      const { replica, engine } = await start();
      expect(content(replica.state)).toEqual(content(source.state));
      expect(replica.state.revision).toBeGreaterThan(source.state.revision + 999_999_999);
      await replica.submit(putKey('k1', 'written later'));
      await replica.close();
      await engine.close();
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test('reading a large backup does not hold the event loop', async () => {
    const journal = new Journal();
    journal.commit(Array.from({ length: 10_000 }, (_, n) => putKey(`k${n}`, 'value')));
    const bytes = await bytesOf(journal.state);
    const turns = vi.spyOn(globalThis, 'setImmediate');
    try {
      expect((await readBackup(stream(bytes), roomy)).records).toHaveLength(10_000);
      expect(turns).toHaveBeenCalledTimes(4);
    } finally {
      turns.mockRestore();
    }
  });

  test('a small file that unpacks to a large one is refused at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    await expect(readBackup(stream(bomb), 1_000_000)).rejects.toMatchObject({ code: 'resource_exhausted' });
  });
});
