import { describe, expect, test } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import { memory } from '../engine/memory/memory.ts';
import type { Freshness } from './follower.ts';
import { say, see } from './shared-commands.case.ts';
import { testNode, type Fault, type TestNode } from './test-node.case.ts';
import { turnsUntil } from '../turns-until.case.ts';

async function pair(fault: Fault = {}): Promise<{ one: TestNode; other: TestNode; told: Freshness[] }> {
  const engine = memory();
  const told: Freshness[] = [];
  const one = await testNode(engine, fault, { onFreshness: (freshness) => told.push(freshness) });
  return { one, other: await testNode(engine), told };
}

const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
};

/** The error of a promise, without a rejection that is unhandled meanwhile. */
const failure = (promise: Promise<unknown>) => promise.then(() => undefined, (error: unknown) => error as RegistryError);

describe('a feed that is lost', () => {
  test('is followed at once when the store answers again, however long the pause would be', async () => {
    const { one, other } = await pair();
    one.unreachable = true;
    await one.lose();
    for (let elapsed = 0; elapsed < 12_000; elapsed += 100) {
      one.clock.advance(100);
      await turns(3);
    }
    const before = one.follows.length;
    one.unreachable = false;
    // Less than the pause of 5 s: the next look at the store comes within half a second.
    one.clock.advance(500);
    await turnsUntil(() => one.follows.length > before);
    await one.recover();
    await Promise.all([one.close(), other.close()]);
  });

  test('makes the state stale, which is told; reads go on, and the feed is resumed after the last revision', async () => {
    const { one, other, told } = await pair();
    await other.replica.submit(say.put('k', '1'));
    await one.replica.barrier();
    one.unreachable = true;
    await one.lose(new RegistryError('unavailable', 'the connection was reset'));
    expect(one.replica.freshness).toEqual({ stale: true, sinceMs: one.clock.now(), reason: 'the connection was reset' });
    expect(see.value(one.replica.state, 'k')).toBe('1');
    await other.replica.submit(say.put('k', '2'));
    one.unreachable = false;
    await one.recover();
    expect(see.value(one.replica.state, 'k')).toBe('2');
    expect(one.follows).toEqual([undefined, 1]);
    expect(told.map(({ stale }) => stale)).toEqual([true, false]);
    expect(one.fatal).toEqual([]);
    await Promise.all([one.close(), other.close()]);
  });

  test('is followed again after pauses that double up to 2 seconds, so that it is within 3 s of the return of the store', async () => {
    const { one, other } = await pair();
    one.unreachable = true;
    await one.lose();
    const at: number[] = [];
    for (let elapsed = 0; elapsed < 30_000; elapsed += 100) {
      const before = one.follows.length;
      one.clock.advance(100);
      await turns(3);
      if (one.follows.length > before) at.push(elapsed + 100);
    }
    expect(at).toEqual([100, 300, 700, 1_500, 3_100, ...Array.from({ length: 13 }, (_, more) => 5_100 + more * 2_000)]);
    one.unreachable = false;
    await one.recover();
    // The next loss is a new one.
    const before = one.follows.length;
    await one.lose();
    one.clock.advance(100);
    await turnsUntil(() => one.follows.length > before);
    await Promise.all([one.close(), other.close()]);
  });

  test('keeps writes waiting for a while, which succeed when it comes back', async () => {
    const { one, other } = await pair();
    await one.lose();
    const written = one.replica.submit(say.put('k', '1'));
    await turns();
    one.clock.advance(1_000);
    expect(await written).toBe(true);
    expect(see.value(one.replica.state, 'k')).toBe('1');
    await Promise.all([one.close(), other.close()]);
  });

  test('fails waiting commands after 5 seconds: sent ones as unknown, later ones as unavailable', async () => {
    const { one, other } = await pair();
    one.hold();
    const committed = failure(one.replica.submit(say.put('k', '1')));
    await one.decided();
    await one.lose();
    one.unreachable = true;
    const waits = failure(one.replica.submit(say.put('other', '1')));
    for (let second = 0; second < 6; second++) {
      one.clock.advance(1_000);
      await turns();
    }
    expect(await committed).toMatchObject({ code: 'unknown_outcome' });
    expect(await waits).toMatchObject({ code: 'unavailable' });
    expect(await failure(one.replica.submit(say.put('k', '2')))).toMatchObject({ code: 'unavailable' });
    expect(await failure(one.replica.barrier())).toMatchObject({ code: 'unavailable' });
    await other.replica.barrier();
    expect(see.value(other.replica.state, 'k')).toBe('1');
    one.unreachable = false;
    one.go();
    await one.recover();
    expect(await one.replica.submit(say.put('k', '3'))).toBe(true);
    await Promise.all([one.close(), other.close()]);
  });

  test('does not keep a node from closing', async () => {
    const { one, other } = await pair();
    one.hold();
    const committed = failure(one.replica.submit(say.put('k', '1')));
    await one.decided();
    await one.lose();
    one.unreachable = true;
    await one.close();
    expect(await committed).toMatchObject({ code: 'unknown_outcome' });
    await other.close();
  });

  test('is found when it stops without an error: the store is ahead, and the feed does not show it', async () => {
    const { one, other, told } = await pair();
    one.hold();
    await other.replica.submit(say.put('k', '1'));
    one.clock.advance(5_000);
    await turns();
    expect(one.replica.freshness.stale).toBe(false);
    one.clock.advance(5_000);
    await turnsUntil(() => one.replica.freshness.stale);
    expect(one.replica.freshness).toMatchObject({ reason: expect.stringContaining('has not shown revision 1') as string });
    one.go();
    await one.recover();
    expect(see.value(one.replica.state, 'k')).toBe('1');
    expect(one.follows).toEqual([undefined, 0]);
    expect(told.map(({ stale }) => stale)).toEqual([true, false]);
    await Promise.all([one.close(), other.close()]);
  });

  test('counts as lost when the store cannot say where it stands, and as found when it can again', async () => {
    const { one, other } = await pair();
    one.unreachable = true;
    one.clock.advance(5_000);
    await turnsUntil(() => one.replica.freshness.stale);
    one.unreachable = false;
    await one.recover();
    expect(one.follows).toEqual([undefined]);
    await Promise.all([one.close(), other.close()]);
  });
});

describe('a store that gives no answer', () => {
  test('is found to be lost within 3 seconds of being asked', async () => {
    const { one, other } = await pair();
    one.silent = true;
    one.clock.advance(5_000);
    await turns();
    one.clock.advance(3_000);
    await turnsUntil(() => one.replica.freshness.stale);
    expect(one.replica.freshness).toMatchObject({ reason: 'the store has not said within 3 s where it stands' });
    await Promise.all([one.close(), other.close()]);
  });

  test('fails a write after 5 seconds as one of unknown outcome, and those behind it as not written', async () => {
    const { one, other } = await pair();
    one.silent = true;
    const first = failure(one.replica.submit(say.put('k', '1')));
    await turnsUntil(() => one.commits.length === 1);
    one.clock.advance(1_000);
    const second = failure(one.replica.submit(say.put('k', '2')));
    one.clock.advance(4_000);
    expect(await first).toMatchObject({ code: 'unknown_outcome' });
    expect(await second).toMatchObject({ code: 'unavailable', message: expect.stringContaining('nothing was written') as string });
    expect(one.commits).toHaveLength(1);
    one.silent = false;
    await one.replica.submit(say.put('k', '3'));
    expect(see.value(one.replica.state, 'k')).toBe('3');
    await Promise.all([one.close(), other.close()]);
  });

  test('fails a barrier after 3 seconds', async () => {
    const { one, other } = await pair();
    one.silent = true;
    const failed = failure(one.replica.barrier());
    one.clock.advance(3_000);
    expect(await failed).toMatchObject({ code: 'unavailable' });
    await Promise.all([one.close(), other.close()]);
  });
});

describe('a reader', () => {
  test('who waits for a revision gets it when it is applied, or an error after 3 seconds', async () => {
    const { one, other } = await pair();
    one.hold();
    await other.replica.submit(say.put('k', '1'));
    const late = failure(one.replica.notOlderThan(1));
    one.clock.advance(3_000);
    expect(await late).toMatchObject({ code: 'unavailable', message: expect.stringContaining('revision 0, before 1') as string });
    const inTime = one.replica.notOlderThan(1);
    one.go();
    await inTime;
    expect(see.value(one.replica.state, 'k')).toBe('1');
    await one.replica.notOlderThan(1);
    await Promise.all([one.close(), other.close()]);
  });

  test('who asks for the newest state waits 3 seconds for the feed', async () => {
    const { one, other } = await pair();
    one.hold();
    await other.replica.submit(say.put('k', '1'));
    const late = failure(one.replica.barrier());
    await turns();
    one.clock.advance(3_000);
    expect(await late).toMatchObject({ code: 'unavailable' });
    one.go();
    await Promise.all([one.close(), other.close()]);
  });
});

describe('a feed of damage', () => {
  test('is fatal', async () => {
    const { one, other } = await pair();
    const lost = failure(one.lose(new RegistryError('data_loss', 'a record cannot be read')));
    await turnsUntil(() => one.fatal.length > 0);
    expect(one.fatal).toMatchObject([{ code: 'data_loss' }]);
    await Promise.all([one.close(), other.close()]);
    void lost;
  });

  test('is a store that has gone back', async () => {
    let back = false;
    const { one, other } = await pair({
      event: (event) => (back && event.kind === 'caught-up' ? { ...event, revision: 1 } : event),
    });
    await other.replica.submit(say.put('k', '1'));
    await other.replica.submit(say.put('k', '2'));
    await one.replica.barrier();
    back = true;
    one.compact();
    await one.lose();
    one.clock.advance(100);
    await turnsUntil(() => one.fatal.length > 0);
    expect(one.fatal[0]?.message).toContain('gone back from revision 2 to 1');
    await Promise.all([one.close(), other.close()]);
  });
});

describe('a node', () => {
  test('says how far it is behind the store, in revisions and in time', async () => {
    const { one, other } = await pair();
    one.hold();
    for (const value of ['1', '2', '3']) await other.replica.submit(say.put('k', value));
    expect(one.replica.lag).toEqual({ revisions: 0, seconds: 0 });
    one.clock.advance(5_000);
    await turnsUntil(() => one.replica.lag.revisions === 3);
    expect(one.replica.staleMs).toBe(0);
    one.clock.advance(5_000);
    await turnsUntil(() => one.replica.freshness.stale);
    // The state was current at the start, and 10 s later the feed is found to be stuck.
    expect(one.replica.lag).toEqual({ revisions: 3, seconds: 10 });
    expect(one.replica.staleMs).toBe(10_000);
    expect(one.replica.freshness).toMatchObject({ sinceMs: one.clock.now() - 10_000 });
    one.go();
    await one.recover();
    expect(one.replica.lag).toEqual({ revisions: 0, seconds: 0 });
    await Promise.all([one.close(), other.close()]);
  });

  test('whose feed is lost is stale from when it was last known to be current', async () => {
    const { one, other } = await pair();
    one.clock.advance(5_000);
    await turns();
    one.clock.advance(2_000);
    await one.lose();
    expect(one.replica.staleMs).toBe(2_000);
    one.clock.jumpWall(3_600_000);
    expect(one.replica.staleMs).toBe(2_000);
    await Promise.all([one.close(), other.close()]);
  });

  test('that is the only writer asks the store nothing', async () => {
    const { one } = await pair({ exclusive: true });
    let asked = 0;
    void one.decided().then(() => asked++);
    await one.replica.submit(say.remove('none'));
    one.clock.advance(60_000);
    await turns();
    expect(asked).toBe(0);
    await one.close();
  });

  test('that loses every race says so, and that nothing was written', async () => {
    const engine = memory();
    const one = await testNode(engine, { commit: (transaction) => ({ ...transaction, expect: [{ key: 'never', revision: 7 }] }) });
    expect(await failure(one.replica.submit(say.put('k', '1')))).toMatchObject({ code: 'aborted' });
    expect(one.commits).toHaveLength(50);
    expect(await engine.barrier()).toBe(0);
    await one.close();
  });
});
