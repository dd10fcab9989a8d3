import { describe, expect, it } from 'vitest';
import { someEndpoints } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import { Ejection } from './ejection.ts';

type Four = [Endpoint, Endpoint, Endpoint, Endpoint];

function setUp() {
  const endpoints = someEndpoints(4) as Four;
  const ejection = new Ejection();
  const inAt = (now: number, list: readonly Endpoint[] = endpoints) =>
    ejection.filter(list, now).map(({ instance }) => instance.id);
  return { endpoints, ejection, inAt };
}

describe('an endpoint whose connection breaks', () => {
  it('is out at once, for a second', () => {
    const { endpoints, ejection, inAt } = setUp();
    expect(ejection.broke(endpoints[1], endpoints, 5000)).toBe(true);
    expect(inAt(5000)).toEqual(['web-0', 'web-2', 'web-3']);
    expect(ejection.nextReturn).toBe(6000);
    expect(inAt(6000)).toHaveLength(4);
    expect(ejection.nextReturn).toBe(Infinity);
  });

  it('is out twice as long each time, up to 30 s, until it answers', () => {
    const { endpoints, ejection } = setUp();
    const lengths: number[] = [];
    let now = 0;
    for (let n = 0; n < 7; n++) {
      ejection.broke(endpoints[0], endpoints, now);
      ejection.filter(endpoints, now);
      lengths.push(ejection.nextReturn - now);
      now = ejection.nextReturn;
    }
    expect(lengths).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    ejection.answered(endpoints[0], true, endpoints, now);
    ejection.broke(endpoints[0], endpoints, now);
    ejection.filter(endpoints, now);
    expect(ejection.nextReturn - now).toBe(1000);
  });

  it('is not out for longer when other requests fail at the same time', () => {
    const { endpoints, ejection } = setUp();
    ejection.broke(endpoints[0], endpoints, 0);
    expect(ejection.broke(endpoints[0], endpoints, 900)).toBe(false);
    ejection.filter(endpoints, 900);
    expect(ejection.nextReturn).toBe(1000);
  });

  it('stays out when an answer to an earlier request arrives', () => {
    const { endpoints, ejection, inAt } = setUp();
    ejection.broke(endpoints[0], endpoints, 0);
    ejection.answered(endpoints[0], true, endpoints, 500);
    expect(inAt(500)).not.toContain('web-0');
  });

  it('is back at once when it is registered again', () => {
    const { endpoints, ejection, inAt } = setUp();
    ejection.broke(endpoints[0], endpoints, 0);
    ejection.forget(endpoints[0]);
    expect(inAt(1)).toHaveLength(4);
  });

  it('is not ejected when it has left the list', () => {
    const { endpoints, ejection } = setUp();
    expect(ejection.broke(endpoints[0], endpoints.slice(1), 0)).toBe(false);
  });
});

describe('at most half are out', () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
  ])('of %i endpoints %i', (count, most) => {
    const endpoints = someEndpoints(count);
    const ejection = new Ejection();
    const ejected = endpoints.filter((endpoint) => ejection.broke(endpoint, endpoints, 0));
    expect(ejected).toHaveLength(most);
    expect(ejection.filter(endpoints, 0)).toHaveLength(count - most);
  });

  it('also when the list shrinks: endpoints whose ejection ends first return at once', () => {
    const { endpoints, ejection, inAt } = setUp();
    ejection.broke(endpoints[0], endpoints, 0);
    ejection.broke(endpoints[1], endpoints, 500);
    expect(inAt(600, endpoints.slice(0, 3))).toEqual(['web-0', 'web-2']);
    expect(ejection.nextReturn).toBe(1500);
  });

  it('or none, with maxShare 0', () => {
    const endpoints = someEndpoints(10);
    expect(new Ejection({ maxShare: 0 }).broke(endpoints[0] as Endpoint, endpoints, 0)).toBe(false);
  });
});
