import type { Reason } from '@rollcall/client';
import { expect, it } from 'vitest';
import { reasonText } from '@rollcall/client';

it.each<[Reason, string]>([
  [{ kind: 'selector' }, 'not selected'],
  [{ kind: 'subset' }, 'not in the subset of this caller'],
  [{ kind: 'canary' }, 'on the other side of the canary'],
  [{ kind: 'level', level: 2 }, 'level 2: lower levels take everything'],
  [{ kind: 'zone', zone: 'b' }, 'zone b: others take everything'],
  [{ kind: 'zone', zone: '' }, 'has no zone: others take everything'],
  [{ kind: 'key' }, 'the key goes to another zone or level'],
  [{ kind: 'preference' }, 'the balancer goes to another one'],
  [{ kind: 'status', status: 'draining' }, 'draining'],
  [{ kind: 'weight' }, 'weight 0'],
  [{ kind: 'unreachable', checkInMs: 1_240 }, 'takes no connection; checked in 1.2 s'],
  [{ kind: 'unreachable', checkInMs: undefined }, 'takes no connection; is being checked'],
  [{ kind: 'ejected', reason: 'outlier', forMs: 29_600 }, 'ejected (outlier) for 30 s'],
  [{ kind: 'breaker', state: 'open', forMs: 500 }, 'circuit open for 0.5 s'],
  [{ kind: 'busy', inFlightMax: 8 }, '8 requests in flight, its limit'],
])('%j in words: %s', (reason, text) => {
  expect(reasonText(reason)).toBe(text);
});
