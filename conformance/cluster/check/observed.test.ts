/** The checkers of watches, liveness, fencing and indexes: what they accept, and each breach that they name. */

import { describe, expect, test } from 'vitest';
import { acceptedLate, checkFencing, type Grant, type Held } from './fencing.ts';
import { checkIndexes } from './index-order.ts';
import { checkLiveness, type Life, type Sight } from './liveness.ts';
import { checkNativeLocks, type GuardedWrite, type NativeGrant, type NativeLockHistory } from './native-locks.ts';
import { checkDeltas, checkWatches, type WatchEvent, type Watched } from './watch.ts';

const first = (breaks: readonly string[]): string => breaks[0]?.split(':')[0] ?? 'none';

describe('watches', () => {
  const event = (revision: number, content: Record<string, string>): WatchEvent => ({ at: revision, revision, content });
  const watcher = (name: string, ...events: WatchEvent[]): Watched => ({ watcher: name, events, connectedAtEnd: true });

  test.each<[string, string, Watched[], Record<string, string>]>([
    ['two watchers of which one skips a revision', 'none', [watcher('a', event(1, { k: '1' }), event(2, { k: '2' })), watcher('b', event(2, { k: '2' }))], { k: '2' }],
    ['a revision goes back', 'ordered', [watcher('a', event(2, { k: '2' }), event(1, { k: '1' }))], { k: '1' }],
    ['an event comes twice', 'unique', [watcher('a', event(1, { k: '1' }), event(1, { k: '1' }))], { k: '1' }],
    ['two watchers see other contents at one revision', 'reliable', [watcher('a', event(1, { k: '1' })), watcher('b', event(1, {}))], { k: '1' }],
    ['the last change is not told', 'reliable', [watcher('a', event(1, { k: '1' }))], { k: '2' }],
    ['a watcher is told nothing', 'reliable', [watcher('a')], { k: '2' }],
    ['half of a transaction appears', 'atomic', [watcher('a', event(1, { p: '1', q: '1' }), event(2, { p: '2', q: '1' }))], { p: '2', q: '1' }],
  ])('%s: %s', (_, expected, watched, final) => {
    expect(first(checkWatches(watched, { final, together: [['p', 'q']] }))).toBe(expected);
  });

  test('a watcher that was cut off at the end need not have the last content', () => {
    expect(checkWatches([{ ...watcher('a', event(1, { k: '1' })), connectedAtEnd: false }], { final: { k: '2' } })).toEqual([]);
  });

  test('a difference that does not begin at the revision of the watcher is named', () => {
    expect(checkDeltas('a', [{ from: undefined, revision: 3 }, { from: 3, revision: 5 }])).toEqual([]);
    expect(checkDeltas('a', [{ from: undefined, revision: 3 }, { from: 4, revision: 5 }])).toEqual([
      'resumable: a was at revision 3 and got a difference from 4 to 5',
    ]);
  });
});

describe('liveness', () => {
  const well: Life = { instance: 'w', visibleFrom: 110, wellUntil: Infinity, goneBy: Infinity };
  const dead: Life = { instance: 'd', visibleFrom: 110, wellUntil: 200, goneBy: 250 };
  const sight = (at: number, passing: string[], stale = false): Sight => ({ node: 'n1', asked: at, told: at, passing: new Set(passing), stale });

  test.each<[string, string[], Life[], Sight[]]>([
    ['all instances are shown', [], [well, dead], [sight(150, ['w', 'd']), sight(240, ['w', 'd']), sight(260, ['w'])]],
    ['a registration may take a moment to be seen', [], [well], [sight(105, [])]],
    ['an answer to a question from before the registration', [], [well], [{ ...sight(150, []), asked: 100 }]],
    ['a healthy instance is missing', ['instance w is well and missing from node n1 at 150 ms (to be seen from 110 ms)'], [well], [sight(150, []), sight(160, [])]],
    ['a node no longer shows an instance', ['instance w is well and missing from node n1 at 108 ms (to be seen from 106 ms)'], [well], [sight(106, ['w']), sight(108, [])]],
    ['a stale view lacks a healthy instance', ['instance w is well and missing from node n1 at 150 ms (to be seen from 110 ms)'], [well], [sight(150, [], true)]],
    ['a dead instance stays', ['instance d ended at 200 ms and node n1 shows it at 251 ms (bound 250 ms)'], [dead], [sight(251, ['d'])]],
    ['a stale view may show a dead instance', [], [dead], [sight(251, ['d'], true)]],
  ])('%s', (_, expected, lives, sights) => {
    expect(checkLiveness(lives, sights)).toEqual(expected);
  });
});

describe('fencing', () => {
  const grant = (session: string, token: number, call: number): Grant => ({ lock: 'l', session, token, call, return: call + 1 });
  const held = (revision: number, session: string | undefined, token: number): Held => ({ lock: 'l', revision, session, token });

  test.each<[string, number, Grant[], Held[]]>([
    ['tokens rise', 0, [grant('a', 1, 0), grant('b', 2, 2)], [held(1, 'a', 1), held(2, undefined, 1), held(3, 'b', 2)]],
    ['a holder acquires again', 0, [grant('a', 1, 0), grant('a', 1, 2)], []],
    ['a later grant has a lower token', 1, [grant('a', 5, 0), grant('b', 4, 2)], []],
    ['two grants have one token', 1, [{ ...grant('a', 5, 0), return: 9 }, grant('b', 5, 2)], []],
    ['two sessions hold it at one revision', 1, [], [held(1, 'a', 1), held(1, 'b', 2)]],
    ['a token goes back in the store', 1, [], [held(1, 'a', 4), held(2, undefined, 4), held(3, 'b', 3)]],
    ['a token goes from one holder to another', 1, [], [held(1, 'a', 4), held(2, 'b', 4)]],
  ])('%s: %i breaches', (_, count, grants, seen) => {
    expect(checkFencing(grants, seen)).toHaveLength(count);
  });

  test('a late write that the resource accepted is a breach', () => {
    const writes = [{ token: 1, accepted: true }, { token: 2, accepted: true }, { token: 1, accepted: false }];
    expect(acceptedLate(writes)).toEqual([]);
    expect(acceptedLate([...writes, { token: 1, accepted: true }])).toEqual([{ token: 1, accepted: true }]);
  });
});

describe('native locks', () => {
  const at = (revision: number, nth = 0) => String((BigInt(revision) << 16n) | BigInt(nth));
  const grant = (id: string, token: string, call: number): NativeGrant => ({ lock: 'l', id, token, call, return: call + 1 });
  const write = (token: string, key: string, call: number, outcome: GuardedWrite['outcome'] = 'accepted'): GuardedWrite => ({ lock: 'l', token, key, call, outcome });
  const nothing: NativeLockHistory = { grants: [], writes: [], holders: [], stored: undefined };
  const two = [grant('a', at(5), 0), grant('b', at(8), 2)];

  test.each<[string, number, Partial<NativeLockHistory>]>([
    ['tokens rise, also in one transaction', 0, { grants: [grant('a', at(5), 0), grant('b', at(5, 1), 2)] }],
    ['a token repeats', 1, { grants: [{ ...grant('a', at(5), 0), return: 9 }, grant('b', at(5), 2)] }],
    ['a token goes back', 1, { grants: [grant('a', at(8), 0), grant('b', at(5), 2)] }],
    ['a node shows two holders', 1, { holders: [{ lock: 'l', node: 'n1', tokens: [at(5), at(8)] }] }],
    ['each holder writes in its time', 0, { grants: two, writes: [write(at(5), 'x', 1), write(at(8), 'y', 4)], stored: [{ key: 'x', revision: 8 }, { key: 'y', revision: 9 }] }],
    ['a late write is refused', 0, { grants: two, writes: [write(at(5), 'x', 4, 'refused')], stored: [] }],
    ['a late write is accepted', 1, { grants: two, writes: [write(at(5), 'x', 4)] }],
    ['a write of an earlier holder is in the store above the next grant', 1, { grants: two, writes: [write(at(5), 'x', 1, 'unknown')], stored: [{ key: 'x', revision: 9 }] }],
    ['a write that was refused is in the store', 1, { grants: two, writes: [write(at(5), 'x', 1, 'refused')], stored: [{ key: 'x', revision: 6 }] }],
    ['a write that was accepted is lost', 1, { grants: two, writes: [write(at(5), 'x', 1)], stored: [] }],
  ])('%s: %i breaches', (_, count, history) => {
    expect(checkNativeLocks({ ...nothing, ...history })).toHaveLength(count);
  });
});

test('an index that goes back for one client of two nodes is named; other clients and views do not count', () => {
  const seen = (client: string, view: string, node: string, index: number) => ({ client, view, node, index });
  expect(checkIndexes([seen('a', '/x', 'n1', 5), seen('b', '/x', 'n2', 4), seen('a', '/y', 'n2', 1), seen('a', '/x', 'n2', 5)])).toEqual([]);
  expect(checkIndexes([seen('a', '/x', 'n1', 5), seen('a', '/x', 'n2', 4)])).toEqual([
    'client a was told index 5 of /x by node n1, and 4 by node n2 after it',
  ]);
});
