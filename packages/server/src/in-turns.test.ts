import { describe, expect, test } from 'vitest';
import { inTurns } from './in-turns.ts';

function* counted(steps: number, seen: string[]): Generator<void, string, undefined> {
  for (let step = 1; step <= steps; step++) {
    seen.push(`step ${step}`);
    yield;
  }
  return 'done';
}

describe('work in turns', () => {
  test('lets the event loop turn after the given number of steps', async () => {
    const seen: string[] = [];
    const work = inTurns(counted(5, seen), 2);
    const turns = () => {
      seen.push('turn');
      if (seen.length < 20 && !seen.includes('end')) setImmediate(turns);
    };
    setImmediate(turns);
    expect(await work).toBe('done');
    seen.push('end');
    const steps = seen.filter((each) => each !== 'end');
    expect(steps.slice(0, 2)).toEqual(['step 1', 'step 2']);
    expect(steps.indexOf('turn')).toBeLessThan(steps.indexOf('step 5'));
    expect(steps.indexOf('step 4')).toBe(steps.indexOf('step 3') + 1);
  });

  test('counts the steps that one yield stands for', async () => {
    const after: number[] = [];
    const counts = (function* several(): Generator<number, string, undefined> {
      for (let done = 3; done <= 12; done += 3) {
        after.push(done);
        yield 3;
      }
      return 'done';
    })();
    const perTurn: number[] = [];
    const turn = () => {
      perTurn.push(after.length);
      if (after.length < 4) setImmediate(turn);
    };
    setImmediate(turn);
    expect(await inTurns(counts, 6)).toBe('done');
    expect(perTurn[0]).toBe(2);
  });

  test('throws the error of a step', async () => {
    const failing = (function* fails(): Generator<void, void, undefined> {
      yield;
      throw new Error('no');
    })();
    await expect(inTurns(failing)).rejects.toThrow('no');
  });
});
