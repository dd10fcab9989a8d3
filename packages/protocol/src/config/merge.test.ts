import { expect, it } from 'vitest';
import { mergeProperties } from './merge.ts';

const layer = (origin: string, entries: Record<string, string>) => ({ origin, entries: new Map(Object.entries(entries)) });

it('takes each key from the first layer that has it, and says which layer that is', () => {
  const merged = mergeProperties([layer('own', { a: '1', b: '' }), layer('parent', { b: '2', c: '3' }), layer('base', { c: '4', d: '5' })]);
  expect([...merged]).toEqual([
    ['a', { value: '1', origin: 'own' }],
    ['b', { value: '', origin: 'own' }],
    ['c', { value: '3', origin: 'parent' }],
    ['d', { value: '5', origin: 'base' }],
  ]);
});

it('has nothing without layers', () => {
  expect(mergeProperties([]).size).toBe(0);
});
