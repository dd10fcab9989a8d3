import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type Latest, latest } from './latest.ts';

function setUp(signal?: AbortSignal) {
  const state = { stopped: false, started: false };
  let values: Latest<number> | undefined;
  const iterator = latest<number>((given) => {
    state.started = true;
    values = given;
    given.push(1);
    return () => (state.stopped = true);
  }, signal);
  return { state, iterator, push: (value: number) => values?.push(value), end: () => values?.end() };
}

describe('latest', () => {
  it('gives the newest value to a slow reader', async () => {
    const { iterator, push } = setUp();
    expect((await iterator.next()).value).toBe(1);
    push(2);
    push(3);
    expect((await iterator.next()).value).toBe(3);
    const waiting = iterator.next();
    push(4);
    expect((await waiting).value).toBe(4);
  });

  it('starts when it is read and stops when the loop is left', async () => {
    const { state, iterator } = setUp();
    expect(state).toEqual({ started: false, stopped: false });
    for await (const value of iterator) {
      expect(value).toBe(1);
      expect(state).toEqual({ started: true, stopped: false });
      break;
    }
    expect(state.stopped).toBe(true);
  });

  it('throws the reason of the signal, while it waits and before it starts', async () => {
    const controller = new AbortController();
    const { state, iterator } = setUp(controller.signal);
    await iterator.next();
    const waiting = iterator.next();
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(state.stopped).toBe(true);
    const late = setUp(controller.signal);
    await expect(late.iterator.next()).rejects.toThrow('enough');
    expect(late.state.started).toBe(false);
  });

  it('ends after the last value', async () => {
    const { iterator, push, end } = setUp();
    await iterator.next();
    push(2);
    end();
    expect(await iterator.next()).toEqual({ value: 2, done: false });
    expect((await iterator.next()).done).toBe(true);
  });

  it('throws the error of its source, after the last value', async () => {
    let values: Latest<number> | undefined;
    const iterator = latest<number>((given) => {
      values = given;
      return () => {};
    });
    const waiting = iterator.next();
    values?.fail(new Error('too much'));
    await expect(waiting).rejects.toThrow('too much');
    expect((await iterator.next()).done).toBe(true);
  });

  it('ends at once when its loop is left while it waits', async () => {
    const { state, iterator } = setUp();
    await iterator.next();
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(state.stopped).toBe(true);
  });

  it('ends when it is garbage-collected, which cannot happen while a caller waits', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    let stopped = 0;
    let values: Latest<number> | undefined;
    const start = (given: Latest<number>) => {
      values = given;
      given.push(1);
      return () => stopped++;
    };
    const dropped = await (async () => {
      const iterator = latest<number>(start);
      await iterator.next();
      return new WeakRef(iterator);
    })();
    await expect.poll(() => (collect(), stopped)).toBe(1);
    expect(dropped.deref()).toBeUndefined();
    const waiting = (async () => {
      const iterator = latest<number>(start);
      await iterator.next();
      return iterator.next();
    })();
    for (let rounds = 0; rounds < 5; rounds++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    values?.push(2);
    expect((await waiting).value).toBe(2);
  });
});
