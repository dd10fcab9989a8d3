/**
 * The behaviour of every engine with a transaction that is too large for one turn of the event loop: it is as
 * atomic and as ordered as a small one. Each engine's own test file calls this.
 */

import { afterEach, describe, expect, it } from 'vitest';
import type { EngineUnderTest } from './engine.case.ts';
import type { Engine, EngineRecord, Transaction } from './engine.ts';

const many = 20_000;

/** @param open an engine with an empty store, a new one for each test */
export function largeTransactionCases(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`a large transaction of engine ${name}`, () => {
    const opened: EngineUnderTest[] = [];

    async function start(): Promise<Engine> {
      const under = await open();
      opened.push(under);
      return under.engine;
    }

    afterEach(async () => {
      for (const { engine, discard } of opened.splice(0)) {
        await engine.close();
        await discard?.();
      }
    });

    it('lets the event loop turn, and those who call after it wait for it', async () => {
      const engine = await start();
      let turns = 0;
      const turn = () => {
        turns++;
        pending = setImmediate(turn);
      };
      let pending = setImmediate(turn);
      const ended: string[] = [];
      const call = async (what: string, transaction: Transaction) => {
        const result = await engine.commit(transaction);
        ended.push(what);
        return result;
      };
      const results = await Promise.all([
        call('before', one('a', '1')),
        call('large', { ...large('x'), delete: ['a'] }),
        call('after', { ...one('k7', 'after'), expect: [{ key: 'a', revision: 0 }] }),
        call('large again', large('y')),
        call('last', one('k8', 'last')),
      ]);
      clearImmediate(pending);
      expect(ended).toEqual(['before', 'large', 'after', 'large again', 'last']);
      expect(results.map(({ ok, revision }) => [ok, revision])).toEqual([1, 2, 3, 4, 5].map((revision) => [true, revision]));
      // Checking, taking in and what comes between: each at most 8,192 records a turn.
      expect(turns).toBeGreaterThan((2 * 2 * many) / 8_192);
      const content = await contentOf(engine);
      expect([content.size, content.get('a'), content.get('k7'), content.get('k8')]).toEqual([many, undefined, 'y', 'last']);
    });

    it('is seen whole or not at all by those who begin to read meanwhile', async () => {
      const engine = await start();
      await engine.commit(large('x'));
      const writing = engine.commit(large('y'));
      const seen: Promise<Map<string, string>>[] = [];
      const progress = { done: false };
      void writing.then(() => (progress.done = true));
      while (!progress.done) {
        if (seen.length < 5) seen.push(contentOf(engine));
        await new Promise((next) => setImmediate(next));
      }
      seen.push(contentOf(engine));
      for (const content of await Promise.all(seen)) {
        expect(content.size).toBe(many);
        expect(new Set(content.values()).size).toBe(1);
      }
      expect((await contentOf(engine)).get('k1')).toBe('y');
    });

    it('that is refused writes nothing and holds up nothing', async () => {
      const engine = await start();
      const bad = { key: '\ud800', value: Buffer.from('x') };
      const refused = engine.commit({ ...large('x'), put: [...large('x').put, bad] });
      const lost = engine.commit({ ...large('x'), expect: [{ key: 'a', revision: 7 }] });
      const after = engine.commit(one('b', '1'));
      await expect(refused).rejects.toMatchObject({ code: 'invalid_argument' });
      expect(await lost).toEqual({ ok: false, key: 'a', revision: 0 });
      expect(await after).toEqual({ ok: true, revision: 1 });
      expect([...(await contentOf(engine))]).toEqual([['b', '1']]);
    });

    it('is finished before the engine closes', async () => {
      const engine = await start();
      const writing = engine.commit(large('x'));
      await new Promise((next) => setImmediate(next));
      let committed = false;
      void writing.then(() => (committed = true));
      await engine.close();
      expect(committed).toBe(true);
    });
  });
}

function one(key: string, value: string): Transaction {
  return { expect: [], put: [{ key, value: Buffer.from(value) }], delete: [] };
}

function large(value: string): Transaction {
  return { expect: [], put: Array.from({ length: many }, (_, n) => ({ key: `k${n}`, value: Buffer.from(value) })), delete: [] };
}

async function contentOf(engine: Engine): Promise<Map<string, string>> {
  const found: EngineRecord[] = [];
  for await (const event of engine.changes({ signal: new AbortController().signal })) {
    if (event.kind !== 'records') break;
    found.push(...event.records);
  }
  return new Map(found.map(({ key, value }) => [key, Buffer.from(value).toString()]));
}
