import { describe, expect, it } from 'vitest';
import { anInstance } from './balancer/simulation.case.ts';
import { Endpoint, reconcile } from './endpoint.ts';

describe('reconcile', () => {
  const first = reconcile(new Map(), [anInstance('a'), anInstance('b'), anInstance('c')]);
  const [a, b] = [...first.endpoints.values()];

  it('keeps the endpoint of an instance that stays, with its newest record', () => {
    const { endpoints, removed, revived } = reconcile(first.endpoints, [anInstance('b', { weight: 5 }), anInstance('a')]);
    expect([...endpoints.values()]).toEqual([b, a]);
    expect([...endpoints.values()][0]).toBe(b);
    expect(b?.instance.weight).toBe(5);
    expect(removed.map(({ instance }) => instance.id)).toEqual(['c']);
    expect(revived).toEqual([]);
  });

  it.each([{ node: 'n2' }, { address: '10.0.0.2' }, { port: 9090 }])('makes a new endpoint for %o', (moved) => {
    const { endpoints, removed } = reconcile(first.endpoints, [anInstance('a', moved)]);
    expect([...endpoints.values()][0]).not.toBe(a);
    expect(removed).toContain(a);
  });

  it('reports the endpoints that became ready again', () => {
    const down = reconcile(new Map(), [anInstance('a', { status: 'critical' }), anInstance('b'), anInstance('c', { status: 'draining' })]);
    const up = reconcile(down.endpoints, [anInstance('a'), anInstance('b', { status: 'warning' }), anInstance('c', { status: 'critical' })]);
    expect(up.revived.map(({ instance }) => instance.id)).toEqual(['a']);
  });
});

it.each([
  ['10.1.2.3', 80, '10.1.2.3:80'],
  ['web.internal', 8080, 'web.internal:8080'],
  ['fd00::1', 8080, '[fd00::1]:8080'],
])('formats %s as in a URL', (address, port, authority) => {
  expect(new Endpoint(anInstance('a', { address, port })).authority).toBe(authority);
});
