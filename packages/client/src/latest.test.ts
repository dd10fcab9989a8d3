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
});
