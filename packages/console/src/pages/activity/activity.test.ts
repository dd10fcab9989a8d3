/** Lines of the activity that a page keeps, and where they lead. The page itself is tested in a browser (`journeys/access.test.ts`). */

import { describe, expect, test } from 'vitest';
import type { ActivityAnswer, ActivityLine } from '@rollcall/protocol';
import { linesMax, withNewest, withOlder } from './lines.ts';
import { targetOf } from './links.ts';

const line = (seq: number): ActivityLine => ({ node: 's1', seq, time: new Date(seq).toISOString(), kind: 'write', accessorId: '', namespace: '', address: '', via: '', action: '' });
const page = (from: number, to: number, cursor?: string): ActivityAnswer => ({ lines: Array.from({ length: from - to + 1 }, (_, n) => line(from - n)), ...(cursor === undefined ? {} : { cursor }), nodes: [], missing: [] });

describe('lines', () => {
  test('that are known stay the same objects when newer ones come', () => {
    const first = withNewest(undefined, page(3, 2, 'c'));
    const next = withNewest(first, page(4, 3, 'd'));
    expect(next.lines.map(({ seq }) => seq)).toEqual([4, 3, 2]);
    expect(next.lines[1]).toBe(first.lines[0]);
    // The way to older lines begins behind the oldest known one.
    expect(next.cursor).toBe('c');
    expect(withOlder(next, page(1, 1))).toMatchObject({ cursor: undefined, lines: [{ seq: 4 }, { seq: 3 }, { seq: 2 }, { seq: 1 }] });
  });

  test('begin anew after a gap, since lines between the two are not known', () => {
    const next = withNewest(withNewest(undefined, page(3, 2, 'c')), page(90, 80, 'd'));
    expect([next.lines.length, next.cursor]).toEqual([11, 'd']);
  });

  test('have a limit', () => {
    const full = withNewest(undefined, page(linesMax, 1, 'c'));
    const next = withNewest(full, page(linesMax + 1, linesMax, 'd'));
    expect([next.lines.length, next.lines[0]?.seq, next.cursor]).toEqual([linesMax, linesMax + 1, undefined]);
  });
});

test.each([
  ['PUT /v1/kv/app/a%20b?cas=0', ['keys'], 'app/a b'],
  ['kv-delete everything under app/', ['keys'], 'app/'],
  ['register web-1 of web, web-2 of web', ['services', 'web'], undefined],
  ['register: permission denied: service:write "billing"', ['services', 'billing'], undefined],
  ['PUT /rollcall/v1/routes of "web"', ['services', 'web'], undefined],
  ['PUT /v1/acl/token', ['access'], undefined],
  ['POST /rollcall/v1/expiry/override', ['cluster'], undefined],
])('%s leads to %j', (action, parts, filter) => {
  expect(targetOf(action, new Set(['keys', 'services', 'access', 'cluster']))).toEqual({ parts, query: filter === undefined ? {} : { filter } });
});

test.each(['lease pool', 'PUT /v1/kv/a'])('%s leads nowhere without such a page', (action) => {
  expect(targetOf(action, new Set(['services']))).toBeUndefined();
});
