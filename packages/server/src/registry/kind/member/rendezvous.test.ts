/** Rendezvous hashing spreads keys evenly, and moves only those of the member that comes or goes. */

import { describe, expect, it } from 'vitest';
import { Owners } from './owners.ts';
import { hashText, Rendezvous } from './rendezvous.ts';
import type { Member } from './rows.ts';

const keys = Array.from({ length: 20_000 }, (_, at) => `check\0default\0node-${at % 500}\0service:web-${at}`);
const ids = (count: number) => Array.from({ length: count }, (_, at) => `9b2c41f0-0000-4000-8000-00000000000${at}`);

const owners = (members: readonly string[]) => {
  const rendezvous = new Rendezvous(members);
  return keys.map((key) => rendezvous.ownerOf(key));
};

describe('rendezvous hashing', () => {
  it.each([2, 3, 5, 8])('gives each of %i members its share within a tenth', (count) => {
    const found = owners(ids(count));
    for (const id of ids(count)) {
      const share = found.filter((owner) => owner === id).length / keys.length;
      expect(share).toBeGreaterThan(0.9 / count);
      expect(share).toBeLessThan(1.1 / count);
    }
  });

  it('moves only the keys of a member that goes', () => {
    const before = owners(ids(5));
    const gone = ids(5)[2];
    const after = owners(ids(5).filter((id) => id !== gone));
    for (const [at, owner] of before.entries()) if (owner !== gone) expect(after[at]).toBe(owner);
  });

  it('does not depend on the order of the members', () => {
    expect(owners(ids(5).toReversed())).toEqual(owners(ids(5)));
  });

  it('has no owner without members', () => {
    expect(new Rendezvous([]).ownerOf('key')).toBeUndefined();
  });

  it('gives the same hash on every machine', () => {
    expect([hashText(''), hashText('a'), hashText('check\0default\0n\0c')]).toMatchInlineSnapshot(`
      [
        2872998923,
        444641715,
        722135115,
      ]
    `);
  });
});

describe('the owner of a deadline', () => {
  const member = (nodeId: string, more: Partial<Member> = {}): Member => ({ nodeId, name: nodeId, address: '', version: '', epoch: 1, ...more });

  it('is the holder while it is a member, also while it drains', () => {
    const among = new Owners([member('a', { draining: true }), member('b')]);
    expect(among.ownerOf('key', 'a')).toBe('a');
    expect(among.ownerOf('key', 'b')).toBe('b');
  });

  it('is never a member that drains while others are there', () => {
    const among = new Owners([member('a', { draining: true }), member('b')]);
    expect(new Set(keys.map((key) => among.ownerOf(key, undefined)))).toEqual(new Set(['b']));
    const alone = new Owners([member('a', { draining: true })]);
    expect(alone.ownerOf('key', 'gone')).toBe('a');
  });
});
