/** The engine of a follower against the port's shared cases, with a primary over a real socket. */

import { afterEach, describe, expect, it } from 'vitest';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { systemClock } from '../../clock.ts';
import { encodeResult } from '../../cluster/channel/log-body.ts';
import type { Methods } from '../../cluster/channel/peer.ts';
import { embedded } from '../embedded/embedded.ts';
import { scratchDirectories } from '../embedded/scratch.case.ts';
import { engineCases } from '../engine.case.ts';
import type { Engine, EngineEvent } from '../engine.ts';
import { followed } from '../followed.ts';
import { memory } from '../memory/memory.ts';
import { presenceCases } from '../presence.case.ts';
import { sharedEngineCases } from '../shared.case.ts';
import type { NodeEngine } from './node.ts';
import { follower, testPrimary, type TestPrimary } from './primary.case.ts';

const directory = scratchDirectories();

engineCases('node', async () => {
  const dir = await directory();
  let store = followed(await embedded({ dir }), { clock: systemClock });
  let primary = await testPrimary(store);
  let engine = await follower(primary);
  return {
    engine,
    async reopen() {
      await engine.close();
      await primary.stop();
      await store.close();
      store = followed(await embedded({ dir }), { clock: systemClock });
      primary = await testPrimary(store);
      engine = await follower(primary);
      return engine;
    },
    async discard() {
      await primary.stop();
      await store.close();
    },
  };
}, { onTheWay: 'the window of a stream holds 4 MiB, which are more than these transactions' });

sharedEngineCases('node', async () => {
  const store = followed(memory(), { clock: systemClock, afterRestart: false });
  const primary = await testPrimary(store);
  return { engine: await follower(primary), discard: () => primary.stop() };
});

presenceCases('node', async () => {
  const store = followed(memory(), { clock: systemClock, afterRestart: false });
  const primary = await testPrimary(store);
  const engines = [await follower(primary), await follower(primary)] as const;
  return { engines, end: (nodeId) => store.presence.end(nodeId), discard: () => primary.stop() };
});

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function start(more: Methods = {}) {
  const store = followed(memory(), { clock: systemClock, afterRestart: false });
  const primary = await testPrimary(store, undefined, more);
  const engine = await follower(primary);
  closing.push(() => primary.stop(), () => engine.close());
  return { store, primary, engine };
}

const put = (engine: Engine, key: string) => engine.commit({ expect: [], put: [{ key, value: Buffer.from('1') }], delete: [] });
const failure = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as RegistryError);

async function again(store: ReturnType<typeof followed>, { port }: TestPrimary): Promise<TestPrimary> {
  const primary = await testPrimary(store, port);
  closing.push(() => primary.stop());
  return primary;
}

/** Revisions of the transactions after one, until `last`. */
async function revisionsAfter(engine: Engine, after: number, last: number): Promise<(number | string)[]> {
  const seen: (number | string)[] = [];
  const abort = new AbortController();
  for await (const event of engine.changes({ after, signal: abort.signal })) {
    seen.push(event.kind === 'transaction' ? event.revision : event.kind);
    if (event.kind !== 'records' && event.revision >= last) abort.abort();
  }
  return seen;
}

describe('a commit', () => {
  it('that is lost on its way has an unknown outcome, and is not sent again', async () => {
    let asked = 0;
    const { primary, engine } = await start({
      commit: {
        kind: 'answer',
        run() {
          asked++;
          return new Promise(() => {});
        },
      },
    });
    const lost = failure(put(engine, 'a'));
    await expect.poll(() => asked).toBe(1);
    primary.cut();
    expect(await lost).toMatchObject({ code: 'unknown_outcome' });
    await expect.poll(() => engine.barrier().catch(() => undefined)).toBe(0);
    expect(asked).toBe(1);
  });

  it('fails as unavailable while the primary is away: nothing was written', async () => {
    const { store, primary, engine } = await start();
    await primary.stop();
    await expect.poll(() => engine.link.peer).toBeUndefined();
    expect(await failure(put(engine, 'a'))).toMatchObject({ code: 'unavailable' });
    expect(await failure(engine.barrier())).toMatchObject({ code: 'unavailable' });
    expect(await store.barrier()).toBe(0);
    await again(store, primary);
    await engine.link.connected(new AbortController().signal);
    expect((await put(engine, 'a')).ok).toBe(true);
  });

  it('that the primary refuses has its code', async () => {
    const full: Methods = { commit: { kind: 'answer', run: () => Promise.reject(new RegistryError('resource_exhausted', 'there is no space left')) } };
    const { engine } = await start(full);
    expect(await failure(put(engine, 'a'))).toMatchObject({ code: 'resource_exhausted', message: 'there is no space left' });
  });

  it('whose answer cannot be read has an unknown outcome', async () => {
    const { engine } = await start({ commit: { kind: 'answer', run: async () => Buffer.concat([encodeResult({ ok: true, revision: 1 }), Buffer.of(7)]) } });
    expect(isRegistryError(await failure(put(engine, 'a')), 'unknown_outcome')).toBe(true);
  });
});

describe('the log', () => {
  it('continues without a gap after the connection was lost', async () => {
    const { store, primary, engine } = await start();
    for (const key of ['a', 'b']) await put(engine, key);
    const events = engine.changes({ after: 1, signal: new AbortController().signal })[Symbol.asyncIterator]() as AsyncGenerator<EngineEvent>;
    expect((await events.next()).value).toMatchObject({ revision: 2 });
    const lost = failure(events.next());
    primary.cut();
    expect(await lost).toMatchObject({ code: 'unavailable' });
    for (const key of ['c', 'd']) await put(store, key);
    expect(await revisionsAfter(engine, 2, 4)).toEqual([3, 4]);
  });

  it('waits for a primary that is away, and starts again when the primary no longer has the transactions in between', async () => {
    const { store, primary, engine } = await start();
    await put(engine, 'a');
    await primary.stop();
    await expect.poll(() => engine.link.peer).toBeUndefined();
    const seen = revisionsAfter(engine, 1, 3_001);
    for (let at = 0; at < 3_000; at++) await put(store, 'b');
    await again(store, primary);
    expect(await seen).toEqual(['records', 'caught-up']);
  });

  it('ends with the error of the primary when its store is damaged', async () => {
    const { engine } = await start({
      log: {
        kind: 'stream',
        // oxlint-disable-next-line require-yield
        async *run() {
          throw new RegistryError('data_loss', 'a file is damaged');
        },
      },
    });
    expect(await failure(revisionsAfter(engine, 0, 1))).toMatchObject({ code: 'data_loss' });
  });
});

describe('presence', () => {
  const presentIn = (engine: NodeEngine) => {
    const all: string[][] = [];
    closing.push(async () => stop());
    const stop = engine.presence.watch((present) => all.push([...present].toSorted()));
    return all;
  };

  it('survives a short break of the connection: watchers are not called', async () => {
    const { primary, engine } = await start();
    const other = await follower(primary);
    closing.push(() => other.close());
    await engine.presence.hold('one');
    const seen = presentIn(other);
    await expect.poll(() => seen.at(-1)).toEqual(['one']);
    const { peer } = engine.link;
    primary.cut();
    await expect.poll(() => engine.link.peer !== undefined && engine.link.peer !== peer).toBe(true);
    await engine.presence.hold('two');
    await expect.poll(() => seen.at(-1)).toEqual(['one', 'two']);
    expect(seen.filter((present) => !present.includes('one'))).toEqual([]);
  });

  it('ends soon after a node is gone', async () => {
    const { primary, engine } = await start();
    const other = await follower(primary);
    await other.presence.hold('other');
    const seen = presentIn(engine);
    await expect.poll(() => seen.at(-1)).toEqual(['other']);
    // The connection ends without a message about presence.
    await other.link.close();
    closing.push(() => other.close());
    await expect.poll(() => seen.at(-1)).toEqual([]);
  });

  it('that ended while the connection was broken is reported when the node comes back', async () => {
    const { store, primary, engine } = await start();
    const held = await engine.presence.hold('one');
    await primary.stop();
    store.presence.end('one');
    await again(store, primary);
    expect(await held.lost).toBe('expired');
  });
});

it('a primary that is away, or takes no followers, is an error with the reason', async () => {
  const { primary } = await start();
  await primary.stop();
  expect(await failure(follower(primary))).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ECONNREFUSED') as string });
});
