import type { Instance } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import { Endpoint } from '../endpoint.ts';
import { eligible } from './eligible.ts';
import { anInstance } from './simulation.case.ts';

const passing = { id: 'passing', status: 'passing' } as const;
const warning = { id: 'warning', status: 'warning', weight: 0.1 } as const;
const idle = { id: 'idle', status: 'passing', weight: 0 } as const;
const critical = { id: 'critical', status: 'critical' } as const;
const draining = { id: 'draining', status: 'draining' } as const;

it.each<[what: string, all: Partial<Instance>[], chosen: string[]]>([
  ['nobody from nobody', [], []],
  ['passing and warning ones', [critical, warning, passing, draining, idle], ['warning', 'passing']],
  ['weight 0 only if nobody else is ready', [critical, idle, draining], ['idle']],
  ['critical ones if nobody is ready', [draining, critical], ['critical']],
  ['draining ones if nobody else is left', [draining], ['draining']],
])('chooses %s', (_what, all, chosen) => {
  const endpoints = all.map(({ id, ...fields }) => new Endpoint(anInstance(id ?? '', fields)));
  expect(eligible(endpoints).map(({ instance }) => instance.id)).toEqual(chosen);
});
