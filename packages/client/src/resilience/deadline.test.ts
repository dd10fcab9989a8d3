import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { currentDeadline, deadlineHeader, earlier, readDeadline, timeLeftMs, withDeadline, writeDeadline } from './deadline.ts';

const arriving = (value: string) => ({ headers: { [deadlineHeader]: value } });

describe('the header', () => {
  it.each([
    ['250', 1_250],
    ['0', 1_000],
    ['99999999', 3_601_000],
  ])('%s is read', (header, at) => {
    expect(readDeadline(header, 1_000)).toEqual({ at });
  });

  it.each([undefined, '', 'soon', '-1', '1.5', '1e3', '1'.repeat(400)])('%s says nothing', (header) => {
    expect(readDeadline(header, 1_000)).toBeUndefined();
  });

  it('contains the remaining time, at least 1', () => {
    expect(writeDeadline({ at: 1_500.9 }, 1_000)).toBe('500');
    expect(writeDeadline({ at: 900 }, 1_000)).toBe('1');
  });
});

describe('a request that is served under a deadline', () => {
  it('sees the remaining time in all of its asynchronous calls', async () => {
    const clock = manualClock();
    const left = await withDeadline(
      arriving('800'),
      async () => {
        clock.advance(160);
        await Promise.resolve();
        return timeLeftMs(clock);
      },
      clock,
    );
    expect(left).toBe(640);
  });

  it('sees 0 after its deadline; code outside of the request sees no deadline', () => {
    const clock = manualClock();
    withDeadline(
      arriving('10'),
      () => {
        clock.advance(11);
        expect(timeLeftMs(clock)).toBe(0);
      },
      clock,
    );
    expect(timeLeftMs(clock)).toBe(Infinity);
    expect(currentDeadline()).toBeUndefined();
  });

  it('cannot extend its time', () => {
    const clock = manualClock();
    const inner = withDeadline(arriving('100'), () => withDeadline(arriving('5000'), () => timeLeftMs(clock), clock), clock);
    expect(inner).toBe(100);
  });

  it('is served without a deadline when the request has none', () => {
    expect(withDeadline({ headers: {} }, () => timeLeftMs())).toBe(Infinity);
  });
});

it('takes the earlier of two deadlines', () => {
  expect(earlier({ at: 5 }, { at: 3 })).toEqual({ at: 3 });
  expect(earlier(undefined, { at: 3 })).toEqual({ at: 3 });
  expect(earlier(undefined, undefined)).toBeUndefined();
});
