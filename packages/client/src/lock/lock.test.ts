/** Locks, semaphores and read/write locks of real clients on a real server. */

import { describe, expect, it } from 'vitest';
import { LeadershipLostError, type LeaseState, type LockOptions } from '../index.ts';
import { oneServer } from '../one-server.case.ts';

const { server, client } = oneServer();

interface Seen {
  readonly holders: readonly { readonly contender: string }[];
  readonly waiting: number;
}

/** Resolves when so many contenders wait. */
async function waiting(name: string, count: number): Promise<void> {
  const { views, state } = server().registry;
  const now = (): Seen['waiting'] => [...state.bucket(`lock-waiters\0default\0${name}`)].length;
  if (now() === count) return;
  await new Promise<void>((resolve) => {
    const stop = views.watch('locks\0default', () => {
      if (now() !== count) return;
      stop();
      resolve();
    });
  });
}

/** Resolves when the signal fires. */
const fired = (signal: AbortSignal) => new Promise<void>((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })));

describe('a lock', () => {
  it('has one holder, and goes to the next when it is released, with a higher token', async () => {
    const [one, two] = [await client(), await client()];
    const first = await one.lock('a', { value: 'one' });
    expect([first.state, first.signal.aborted, first.remainingMs() > 7_000]).toEqual(['leading', false, true]);
    await expect(two.lock('a', { wait: 0 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await expect(two.lock('a', { wait: 30 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    const next = two.lock('a');
    await waiting('a', 1);
    await first.release();
    const second = await next;
    expect(second.token).toBeGreaterThan(first.token);
    expect([first.state, first.signal.aborted, first.remainingMs()]).toEqual(['released', true, 0]);
    await first.release();
    expect(second.state).toBe('leading');
  });

  it('is released at the end of an await using block', async () => {
    const one = await client();
    {
      await using lock = await one.lock('a');
      expect(lock.state).toBe('leading');
    }
    await using again = await one.lock('a', { wait: 0 });
    expect(again.name).toBe('a');
  });

  it('is given to two callers of one client one after the other, too', async () => {
    const one = await client();
    const first = await one.lock('a');
    await expect(one.lock('a', { wait: 0 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await first.release();
    await (await one.lock('a', { wait: 0 })).release();
  });

  it('can be given to a certain contender', async () => {
    const [one, two, three] = [await client(), await client(), await client()];
    const first = await one.lock('a');
    const [second, third] = [two.lock('a'), three.lock('a', { value: 'third' })];
    await waiting('a', 2);
    const id = ([...server().registry.state.bucket('lock-waiters\0default\0a')] as unknown as { id: string; value?: string }[]).find(({ value }) => value === 'third')?.id ?? '';
    await expect(first.transferTo('00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({ code: 'not_found' });
    await first.transferTo(id);
    expect(first.state).toBe('released');
    const held = await third;
    expect(held.id).toBe(id);
    await held.release();
    await (await second).release();
  });

  it('a wait that is aborted leaves the queue', async () => {
    const [one, two] = [await client(), await client()];
    const first = await one.lock('a');
    const abort = new AbortController();
    const next = two.lock('a', { signal: abort.signal });
    await waiting('a', 1);
    abort.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
    await waiting('a', 0);
    expect(first.state).toBe('leading');
  });

  it('is lost when an operator ends its session, and its signal says so', async () => {
    const one = await client();
    const states: LeaseState[] = [];
    const lock = await one.lock('a', { ttl: 3_000, renewEvery: 300, onState: (state) => states.push(state) });
    const [session] = (await (await fetch(`${server().url}/v1/session/list`)).json()) as { ID: string }[];
    await fetch(`${server().url}/v1/session/destroy/${session?.ID}`, { method: 'PUT' });
    await fired(lock.signal);
    expect([lock.signal.reason instanceof LeadershipLostError, states[0], states.at(-1)]).toEqual([true, 'leading', 'lost']);
    expect(() => lock.signal.throwIfAborted()).toThrow('lock "a" is lost');
  });

  it('is given up when the client closes', async () => {
    const [one, two] = [await client(), await client()];
    const lock = await one.lock('a');
    const next = two.lock('a');
    await waiting('a', 1);
    await one.close();
    expect(lock.signal.aborted).toBe(true);
    await (await next).release();
    await expect(one.lock('a')).rejects.toMatchObject({ code: 'failed_precondition' });
  });

  it('refuses options that cannot work', async () => {
    const one = await client();
    for (const [options, message] of [
      [{ ttl: 999 }, /ttl is 999/],
      [{ ttl: 10_000, margin: 999 }, /margin is 999; it must be from a tenth of ttl/],
      [{ ttl: 10_000, renewEvery: 5_000 }, /renewEvery is 5000; it must be at most half of ttl - margin/],
      [{ wait: -1 }, /wait is -1/],
      [{ tll: 1 }, /no option tll; did you mean ttl/],
    ] as const) await expect(one.lock('a', options as LockOptions)).rejects.toThrow(message);
    await expect(one.lock('')).rejects.toThrow(/the name of a lock is ""/);
    await expect(one.semaphore('a', 2).acquire({ wait: 0 }).then(() => one.lock('a'))).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});

describe('a semaphore and a read/write lock', () => {
  it('have as many holders as their limit, and many readers or one writer', async () => {
    const [one, two] = [await client(), await client()];
    const permits = [await one.semaphore('s', 2).acquire(), await two.semaphore('s', 2).acquire()];
    await expect(two.semaphore('s', 2).acquire({ wait: 0 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await permits[0]?.release();
    await (await two.semaphore('s', 2).acquire({ wait: 0 })).release();
    const [a, b] = [one.readWriteLock('rw'), two.readWriteLock('rw')];
    const readers = [await a.read(), await b.read()];
    const writer = a.write();
    await waiting('rw', 1);
    await expect(b.read({ wait: 0 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    for (const reader of readers) await reader.release();
    const writing = await writer;
    const reading = b.read();
    await waiting('rw', 1);
    await writing.release();
    expect((await reading).token).toBeGreaterThan(writing.token);
  });
});

describe('a transaction', () => {
  it('writes while the lock is held, and throws when it is not any more', async () => {
    const one = await client();
    const lock = await one.lock('a');
    expect(await one.txn().ifLeader(lock).put('k', 'v1').put('k2', 'x', { cas: 0 }).commit()).toMatchObject({ applied: true });
    expect(await one.txn().ifLeader(lock).put('k', 'v2').put('k2', 'x', { cas: 0 }).commit()).toEqual({ applied: false, failed: 1 });
    await lock.release();
    await expect(one.txn().ifLeader(lock).put('k', 'v3').commit()).rejects.toThrow(LeadershipLostError);
    expect(Buffer.from((await one.kv.get('k'))?.value ?? []).toString()).toBe('v1');
    expect(await one.txn().delete('k').commit()).toMatchObject({ applied: true });
  });
});
