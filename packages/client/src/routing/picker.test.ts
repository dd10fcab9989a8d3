import { expect, it } from 'vitest';
import type { Endpoint } from '../endpoint.ts';
import type { Outcome } from '../balancer/balancer.ts';
import type { EjectionOptions } from '../resilience/ejection.ts';
import { Picker } from './picker.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { anInstance } from '../balancer/simulation.case.ts';

const three = [anInstance('a'), anInstance('b'), anInstance('c')];

function setUp(instances = three, ejection: EjectionOptions = {}) {
  const picker = new Picker(roundRobin(), ejection, new SeededRandom(1));
  picker.update(instances, 0);
  const turn = (now: number, count = 6) =>
    new Set(Array.from({ length: count }, () => picker.pick(now)?.instance.id));
  const get = (id: string): Endpoint => {
    for (;;) {
      const endpoint = picker.pick(0);
      if (endpoint?.instance.id === id) return endpoint;
    }
  };
  const report = (endpoint: Endpoint, result: Outcome['result'], now: number) =>
    picker.observe(endpoint, { now, latencyMs: 1, result });
  return { picker, turn, get, report };
}

it('leaves out endpoints that accept no connection, even when ejection is off, unless `unreachable` is false', () => {
  for (const [ejection, left] of [
    [{ maxShare: 0 }, ['a', 'c']],
    [{ unreachable: false }, ['a', 'b', 'c']],
  ] as const) {
    const { turn, get, report } = setUp(three, ejection);
    report(get('b'), 'unreachable', 100);
    expect(turn(100)).toEqual(new Set(left));
  }
  // Without reachability, a broken connection still ejects, and vice versa.
  const broken = setUp(three, { unreachable: false });
  broken.report(broken.get('b'), 'broken', 100);
  expect(broken.turn(100)).toEqual(new Set(['a', 'c']));
  const kept = setUp(three, { maxShare: 0 });
  kept.report(kept.get('b'), 'broken', 100);
  expect(kept.turn(100)).toEqual(new Set(['a', 'b', 'c']));
});

it('picks among the eligible ones', () => {
  const { turn } = setUp([anInstance('a'), anInstance('b', { status: 'critical' }), anInstance('c', { status: 'draining' })]);
  expect(turn(0)).toEqual(new Set(['a']));
});

it('stops choosing an endpoint at the first connection error and uses it again after the ejection', () => {
  const { turn, get, report } = setUp();
  report(get('b'), 'unreachable', 100);
  expect(turn(100)).toEqual(new Set(['a', 'c']));
  expect(turn(1099)).toEqual(new Set(['a', 'c']));
  expect(turn(1100)).toEqual(new Set(['a', 'b', 'c']));
});

it('does not eject an endpoint for error answers, or for cancelled requests', () => {
  const { turn, get, report } = setUp();
  report(get('b'), 'failed', 100);
  report(get('c'), 'cancelled', 100);
  expect(turn(100)).toEqual(new Set(['a', 'b', 'c']));
});

it('uses an ejected endpoint again when the registry reports it ready again, but not after other changes', () => {
  const { picker, turn, get, report } = setUp();
  report(get('b'), 'unreachable', 100);
  picker.update([...three, anInstance('d')], 200);
  expect(turn(200)).toEqual(new Set(['a', 'c', 'd']));
  picker.update([anInstance('a'), anInstance('b', { status: 'critical' }), anInstance('c')], 300);
  picker.update(three, 400);
  expect(turn(400)).toEqual(new Set(['a', 'b', 'c']));
});

it('uses an ejected endpoint again when it left the list and returned', () => {
  const { picker, turn, get, report } = setUp();
  report(get('b'), 'unreachable', 100);
  expect(picker.update([anInstance('a'), anInstance('c')], 200).map(({ instance }) => instance.id)).toEqual(['b']);
  picker.update(three, 300);
  expect(turn(300)).toEqual(new Set(['a', 'b', 'c']));
});

it('prefers an ejected endpoint for a retry to one that was already tried', () => {
  const { picker, get, report } = setUp([anInstance('a'), anInstance('b')]);
  const [a, b] = [get('a'), get('b')];
  report(b, 'broken', 100);
  expect(picker.pick(100, [a])).toBe(b);
  expect(picker.pick(100, [a, b])).toBeUndefined();
});

it('does not retry on an endpoint that accepts no connection while another one does', () => {
  const { picker, get, report } = setUp([anInstance('a'), anInstance('b')]);
  const [a, b] = [get('a'), get('b')];
  report(b, 'unreachable', 100);
  expect(picker.pick(100, [a])).toBeUndefined();
  expect(picker.ready).toBe(1);
  report(a, 'unreachable', 100);
  expect(picker.pick(100, [a])).toBe(b);
  expect(picker.ready).toBe(0);
});

it('also picks critical endpoints, below the panic threshold', () => {
  const picker = new Picker(roundRobin(), {}, new SeededRandom(1), 0.5);
  const idsOf = (statuses: readonly ('passing' | 'critical')[]) => {
    picker.update(statuses.map((status, index) => anInstance('abc'[index]!, { status })), 0);
    return new Set(Array.from({ length: 6 }, () => picker.pick(0)?.instance.id));
  };
  expect(idsOf(['passing', 'passing', 'critical'])).toEqual(new Set(['a', 'b']));
  expect(idsOf(['passing', 'critical', 'critical'])).toEqual(new Set(['a', 'b', 'c']));
  expect(picker.ready).toBe(1);
});
