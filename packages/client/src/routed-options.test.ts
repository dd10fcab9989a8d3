/** Options under a route: which word wins, what stays, and what a client does with a route that it does not understand. */

import { describe, expect, it, test } from 'vitest';
import type { Route } from '@rollcall/protocol';
import { roundRobin } from './balancer/round-robin.ts';
import { RoutedOptions } from './routed-options.ts';
import type { ServiceOptions } from './service-options.ts';

const own: ServiceOptions = {
  triesMax: 5,
  timeoutMs: 9_000,
  retryBudget: { share: 0.5, perSecond: 1 },
  routing: { select: { tags: ['a'] }, subset: { size: 3, ordinal: 7 }, zone: { own: 'z' } },
};

/** The options that a route makes of those of the program. */
function under(route: Route, options = own): ServiceOptions {
  let used = options;
  new RoutedOptions(options).take({ route, revision: 1 }, (given) => (used = given));
  return used;
}

test.each<[string, Route, ServiceOptions]>([
  ['without words leaves them all', {}, own],
  ['replaces a word as a whole', { retryBudget: { share: 0.1 } }, { ...own, retryBudget: { share: 0.1 } }],
  ['leaves the words that it lacks', { timeoutMs: 100, hedging: false }, { ...own, timeoutMs: 100, hedging: false }],
  ['replaces single rules of routing', { select: { version: '2' }, canary: { select: { version: '3' }, share: 0.1 } }, { ...own, routing: { ...own.routing, select: { version: '2' }, canary: { select: { version: '3' }, share: 0.1 } } }],
  ['leaves the ordinal of this client', { subset: { size: 9 } }, { ...own, routing: { ...own.routing, subset: { size: 9, ordinal: 7 } } }],
  ['has weights, which a program may have, too', { weights: [{ select: { version: '2' }, weight: 0 }] }, { ...own, routing: { ...own.routing, weights: [{ select: { version: '2' }, weight: 0 }] } }],
  ['changes nothing by its description', { description: 'why' }, own],
])('a route %s', (_what, route, expected) => {
  expect(under(route)).toEqual(expected);
});

describe('a newer route', () => {
  const setUp = (options: ServiceOptions = {}) => {
    const used: ServiceOptions[] = [];
    const routed = new RoutedOptions(options);
    let revision = 0;
    return { used, routed, take: (route: unknown) => routed.take({ route, revision: ++revision }, (given) => used.push(given)) };
  };

  it('keeps the values that are equal, so that what was made of them stays', () => {
    const { used, take } = setUp();
    take({ balancer: 'leastRequest', slowStart: { windowMs: 5 }, breaker: { openMs: 5 }, timeoutMs: 1 });
    take({ slowStart: { windowMs: 5 }, balancer: 'leastRequest', breaker: { openMs: 5 }, timeoutMs: 2 });
    expect(used[1]?.balancer).toBe(used[0]?.balancer);
    expect(used[1]?.breaker).toBe(used[0]?.breaker);
    take({ balancer: 'roundRobin', breaker: { openMs: 5 }, timeoutMs: 2 });
    expect(used[2]?.balancer).not.toBe(used[0]?.balancer);
  });

  it('that says the same is no news', () => {
    const { used, take } = setUp();
    expect(take({ timeoutMs: 5, retryBudget: { share: 0.1 } })).toEqual({ kind: 'new', words: ['timeoutMs', 'retryBudget'] });
    expect(take({ retryBudget: { share: 0.1 }, timeoutMs: 5, description: 'the same' })).toEqual({ kind: 'same' });
    expect(used).toHaveLength(1);
  });

  it('that is deleted gives the options of the program back', () => {
    const { used, routed, take } = setUp({ triesMax: 4 });
    take({ triesMax: 1 });
    expect(take(undefined)).toEqual({ kind: 'new', words: [] });
    expect(used.at(-1)).toEqual({ triesMax: 4 });
    expect(routed.explain()).toBeUndefined();
  });

  it('with a word that this client does not know, leaves the one before', () => {
    const { used, routed, take } = setUp();
    take({ triesMax: 2 });
    const reason = 'the route has the unknown field "teleport"; there are ';
    expect(take({ triesMax: 1, teleport: true })).toEqual({ kind: 'refused', reason: expect.stringContaining(reason) as string });
    expect(used).toHaveLength(1);
    expect(routed.explain()).toEqual({ revision: 1, words: ['triesMax'], refused: { revision: 2, reason: expect.stringContaining(reason) as string } });
    expect(take({ triesMax: 3 })).toMatchObject({ kind: 'new' });
    expect(routed.explain()).toEqual({ revision: 3, words: ['triesMax'], refused: undefined });
  });

  it('that cannot be used leaves the one before, too', () => {
    const routed = new RoutedOptions({});
    const refuse = () => {
      throw new Error('no');
    };
    expect(routed.take({ route: { triesMax: 2 }, revision: 4 }, refuse)).toEqual({ kind: 'refused', reason: 'no' });
    expect(routed.explain()).toEqual({ revision: undefined, words: [], refused: { revision: 4, reason: 'no' } });
  });

  it('begins slow start around the balancer of the program', () => {
    const balancer = roundRobin();
    expect(under({ slowStart: { windowMs: 5 } }, { balancer }).balancer).not.toBe(balancer);
    expect(under({ timeoutMs: 5 }, { balancer }).balancer).toBe(balancer);
  });
});
