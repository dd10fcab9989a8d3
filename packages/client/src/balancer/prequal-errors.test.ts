import { expect, it } from 'vitest';
import { PrequalErrors } from './prequal-errors.ts';

function errorsOf(count: number) {
  const now = new Float64Array(1);
  const errors = new PrequalErrors(1000, now);
  errors.update(new Int32Array(count).fill(-1));
  const observe = (index: number, at: number, failed: boolean) => {
    now[0] = at;
    errors.observe(index, failed);
  };
  const refresh = (at: number) => {
    now[0] = at;
    errors.refresh();
    return errors;
  };
  return { observe, refresh, update: (before: Int32Array) => errors.update(before) };
}

const chargeAt = (errors: ReturnType<typeof errorsOf>, index: number, now: number) => errors.refresh(now).charges[index] as number;

it('charges the failed share of the latest requests', () => {
  const errors = errorsOf(2);
  errors.observe(0, 0, true);
  expect(chargeAt(errors, 0, 0)).toBeCloseTo(200, 6);
  for (let n = 0; n < 30; n++) errors.observe(0, 0, true);
  expect(chargeAt(errors, 0, 0)).toBeGreaterThan(990);
  expect(chargeAt(errors, 1, 0)).toBe(0);
});

it('lowers the charge with each success, down to 0', () => {
  const errors = errorsOf(1);
  errors.observe(0, 0, true);
  errors.observe(0, 0, false);
  expect(chargeAt(errors, 0, 0)).toBeCloseTo(160, 6);
  for (let n = 0; n < 30; n++) errors.observe(0, 0, false);
  expect(chargeAt(errors, 0, 0)).toBe(0);
  errors.observe(0, 0, true);
  expect(chargeAt(errors, 0, 0)).toBeCloseTo(200, 6);
});

it('lowers the charge over time, so that an endpoint is tried again', () => {
  const errors = errorsOf(1);
  errors.observe(0, 0, true);
  expect(chargeAt(errors, 0, 10_000)).toBeCloseTo(200 / Math.E, 6);
  expect(chargeAt(errors, 0, 100_000)).toBeLessThan(0.02);
});

it('marks an endpoint as failing for seven seconds after a single failure, or until a few successes', () => {
  const errors = errorsOf(2);
  const failingAt = (now: number) => [...errors.refresh(now).failing];
  errors.observe(0, 0, true);
  expect(failingAt(6900)).toEqual([1, 0]);
  expect(failingAt(7000)).toEqual([0, 0]);
  errors.observe(1, 10_000, true);
  for (let n = 0; n < 3; n++) errors.observe(1, 10_000, false);
  expect(failingAt(10_000)).toEqual([0, 1]);
  errors.observe(1, 10_000, false);
  expect(failingAt(10_000)).toEqual([0, 0]);
});

it('keeps the charges of endpoints that stay', () => {
  const errors = errorsOf(3);
  errors.observe(2, 0, true);
  errors.observe(1, 0, true);
  errors.update(Int32Array.from([2, -1]));
  expect(chargeAt(errors, 0, 0)).toBeCloseTo(200, 6);
  expect(chargeAt(errors, 1, 0)).toBe(0);
});
