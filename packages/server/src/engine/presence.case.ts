/** What every engine with a presence must do; each one calls `presenceCases` from its test. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from './engine.ts';
import type { Held, Presence } from './presence.ts';

export interface PresenceUnderTest {
  /** Two openings of one store; the same engine twice where a store has only one. */
  readonly engines: readonly [Engine, Engine];
  /** Ends the presence of a node as its death would. */
  readonly end: (nodeId: string) => Promise<void> | void;
  /** Removes what the test left behind; the engines are closed by then. */
  readonly discard?: () => Promise<void>;
}

/** @param open a store without presences, a new one for each test */
export function presenceCases(name: string, open: () => Promise<PresenceUnderTest>): void {
  describe(`presence of engine ${name}`, () => {
    let opened: PresenceUnderTest | undefined;

    async function start() {
      opened = await open();
      const [a, b] = opened.engines.map(({ presence }) => {
        if (presence === undefined) throw new Error('this engine has no presence');
        return presence;
      }) as [Presence, Presence];
      return { a, b, end: opened.end, engines: opened.engines };
    }

    afterEach(async () => {
      for (const engine of opened?.engines ?? []) await engine.close();
      await opened?.discard?.();
      opened = undefined;
    });

    it('tells a watcher who is present when it begins, and after each change', async () => {
      const { a, b } = await start();
      const first = await a.hold('one');
      const seen = watching(b);
      await seen.until('one');
      const second = await b.hold('two');
      await seen.until('one', 'two');
      await first.release();
      await seen.until('two');
      await second.release();
      await seen.until();
      expect(await settled(first)).toBe('held');
    });

    it('ends by the death of a node, which is told when it is alive after all', async () => {
      const { a, b, end } = await start();
      const held = await a.hold('one');
      await a.hold('two');
      const seen = watching(b);
      await seen.until('one', 'two');
      await end('one');
      await seen.until('two');
      expect(await held.lost).toBe('expired');
      await a.hold('one');
      await seen.until('one', 'two');
    });

    it('goes over to a new holder of the same node without a gap', async () => {
      const { a, b } = await start();
      const before = await a.hold('one');
      const seen = watching(b);
      await seen.until('one');
      const after = await b.hold('one');
      expect(await before.lost).toBe('replaced');
      await before.release();
      await a.hold('two');
      await seen.until('one', 'two');
      expect(seen.all.filter((present) => !present.includes('one'))).toEqual([]);
      expect(await settled(after)).toBe('held');
    });

    it('ends when it is released more than once, once', async () => {
      const { a, b } = await start();
      const held = await a.hold('one');
      await Promise.all([held.release(), held.release()]);
      const again = await a.hold('one');
      await held.release();
      const seen = watching(b);
      await seen.until('one');
      expect(await settled(again)).toBe('held');
    });

    it('tells a watcher nothing after its end', async () => {
      const { a, b } = await start();
      const ended = watching(b);
      await ended.until();
      const other = watching(b);
      ended.stop();
      await a.hold('one');
      await other.until('one');
      expect(ended.all).toEqual([[]]);
    });

    it('is released when its engine closes, and cannot be held after that', async () => {
      const { a, b, engines } = await start();
      await a.hold('one');
      const seen = watching(b);
      await seen.until('one');
      await engines[0].close();
      if (engines[0] !== engines[1]) await seen.until();
      await expect(a.hold('one')).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
}

function watching(presence: Presence) {
  const all: string[][] = [];
  let wake = () => {};
  const stop = presence.watch((present) => {
    all.push([...present].toSorted());
    wake();
  });
  return {
    all,
    stop,
    async until(...ids: string[]): Promise<void> {
      while (JSON.stringify(all.at(-1)) !== JSON.stringify(ids)) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
}

/** Whether a loss is known by now, without waiting for one. */
function settled({ lost }: Held): Promise<string> {
  return Promise.race([lost, new Promise<string>((resolve) => setImmediate(() => resolve('held')))]);
}
