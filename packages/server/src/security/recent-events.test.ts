/** Entries come back as they were, in order, and the newest ones stay. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auditKinds } from '@rollcall/protocol';
import type { AuditEntry } from './audit.ts';
import { RecentEvents } from './recent-events.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });
const entry: fc.Arbitrary<Omit<AuditEntry, 'seq'>> = fc.record({
  at: fc.nat(2_000_000_000_000),
  event: fc.record({ kind: fc.constantFrom(...auditKinds), accessorId: text, namespace: text, address: text, via: text, action: text }),
  dropped: fc.nat(1_000_000),
});

const all = (recent: RecentEvents) => Array.from({ length: recent.size }, (_, at) => recent.at(at));

describe('recent events', () => {
  test('are the newest ones as they were added, at least as many as asked for and at most twice as many', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (given, atLeast) => {
        const recent = new RecentEvents(atLeast);
        const added = given.map((each, at) => ({ ...each, seq: at + 1 }));
        for (const each of added) recent.add(each);
        expect(all(recent)).toEqual(added.slice(added.length - recent.size));
        expect(recent.size).toBeGreaterThanOrEqual(Math.min(added.length, atLeast));
        expect(recent.size).toBeLessThanOrEqual(2 * atLeast);
        expect(recent.lastSeq).toBe(added.length);
      }),
    );
  });

  test('are fewer when their texts are very long, so that they never take more than their blocks', () => {
    const recent = new RecentEvents(2_000);
    const long = '€'.repeat(1_025);
    for (let seq = 1; seq <= 3_000; seq++) recent.add({ seq, at: seq, dropped: 0, event: { kind: 'denied', accessorId: long, namespace: long, address: long, via: 'consul', action: long } });
    expect(recent.size).toBeLessThan(100);
    expect(recent.size).toBeGreaterThan(20);
    expect(all(recent).at(-1)).toMatchObject({ seq: 3_000, event: { action: long, via: 'consul' } });
  });
});
