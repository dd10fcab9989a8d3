import { describe, expect, it } from 'vitest';
import { ttlsOf } from './ttls.ts';

describe('times to live', () => {
  it('are 0 by default', () => {
    const ttls = ttlsOf({});
    expect([ttls.node, ttls.ofService('web')]).toEqual([0, 0]);
  });

  it('are chosen by the full name, then by the longest prefix', () => {
    const ttls = ttlsOf({ node: 30, services: { '*': 1, 'db-*': 2, 'db-main-*': 3, Web: 4, 'db-main-1': 5 } });
    expect(ttls.node).toBe(30);
    const seconds = ['cache', 'db-a', 'db-main-2', 'web', 'db-main-1', 'db-main-11'].map((name) => ttls.ofService(name));
    expect(seconds).toEqual([1, 2, 3, 4, 5, 3]);
  });

  it.each([-1, 1.5, Number.NaN, 2_147_483_648])('refuse %d seconds', (seconds) => {
    expect(() => ttlsOf({ services: { web: seconds } })).toThrow(/TTL of web is .*, it must be a whole number/);
    expect(() => ttlsOf({ node: seconds })).toThrow(/TTL of node/);
  });
});
