/**
 * The behaviour of every engine: the port's contract as tests. Each engine's own test file calls
 * `engineCases`; promises of only one engine are tested there.
 */

import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { all, bytes, commit, commitBytes, content, fill, initial, read, refused, sorted, text, tryCommit } from './calls.case.ts';
import { rangeGuardCases } from './range-guards.case.ts';
import { recordKeyBytesMax, recordValueBytesMax } from './engine.ts';
import type { Engine } from './engine.ts';

export interface EngineUnderTest {
  readonly engine: Engine;
  /** Closes the engine and opens it again on the same data; absent when nothing outlives `close`. */
  readonly reopen?: () => Promise<Engine>;
  /** Makes the store forget the history of its transactions, if it does not by itself after some 2,000 of them. */
  readonly forget?: () => Promise<void>;
  /** Removes what the test left behind; the engine is closed by then. */
  readonly discard?: () => Promise<void>;
}

/** Cases in which an engine differs, each with the reason. */
export interface Deviations {
  readonly reopen?: string;
  /** The store keeps its history until it is told to forget it. */
  readonly history?: string;
  /** Transactions are on their way to a slow reader, which gets those before it starts again. */
  readonly onTheWay?: string;
}

/** @param open an engine with an empty store, a new one for each test */
export function engineCases(name: string, open: () => Promise<EngineUnderTest>, deviations: Deviations = {}): void {
  rangeGuardCases(name, open);
  describe(`engine ${name}`, () => {
    const opened: { under: EngineUnderTest; engine: Engine }[] = [];

    async function start(): Promise<Engine> {
      const under = await open();
      opened.push({ under, engine: under.engine });
      return under.engine;
    }

    async function forget(engine: Engine): Promise<void> {
      await opened.find((each) => each.engine === engine)?.under.forget?.();
    }

    async function restart(engine: Engine): Promise<Engine> {
      const entry = opened.find((each) => each.engine === engine);
      const reopen = entry?.under.reopen;
      if (entry === undefined || reopen === undefined) throw new Error('this engine cannot be opened again');
      entry.engine = await reopen();
      return entry.engine;
    }

    afterEach(async () => {
      for (const { under, engine } of opened.splice(0)) {
        await engine.close();
        await under.discard?.();
      }
    });

    describe('compare and commit', () => {
      it('applies nothing when any expectation fails, and says which and what it found', async () => {
        const engine = await start();
        const first = await commit(engine, { put: { a: '1', b: '1' } });
        const result = await engine.commit({
          expect: [
            { key: 'a', revision: first },
            { key: 'b', revision: first + 7 },
            { key: 'c', revision: 3 },
          ],
          put: [{ key: 'a', value: bytes('2') }],
          delete: ['b'],
        });
        expect(result).toEqual({ ok: false, key: 'b', revision: first });
        expect(await content(engine)).toEqual({ a: ['1', first], b: ['1', first] });
        expect(await engine.barrier()).toBe(first);
      });

      it('takes revision 0 to mean that the record must not exist', async () => {
        const engine = await start();
        const absent = { expect: [{ key: 'a', revision: 0 }] };
        const revision = await commit(engine, { ...absent, put: { a: '1' } });
        expect(await tryCommit(engine, { ...absent, put: { a: '2' } })).toEqual({ ok: false, key: 'a', revision });
        await commit(engine, { delete: ['a'] });
        expect((await tryCommit(engine, { ...absent, put: { a: '3' } })).ok).toBe(true);
      });

      it('gives a failed expectation on an absent record revision 0', async () => {
        const engine = await start();
        const expectation = { expect: [{ key: 'a', revision: 4 }] };
        expect(await tryCommit(engine, { ...expectation, put: { b: '1' } })).toEqual({ ok: false, key: 'a', revision: 0 });
      });

      it('ignores the deletion of what does not exist', async () => {
        const engine = await start();
        const revision = await commit(engine, { put: { a: '1' }, delete: ['b', 'x'.repeat(5_000)] });
        expect(await content(engine)).toEqual({ a: ['1', revision] });
      });

      it('keeps a record that one transaction both deletes and puts', async () => {
        const engine = await start();
        await commit(engine, { put: { a: '1' } });
        const revision = await commit(engine, { put: { a: '2' }, delete: ['a'] });
        expect(await content(engine)).toEqual({ a: ['2', revision] });
      });
    });

    describe('revisions', () => {
      it('start at 0 and ascend, one for each transaction', async () => {
        const engine = await start();
        expect(await engine.barrier()).toBe(0);
        const first = await commit(engine, { put: { a: '1' } });
        const second = await commit(engine, { put: { b: '1' } });
        expect(first).toBeGreaterThan(0);
        expect(second).toBeGreaterThan(first);
        expect(await engine.barrier()).toBe(second);
        expect(await content(engine)).toEqual({ a: ['1', first], b: ['1', second] });
      });

      it('leap to revisionAtLeast, never back', async () => {
        const engine = await start();
        expect(await commit(engine, { put: { a: '1' }, revisionAtLeast: 5_000_000_000 })).toBe(5_000_000_000);
        const next = await commit(engine, { put: { b: '1' }, revisionAtLeast: 7 });
        expect(next).toBeGreaterThan(5_000_000_000);
        expect(await content(engine)).toEqual({ a: ['1', 5_000_000_000], b: ['1', next] });
      });

      it('refuse a leap that leaves no room', async () => {
        const engine = await start();
        for (const revisionAtLeast of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER]) {
          await refused(engine.commit({ expect: [], put: [], delete: [], revisionAtLeast }), 'invalid_argument');
        }
        expect(await engine.barrier()).toBe(0);
      });
    });

    describe('concurrent commits', () => {
      it('take effect one after the other in the order of the calls', async () => {
        const engine = await start();
        const calls = Array.from({ length: 200 }, (_, index) => commit(engine, { put: { shared: String(index) } }));
        const revisions = await Promise.all(calls);
        expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
        expect(new Set(revisions).size).toBe(200);
        expect(await content(engine)).toEqual({ shared: ['199', revisions[199]] });
      });

      it('are each checked against the ones before, also those that are not durable yet', async () => {
        const engine = await start();
        const claim = (by: string) => tryCommit(engine, { expect: [{ key: 'lock', revision: 0 }], put: { lock: by } });
        const [first, second] = await Promise.all([claim('one'), claim('two')]);
        expect(first.ok).toBe(true);
        expect(second).toEqual({ ok: false, key: 'lock', revision: first.revision });
        expect(await content(engine)).toEqual({ lock: ['one', first.revision] });
      });

      it('see deletions of the ones before', async () => {
        const engine = await start();
        await commit(engine, { put: { a: '1' } });
        const [, created] = await Promise.all([
          commit(engine, { delete: ['a'] }),
          tryCommit(engine, { expect: [{ key: 'a', revision: 0 }], put: { a: '2' } }),
        ]);
        expect(created.ok).toBe(true);
        expect(await content(engine)).toEqual({ a: ['2', created.revision] });
      });
    });

    describe('changes', () => {
      it('begin with a reset and end the initial state where the store stands', async () => {
        const engine = await start();
        expect(await initial(engine)).toEqual({ records: [], resets: [true], revision: 0 });
        const revision = await commit(engine, { put: { a: '1' } });
        const { records, resets } = await initial(engine);
        expect(records).toEqual([{ key: 'a', value: '1', revision }]);
        expect(resets).toEqual([true]);
      });

      it('yield each later transaction once, in order, as it was committed', async () => {
        const engine = await start();
        const reader = read(engine);
        await reader.until('caught-up');
        const first = await commit(engine, { put: { a: '1', b: '' }, delete: ['nothing'] });
        const second = await commit(engine, { delete: ['a'] });
        const seen = await reader.transactions(2);
        expect(seen.map(({ revision }) => revision)).toEqual([first, second]);
        expect(seen[0]?.put.map(({ key, value }) => [key, text(value)])).toEqual([['a', '1'], ['b', '']]);
        expect(seen[1]).toMatchObject({ put: [], delete: ['a'] });
        await reader.end();
      });

      it('leave no gap between the initial state and what is committed meanwhile', async () => {
        const engine = await start();
        await fill(engine, 3_500);
        const reader = read(engine);
        const state = new Map<string, number>();
        const late: Promise<number>[] = [];
        for (let number = 0; late.length < 20 || state.get('late19') !== (await late[19]); number++) {
          const event = await reader.next();
          if (event.kind === 'records') for (const { key, revision } of event.records) state.set(key, revision);
          if (event.kind === 'transaction') for (const { key } of event.put) state.set(key, event.revision);
          if (late.length < 20) late.push(commit(engine, { put: { [`late${number}`]: 'x', 'key-7': 'new' } }));
        }
        const revisions = await Promise.all(late);
        expect(state.size).toBe(3_520);
        for (const [index, revision] of revisions.entries()) expect(state.get(`late${index}`)).toBe(revision);
        expect(state.get('key-7')).toBe(revisions.at(-1));
        await reader.end();
      });

      it('show the initial state of one moment, however slowly it is read', async () => {
        const engine = await start();
        await fill(engine, 3_000);
        const reader = read(engine);
        const records = [...(await reader.nextRecords())];
        // Every record changes several times behind the reader's back.
        for (let round = 0; round < 4; round++) await fill(engine, 3_000, `round ${round}`);
        for (;;) {
          const event = await reader.next();
          if (event.kind !== 'records') break;
          records.push(...event.records);
        }
        expect(records).toHaveLength(3_000);
        expect(new Set(records.map(({ value }) => text(value)))).toEqual(new Set(['filled']));
        let seen = 0;
        while (seen < 12_000) seen += (await reader.transactions(1))[0]?.put.length ?? 0;
        expect(seen).toBe(12_000);
        await reader.end();
      });

      it('resume after a revision with what came since, and nothing else', async () => {
        const engine = await start();
        const first = await commit(engine, { put: { a: '1' } });
        const second = await commit(engine, { put: { b: '1' } });
        const reader = read(engine, first);
        expect(await reader.next()).toMatchObject({ kind: 'transaction', revision: second });
        const third = await commit(engine, { put: { c: '1' } });
        expect(await reader.next()).toMatchObject({ kind: 'transaction', revision: third });
        await reader.end();

        const atTheEnd = read(engine, third);
        const fourth = await commit(engine, { put: { d: '1' } });
        expect(await atTheEnd.next()).toMatchObject({ kind: 'transaction', revision: fourth });
        await atTheEnd.end();
      });

      it('resume from the beginning of the store', async () => {
        const engine = await start();
        const reader = read(engine, 0);
        const revision = await commit(engine, { put: { a: '1' } });
        expect(await reader.next()).toMatchObject({ kind: 'transaction', revision });
        await reader.end();
      });

      it('start again when they no longer reach back, or never were there', async () => {
        const engine = await start();
        const first = await commit(engine, { put: { a: '1' } });
        const calls = Array.from({ length: 3_000 }, (_, index) => commit(engine, { put: { a: String(index) } }));
        const last = (await Promise.all(calls)).at(-1) as number;
        await forget(engine);
        for (const after of [first, last + 1_000]) {
          const reader = read(engine, after);
          expect(await reader.next()).toMatchObject({ kind: 'records', reset: true, records: [{ key: 'a', revision: last }] });
          expect(await reader.next()).toEqual({ kind: 'caught-up', revision: last });
          await reader.end();
        }
      });

      it('start again for a reader that has fallen too far behind', async () => {
        const engine = await start();
        await commit(engine, { put: { a: '1' } });
        const reader = read(engine);
        await reader.until('caught-up');
        const calls = Array.from({ length: 3_000 }, (_, index) => commit(engine, { put: { a: String(index) } }));
        const last = (await Promise.all(calls)).at(-1) as number;
        if (deviations.onTheWay !== undefined) {
          for (let event = await reader.next(); event.kind === 'records' || event.revision < last; ) event = await reader.next();
          return reader.end();
        }
        if (deviations.history !== undefined) {
          expect((await reader.transactions(3_000)).at(-1)?.revision).toBe(last);
          return reader.end();
        }
        expect(await reader.next()).toMatchObject({ kind: 'records', reset: true, records: [{ key: 'a', revision: last }] });
        expect(await reader.next()).toEqual({ kind: 'caught-up', revision: last });
        await reader.end();
      });

      it('keep little of large transactions, except for a reader that has yet to see them', async () => {
        const engine = await start();
        const first = await commit(engine, { put: { a: '1' } });
        const reader = read(engine, first);
        const second = await commit(engine, { put: { a: '2' } });
        expect(await reader.next()).toMatchObject({ revision: second });
        const large = Array.from({ length: 12 }, () => commitBytes(engine, 'large', Buffer.alloc(1_048_576)));
        const revisions = await Promise.all(large);
        expect((await reader.transactions(12)).map(({ revision }) => revision)).toEqual(revisions);
        await reader.end();
        await forget(engine);
        const late = read(engine, first);
        expect(await late.next()).toMatchObject({ kind: 'records', reset: true });
        await late.end();
      });

      it('end when the signal aborts, also before and within the initial state', async () => {
        const engine = await start();
        await fill(engine, 3_000);
        for (const events of [0, 1, 2, 4]) {
          const reader = read(engine);
          for (let seen = 0; seen < events; seen++) await reader.next();
          await reader.end();
        }
        expect((await initial(engine)).records).toHaveLength(3_000);
      });

      it('end when the engine closes', async () => {
        const engine = await start();
        await commit(engine, { put: { a: '1' } });
        const waiting = read(engine);
        await waiting.until('caught-up');
        const behind = read(engine);
        await behind.next();
        await engine.close();
        await waiting.ended();
        await behind.ended();
        await read(engine).ended();
      });
    });

    describe('closing', () => {
      it('waits for commits in flight and is idempotent', async () => {
        const engine = await start();
        const calls = Array.from({ length: 50 }, (_, index) => commit(engine, { put: { [`k${index}`]: 'x' } }));
        const closing = Promise.all([engine.close(), engine.close()]);
        expect(await Promise.all(calls)).toHaveLength(50);
        await closing;
        await engine.close();
      });

      it('refuses everything afterwards', async () => {
        const engine = await start();
        await engine.close();
        await refused(engine.commit({ expect: [], put: [], delete: [] }), 'unavailable');
        await refused(engine.barrier(), 'unavailable');
      });
    });

    describe('keys and values', () => {
      it('take keys and values up to the limits and refuse what is over, writing nothing', async () => {
        const engine = await start();
        // Two bytes of UTF-8 each.
        const longest = 'ä'.repeat(recordKeyBytesMax / 2);
        await commit(engine, { put: { [longest]: '1' } });
        const most = Math.min(recordValueBytesMax, engine.limits.bytes - 'largest'.length);
        await commitBytes(engine, 'largest', Buffer.alloc(most, 7));
        const put = [{ key: 'b', value: bytes('2') }];
        const longer = { key: `${longest}x`, value: bytes('1') };
        await refused(engine.commit({ expect: [], put: [...put, longer], delete: ['a'] }), 'invalid_argument');
        const larger = { key: 'c', value: Buffer.alloc(recordValueBytesMax + 1) };
        await refused(engine.commit({ expect: [], put: [...put, larger], delete: ['a'] }), 'invalid_argument');
        const { records } = await initial(engine);
        expect(records.map(({ key, value }) => [key.length, value.length]).toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0))).toEqual([
          ['largest'.length, most],
          [longest.length, 1],
        ]);
      });

      it('fill a transaction up to both limits at once, which is accepted, and refused as a whole', async () => {
        const engine = await start();
        const count = Math.min(200, engine.limits.operations);
        const keys = Array.from({ length: count }, (_, at) => `${at}:`.padEnd(recordKeyBytesMax, 'k'));
        const value = Buffer.alloc(Math.floor((Math.min(4_000_000, engine.limits.bytes) - 2 * count * recordKeyBytesMax) / count), 7);
        const full = { expect: keys.map((key) => ({ key, revision: 0 })), put: keys.map((key) => ({ key, value })), delete: [] };
        const { ok, revision } = await engine.commit(full);
        expect(ok).toBe(true);
        expect(await engine.commit(full)).toEqual({ ok: false, key: keys[0], revision });
      });

      it('keep keys apart that are close to each other', async () => {
        const engine = await start();
        const close = ['', 'a', 'a\0', 'a\0\0', 'a\0b', 'A', 'ä', 'a\u0308', '\u{1f600}', '\u{1f601}', '\uffff', '\0', '\u0001', '__proto__'];
        await engine.commit({ expect: [], put: close.map((key) => ({ key, value: bytes(`<${key}>`) })), delete: [] });
        const { records } = await initial(engine);
        expect(new Map(records.map(({ key, value }) => [key, value]))).toEqual(new Map(close.map((key) => [key, `<${key}>`])));
        await commit(engine, { delete: ['a\0'] });
        expect((await initial(engine)).records.map(({ key }) => key)).not.toContain('a\0');
        expect((await initial(engine)).records).toHaveLength(close.length - 1);
      });

      it('refuse keys that are not well-formed Unicode', async () => {
        const engine = await start();
        for (const key of ['\ud800', 'a\udfff', '\ude00\ud83d']) {
          await refused(commit(engine, { put: { [key]: '1' } }), 'invalid_argument');
        }
      });

      it('keep values byte by byte, empty and large ones too', async () => {
        const engine = await start();
        const values = [0, 1, 255, 256, 1_990, 2_000, 2_010, 4_070, 4_096, 5_000, 70_000, 1_048_576].map((size) =>
          Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + size) & 0xff)),
        );
        await engine.commit({ expect: [], put: values.map((value, index) => ({ key: `v${index}`, value })), delete: [] });
        const found = new Map((await all(engine)).map(({ key, value }) => [key, value]));
        for (const [index, value] of values.entries()) {
          expect(Buffer.compare(found.get(`v${index}`) ?? Buffer.of(), value), `value of ${value.length} bytes`).toBe(0);
        }
      });

      it('hold 100,000 records and yield them in chunks', async () => {
        const engine = await start();
        await fill(engine, 100_000);
        const reader = read(engine);
        const keys = new Set<string>();
        let chunks = 0;
        for (;;) {
          const event = await reader.next();
          if (event.kind !== 'records') break;
          chunks++;
          for (const { key } of event.records) keys.add(key);
        }
        expect(keys.size).toBe(100_000);
        expect(chunks).toBeGreaterThanOrEqual(10);
        await reader.end();
      });
    });

    describe('opened again', () => {
      if (deviations.reopen !== undefined) {
        it(`is nothing that this engine can be: ${deviations.reopen}`, async () => {
          const engine = await start();
          await engine.close();
          await expect(commit(engine, { put: { a: '1' } })).rejects.toMatchObject({ code: 'unavailable' });
          await expect(restart(engine)).rejects.toThrow('cannot be opened again');
        });
        return;
      }

      it('has every record with its revision, and goes on from there', async () => {
        const before = await start();
        await fill(before, 1_200);
        await commit(before, { put: { a: '1' }, delete: ['key-3'], revisionAtLeast: 9_000 });
        const expected = await initial(before);
        const engine = await restart(before);
        expect(await engine.barrier()).toBe(9_000);
        expect(sorted(await initial(engine))).toEqual(sorted(expected));
        expect(await commit(engine, { expect: [{ key: 'a', revision: 9_000 }], put: { a: '2' } })).toBeGreaterThan(9_000);
      });

      it('resumes a reader that has seen everything, and starts others again', async () => {
        const before = await start();
        const first = await commit(before, { put: { a: '1' } });
        const second = await commit(before, { put: { b: '1' } });
        const engine = await restart(before);
        const current = read(engine, second);
        const stale = read(engine, first);
        const third = await commit(engine, { put: { c: '1' } });
        expect(await current.next()).toMatchObject({ kind: 'transaction', revision: third });
        const next = deviations.history === undefined ? { kind: 'records', reset: true } : { kind: 'transaction', revision: second };
        expect(await stale.next()).toMatchObject(next);
        await current.end();
        await stale.end();
      });
    });

    it('agrees with a map for any sequence of transactions', async () => {
      const key = fc.constantFrom('a', 'b', 'c', 'd', 'e\0f');
      const step = fc.record({
        expect: fc.array(fc.record({ key, sound: fc.boolean() }), { maxLength: 3 }),
        put: fc.array(fc.record({ key, value: fc.string({ maxLength: 20 }) }), { maxLength: 4 }),
        delete: fc.array(key, { maxLength: 2 }),
        leap: fc.option(fc.nat(50), { nil: undefined, freq: 6 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          const engine = await start();
          const model = new Map<string, [value: string, revision: number]>();
          let last = 0;
          for (const { expect: wanted, put, delete: removed, leap } of steps) {
            const expectations = wanted.map((each) => {
              const revision = model.get(each.key)?.[1] ?? 0;
              return { key: each.key, revision: each.sound ? revision : revision + 1 };
            });
            const result = await engine.commit({
              expect: expectations,
              put: put.map((each) => ({ key: each.key, value: bytes(each.value) })),
              delete: removed,
              ...(leap === undefined ? {} : { revisionAtLeast: last + leap }),
            });
            const broken = wanted.findIndex(({ sound }) => !sound);
            expect(result.ok).toBe(broken < 0);
            if (!result.ok) {
              expect(result.key).toBe(wanted[broken]?.key);
              expect(result.revision).toBe(model.get(result.key)?.[1] ?? 0);
              continue;
            }
            expect(result.revision).toBeGreaterThan(last);
            last = result.revision;
            for (const each of removed) model.delete(each);
            for (const each of put) model.set(each.key, [each.value, last]);
          }
          expect(await content(engine)).toEqual(Object.fromEntries(model));
          await engine.close();
        }),
        { numRuns: 25 },
      );
    });
  });
}
