/** What a route may say, and the errors for what it may not. */

import { expect, test } from 'vitest';
import { checkRoute, routeSchema, routeWords, type Route } from './route.ts';

const everything: Route = {
  description: 'release of 2.2',
  select: { tags: ['a'], withoutTags: ['b'], meta: { env: 'prod' }, version: '2' },
  canary: { select: { version: '2.2' }, share: 0.1, header: 'x-canary', headerValue: 'yes' },
  weights: [{ select: { version: '2.1' }, weight: 0.5 }],
  subset: { size: 20 },
  timeoutMs: 2_000,
  tryTimeoutMs: 500,
  triesMax: 3,
  retryBudget: { share: 0.1, perSecond: 5, windowMs: 10_000 },
  retryAfterMaxMs: 0,
  hedging: { percentile: 0.95, delayMinMs: 5, initialDelayMs: 100, maxShare: 0.02 },
  ejection: { baseMs: 500, maxMs: 10_000, maxShare: 0.3, unreachable: true, outliers: { consecutiveFailures: 3, intervalMs: 1_000, requestsMin: 20, endpointsMin: 3, deviations: 2, maxShare: 0.2 } },
  panicThreshold: 0.5,
  breaker: { failureShare: 0.5, requestsMin: 10, windowMs: 5_000, openMs: 1_000 },
  endpointRequestsMax: 100,
  requestsMax: 1_000,
  balancer: 'leastRequest',
  slowStart: { windowMs: 30_000, aggression: 2, leastShare: 0.2 },
  keyHeader: 'x-user',
};

test('a route with every word is right, and comes back as it is', () => {
  expect(Object.keys(everything).sort()).toEqual([...routeWords].sort());
  expect(checkRoute(everything)).toEqual({ ok: true, route: everything });
  expect(checkRoute({})).toEqual({ ok: true, route: {} });
});

test.each<[string, object, string]>([
  ['a misspelt word', { timeout: 1 }, 'the route has the unknown field "timeout"; did you mean timeoutMs?'],
  ['a share over 1', { canary: { select: { version: '2' }, share: 10 } }, 'canary.share is 10, it must be 0 to 1'],
  ['a canary without a selector', { canary: { share: 0.1 } }, 'canary lacks select'],
  ['a selector that selects everything', { select: {} }, 'select is empty'],
  ['a version that cannot match', { select: { version: '2.' } }, 'select.version is "2.", it must be the leading parts of a version, such as 2 or 2.1'],
  ['a header that no request can have', { keyHeader: 'x user' }, 'keyHeader is "x user", it must be the name of a header'],
  ['a value without its header', { canary: { select: { version: '2' }, share: 0, headerValue: 'yes' } }, 'canary.headerValue needs canary.header, the name of the header that has it'],
  ['a time of 0', { timeoutMs: 0 }, 'timeoutMs is 0, it must be more than 0 and at most 3600000'],
  ['an unknown balancer', { balancer: 'best' }, 'balancer is "best"; there are peakEwma, '],
  ['limits the wrong way round', { ejection: { baseMs: 5_000, maxMs: 1_000 } }, 'ejection.baseMs is 5000, it must be at most ejection.maxMs, which is 1000'],
  ['many weights', { weights: Array.from({ length: 17 }, () => ({ select: { version: '1' }, weight: 1 })) }, 'weights has 17 entries, the limit is 16'],
  ['no object', [] as object, 'the route must be an object'],
])('%s is refused by name', (_what, route, message) => {
  expect(checkRoute(route)).toEqual({ ok: false, message: expect.stringContaining(message) as string });
});

test('the schema is JSON Schema without anything else in it', () => {
  expect(JSON.parse(JSON.stringify(routeSchema))).toEqual(routeSchema);
});
