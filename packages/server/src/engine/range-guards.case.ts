/** The behaviour of every engine with guards in a transaction; a part of `engineCases`. */

import { afterEach, describe, expect, it } from 'vitest';
import type { EngineUnderTest } from './engine.case.ts';
import type { CommitResult, Engine, RangeGuard, Transaction } from './engine.ts';

/** @param open an engine with an empty store, a new one for each test */
export function rangeGuardCases(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`engine ${name}: guards of a range`, () => {
    let opened: EngineUnderTest | undefined;

    async function start(): Promise<Engine> {
      opened = await open();
      return opened.engine;
    }

    afterEach(async () => {
      await opened?.engine.close();
      await opened?.discard?.();
      opened = undefined;
    });

    it('apply nothing when a record under the prefix was put after the revision', async () => {
      const engine = await start();
      const first = await put(engine, 'a\0x', 'b');
      const second = await put(engine, 'a\0y');
      const guarded = (under: string, notAfter: number) => commit(engine, { guards: [{ under, notAfter }], put: ['c'] });
      expect(await guarded('a\0', first)).toEqual({ ok: false, key: 'a\0', revision: 0 });
      expect(await engine.barrier()).toBe(second);
      for (const [under, notAfter] of [['a\0', second], ['a\0x', first], ['b', first], ['nothing\0', first]] as const) {
        expect((await guarded(under, notAfter)).ok, `under ${JSON.stringify(under)}`).toBe(true);
      }
    });

    it('see an update, and no deletion', async () => {
      const engine = await start();
      const first = await put(engine, 'a\0x', 'a\0y');
      await engine.commit({ expect: [], put: [], delete: ['a\0y'] });
      const guards = [{ under: 'a\0', notAfter: first }];
      expect((await commit(engine, { guards, put: ['c'] })).ok).toBe(true);
      await put(engine, 'a\0x');
      expect(await commit(engine, { guards, put: ['c'] })).toEqual({ ok: false, key: 'a\0', revision: 0 });
    });

    it('are checked against the commits called just before, whether these are durable yet or not', async () => {
      const engine = await start();
      const first = await put(engine, 'b');
      const results = await Promise.all([
        commit(engine, { put: ['a\0x'] }),
        commit(engine, { guards: [{ under: 'a\0', notAfter: first }], put: ['c'] }),
        commit(engine, { guards: [{ under: 'b', notAfter: first }], put: ['d'] }),
      ]);
      expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
    });

    it('come after the expectations', async () => {
      const engine = await start();
      const first = await put(engine, 'a');
      const second = await put(engine, 'a');
      const both = { expect: [{ key: 'a', revision: first }], guards: [{ under: 'a', notAfter: first }] };
      expect(await commit(engine, { ...both, put: ['b'] })).toEqual({ ok: false, key: 'a', revision: second });
    });
  });
}

interface Change {
  readonly expect?: Transaction['expect'];
  readonly guards?: readonly RangeGuard[];
  readonly put: readonly string[];
}

function commit(engine: Engine, { expect: wanted = [], guards = [], put: keys }: Change): Promise<CommitResult> {
  return engine.commit({ expect: wanted, guards, put: keys.map((key) => ({ key, value: Buffer.from('1') })), delete: [] });
}

async function put(engine: Engine, ...keys: string[]): Promise<number> {
  return (await commit(engine, { put: keys })).revision;
}
