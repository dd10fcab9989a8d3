import { expect, it } from 'vitest';
import { RetryBudget } from './retry-budget.ts';

function spend(budget: RetryBudget, now: number): number {
  let retries = 0;
  while (budget.withdraw(now)) retries += 1;
  return retries;
}

it('allows the minimum of a whole window at first, so that a new client can retry', () => {
  expect(spend(new RetryBudget(), 0)).toBe(100);
  expect(spend(new RetryBudget({ perSecond: 0 }), 0)).toBe(0);
});

it('allows a retry for every five requests of the window', () => {
  const budget = new RetryBudget({ perSecond: 0 });
  for (let n = 0; n < 1000; n++) budget.deposit(n);
  expect(spend(budget, 1000)).toBe(200);
  expect(spend(budget, 1000)).toBe(0);
});

it('drops deposits and withdrawals that left the window', () => {
  const budget = new RetryBudget();
  for (let n = 0; n < 1000; n++) budget.deposit(0);
  expect(budget.balance(9999)).toBeCloseTo(200);
  expect(budget.balance(10_000)).toBeCloseTo(100);
  expect(spend(budget, 10_000)).toBe(100);
  expect(budget.balance(19_999)).toBeCloseTo(0);
  expect(budget.balance(20_000)).toBeCloseTo(100);
});

it('works after any jump of the clock, and from any start time', () => {
  const budget = new RetryBudget();
  budget.deposit(123_456_789);
  budget.deposit(987_654_321_000);
  expect(budget.balance(987_654_321_000)).toBeCloseTo(100);
});

it('keeps the load within 1.2 times in any ten seconds when all requests fail', () => {
  const budget = new RetryBudget();
  const perSecond = 1000;
  let retries = 0;
  const seconds = 100;
  for (let n = 0; n < perSecond * seconds; n++) {
    const now = (n * 1000) / perSecond;
    budget.deposit(now);
    for (let tries = 1; tries < 3 && budget.withdraw(now); tries++) retries += 1;
  }
  expect(retries / (perSecond * seconds)).toBeLessThanOrEqual(0.2);
  expect(retries / (perSecond * seconds)).toBeGreaterThan(0.19);
});

it('allows the minimum with little traffic and the share with much traffic, not both', () => {
  const budget = new RetryBudget({ share: 0.2, perSecond: 10 });
  for (let n = 0; n < 400; n++) budget.deposit(0);
  expect(spend(budget, 0)).toBe(100);
  for (let n = 0; n < 400; n++) budget.deposit(20_000);
  for (let n = 0; n < 600; n++) budget.deposit(20_001);
  expect(spend(budget, 20_001)).toBe(200);
});
