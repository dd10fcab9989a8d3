import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../settings/resolve.ts';
import type { Settings } from '../settings/table.ts';
import { workersOf } from './worker-count.ts';

const count = (more: Partial<Settings>, cores = 8) => workersOf({ ...defaultSettings('/work'), ...more }, cores);

describe('the number of workers', () => {
  it.each([[1, 0], [2, 0], [3, 2], [4, 3], [8, 3], [64, 3]])('on %i cores is %i by default', (cores, expected) => {
    expect(count({}, cores)).toBe(expected);
  });

  it('is 0 in memory unless workers are asked for', () => {
    expect(count({ dev: true })).toBe(0);
    expect(count({ dev: true, workers: 2 })).toBe(2);
  });

  it('is the number in the settings', () => {
    expect(count({ workers: 0 })).toBe(0);
    expect(count({ workers: 5 }, 1)).toBe(5);
  });

  it.each<[string, Partial<Settings>, string]>([
    ['with etcd', { engine: { kind: 'etcd', urls: ['http://a:1'] } }, 'start another rollcall serve with another --http and --node-name for each core'],
    ['on an edge node', { engine: { kind: 'node', url: 'http://a:1' } }, 'with the engine node each process is a node'],
  ])('is 0 %s, and another number is refused with the reason', (_where, more, message) => {
    expect(count(more)).toBe(0);
    expect(count({ ...more, workers: 0 })).toBe(0);
    expect(() => count({ ...more, workers: 1 })).toThrow(message);
  });
});
