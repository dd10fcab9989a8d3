import { describe, expect, it } from 'vitest';
import { Turns, type Work } from './turns.ts';
import { Body } from './answers.ts';
import { SharedWork, type Waiter } from './shared-work.ts';

function scene() {
  const due: (() => void)[] = [];
  const turns = new Turns((run) => due.push(run));
  const shared = new SharedWork<Body>(turns);
  const begun: string[] = [];
  const ended: string[] = [];
  const told: string[] = [];
  /** Takes several slices. */
  function* making(name: string, fails = false): Work<Body> {
    begun.push(name);
    try {
      for (let slice = 0; slice < 3; slice++) {
        turns.pace.spend(1_000_000);
        yield;
      }
      if (fails) throw new Error('too much');
      return new Body([Buffer.from(name)]);
    } finally {
      ended.push(name);
    }
  }
  const waiter = (who: string): Waiter<Body> => ({
    ready: (body) => told.push(`${who}: ${body.buffers.join('')}`),
    failed: (error) => told.push(`${who}: ${error instanceof Error ? error.message : ''}`),
  });
  return {
    ...{ turns, shared, begun, ended, told, making, waiter },
    turn: () => {
      for (const run of due.splice(0)) run();
    },
  };
}

describe('shared work', () => {
  it('is done once for all callers that wait for it, and again for later ones', () => {
    const { shared, begun, told, making, waiter, turn } = scene();
    const leave = shared.join('web', () => making('web'), waiter('a'));
    shared.join('web', () => making('web'), waiter('b'));
    shared.join('db', () => making('db'), waiter('c'));
    expect(leave).toBeTypeOf('function');
    for (let at = 0; at < 20; at++) turn();
    expect(begun).toEqual(['web', 'db']);
    expect([...told].sort()).toEqual(['a: web', 'b: web', 'c: db']);
    shared.join('web', () => making('web'), waiter('d'));
    expect(begun).toEqual(['web', 'db', 'web']);
  });

  it('continues while one caller is left, and ends with the last', () => {
    const { shared, ended, told, making, waiter, turn, turns } = scene();
    const [a, b] = ['a', 'b'].map((who) => shared.join('web', () => making('web'), waiter(who)));
    turn();
    a?.();
    expect(ended).toEqual([]);
    b?.();
    expect(ended).toEqual(['web']);
    for (let at = 0; at < 20; at++) turn();
    expect([told, turns.size]).toEqual([[], 0]);
  });

  it('fails for all callers that wait', () => {
    const { shared, told, making, waiter, turn } = scene();
    for (const who of ['a', 'b']) shared.join('web', () => making('web', true), waiter(who));
    for (let at = 0; at < 20; at++) turn();
    expect(told).toEqual(['a: too much', 'b: too much']);
  });

  it('is delivered in slices', () => {
    const { shared, told, making, waiter, turn } = scene();
    for (let who = 0; who < 1_000; who++) shared.join('web', () => making('web'), waiter(String(who)));
    let most = 0;
    for (let last = 0, at = 0; at < 60; at++, last = told.length) {
      turn();
      most = Math.max(most, told.length - last);
    }
    expect(told).toHaveLength(1_000);
    expect(most).toBeLessThanOrEqual(101);
  });
});
