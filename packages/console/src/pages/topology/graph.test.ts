import { expect, test } from 'vitest';
import type { TopologyEdge } from '@rollcall/protocol';
import { drawnMax, drawnPart, graphOf, isFailing, widthOf, type Health } from './graph.ts';

const edge = (from: string, to: string, more: Partial<TopologyEdge> = {}): TopologyEdge => ({ from, fromKind: 'service', fromNamespace: 'default', to, toNamespace: 'default', watches: 1, picksPerSecond: 0, failuresPerSecond: 0, ...more });
const service = (name: string, instances: number, passing: number): Health => ({ service: name, instances, passing, warning: 0 });

test('a service is one node, a client of the same name another, and its colour is its health', () => {
  const { nodes, edges } = graphOf([edge('shop', 'orders'), edge('shop', 'orders', { fromKind: 'client' }), edge('shop', 'far', { toNamespace: 'blue' })], [service('shop', 2, 2), service('orders', 2, 1)], 'default');
  expect(nodes.map(({ name, kind, health }) => `${name} ${kind} ${health}`)).toEqual(['shop service good', 'orders service some', 'shop client unknown', 'far (blue) service unknown']);
  expect(new Set(edges.map(({ id }) => id)).size).toBe(3);
});

test('a drawing has the busiest edges, and no node without one', () => {
  const many = Array.from({ length: drawnMax + 10 }, (_, n) => edge(`a${n}`, 'b', { picksPerSecond: n }));
  const { nodes, edges } = drawnPart(graphOf(many, [], 'default'));
  expect([edges.length, nodes.length, Math.min(...edges.map(({ picksPerSecond }) => picksPerSecond))]).toEqual([drawnMax, drawnMax + 1, 10]);
});

test.each([[0, 1], [0.1, 2], [1, 3], [10, 4], [1_000_000_000, 8]])('%f requests a second are %d pixels wide', (picksPerSecond, width) => {
  expect(widthOf({ picksPerSecond })).toBe(width);
});

test.each([[0, 0, false], [100, 1, true], [1_000, 1, false], [1, 1, true]])('of %d requests, %d failures: red is %s', (picksPerSecond, failuresPerSecond, red) => {
  expect(isFailing({ picksPerSecond, failuresPerSecond })).toBe(red);
});
