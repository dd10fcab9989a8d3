import type { Instance } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import { eligible } from './eligible.ts';
import { anInstance } from '../balancer/simulation.case.ts';

const passing = { id: 'passing', status: 'passing' } as const;
const warning = { id: 'warning', status: 'warning', weight: 0.1 } as const;
const idle = { id: 'idle', status: 'passing', weight: 0 } as const;
const critical = { id: 'critical', status: 'critical' } as const;
const draining = { id: 'draining', status: 'draining' } as const;
const starting = { id: 'starting', status: 'starting' } as const;
const maintenance = { id: 'maintenance', status: 'maintenance' } as const;

it.each<[what: string, all: Partial<Instance>[], chosen: string[]]>([
  ['nothing from an empty list', [], []],
  ['passing and warning ones', [critical, warning, passing, draining, starting, maintenance, idle], ['warning', 'passing']],
  ['weight 0 only if no other is ready', [critical, idle, draining], ['idle']],
  ['critical ones if none is ready', [draining, starting, critical, maintenance], ['critical']],
  ['draining ones if no other is left', [starting, draining, maintenance], ['draining']],
  ['starting ones if no other is left', [starting, maintenance], ['starting']],
  ['none in maintenance, even if no other is left', [maintenance], []],
])('chooses %s', (_what, all, chosen) => {
  const endpoints = all.map(({ id, ...fields }) => new Endpoint(anInstance(id ?? '', fields)));
  expect(eligible(endpoints).endpoints.map(({ instance }) => instance.id)).toEqual(chosen);
});

const ready = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `ready-${index}`, status: 'passing' }) as const);
const down = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `down-${index}`, status: 'critical' }) as const);
const chosenOf = (all: readonly Partial<Instance>[], panicThreshold?: number) =>
  eligible(all.map(({ id, ...fields }) => new Endpoint(anInstance(id ?? '', fields))), panicThreshold).endpoints.length;

it.each([
  [0.5, 5, 5, 5],
  [0.5, 4, 6, 10],
  [0.5, 4, 4, 4],
  [1, 9, 1, 10],
  [0, 1, 9, 1],
])('with a panic threshold of %d, of %i ready and %i critical ones it chooses from %i', (threshold, up, critical, chosen) => {
  expect(chosenOf([...down(critical), ...ready(up)], threshold)).toBe(chosen);
});

it('does not use critical instances beside healthy ones without a panic threshold', () => {
  expect(chosenOf([...ready(1), ...down(9)])).toBe(1);
});

it('in a panic neither counts nor uses instances that are draining, starting, in maintenance or of weight 0', () => {
  const others = [draining, starting, maintenance, idle, { ...critical, id: 'critical-idle', weight: 0 }];
  expect(chosenOf([...ready(2), ...down(2), ...others], 0.5)).toBe(2);
  expect(chosenOf([...ready(2), ...down(3), ...others], 0.5)).toBe(5);
});
