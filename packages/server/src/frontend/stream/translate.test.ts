import { describe, expect, it } from 'vitest';
import { instanceStatuses, type InstanceRegistration } from '@rollcall/protocol';
import type { InstanceRow, NodeRow } from '../../registry/kind/catalog/rows.ts';
import { toInstance, toKvItem } from '../../net/view-items/items.ts';
import { hashIn, toCheckInputs, tokenHash } from './translate.ts';

const instance: InstanceRow = {
  kind: 'instance',
  namespace: 'default',
  node: 'n',
  id: 'i',
  service: 'web',
  address: '',
  port: 80,
  tags: [],
  meta: {},
  weight: 10,
  warningWeight: 1,
  registeredMs: 0,
  created: 1,
  modified: 1,
};
const node: NodeRow = { kind: 'node', name: 'n', id: '', address: '10.0.0.1', meta: {}, created: 1, modified: 1 };

describe('an instance', () => {
  it('without an address has the address of its node', () => {
    expect(toInstance(instance, node, 'passing').address).toBe('10.0.0.1');
    expect(toInstance({ ...instance, address: 'h' }, node, 'passing').address).toBe('h');
  });

  it('has the weight of its status', () => {
    const weights = instanceStatuses.map((status) => toInstance(instance, node, status).weight);
    expect(weights).toEqual([10, 1, 10, 10, 10, 10]);
  });

  it('has the stream check, unless it is persistent, and its own checks with their kinds', () => {
    const registration: InstanceRegistration = {
      id: 'i',
      service: 'web',
      checks: [
        { name: 'a', ttlMs: 1_000 },
        { name: 'b', http: 'http://h' },
        { name: 'c', tcp: 'h:1', intervalMs: 2_000 },
        { name: 'd', grpc: 'h:1' },
      ],
    };
    const shown = (persistent: boolean) =>
      toCheckInputs({ ...registration, persistent }).map(({ id, type, status, definition }) => [id, type, status, definition]);
    const own = [
      ['i:a', 'ttl', undefined, { ttlMs: 1_000 }],
      ['i:b', 'http', undefined, { http: 'http://h', intervalMs: 10_000 }],
      ['i:c', 'tcp', undefined, { tcp: 'h:1', intervalMs: 2_000 }],
      ['i:d', 'grpc', undefined, { grpc: 'h:1', intervalMs: 10_000 }],
    ];
    expect(shown(false)).toEqual([['stream:i', 'stream', 'passing', undefined], ...own]);
    expect(shown(true)).toEqual(own);
  });
});

describe('a KV entry', () => {
  it('keeps all 64 bits of its flags, and bytes that are not text', () => {
    const row = { kind: 'kv', namespace: 'default', key: 'k', value: Uint8Array.of(0, 255), flags: 2n ** 64n - 1n, lockIndex: 0, created: 3, modified: 9 } as const;
    expect(toKvItem(row)).toEqual({ key: 'k', value: 'AP8=', flags: '18446744073709551615', revision: 9 });
    expect(toKvItem({ ...row, session: 's' }).session).toBe('s');
  });
});

describe('a token', () => {
  const row = { kind: 'session', namespace: 'default', id: 's', name: '', node: 'n', liveness: 'stream', ttlMs: 1, lockDelayMs: 0, behavior: 'delete', checks: [], created: 1, modified: 1 } as const;
  it('is stored as its hash, and sessions of other protocols have none', () => {
    expect(hashIn({ ...row, foreign: { stream: { tokenSha256: tokenHash('t') } } })).toBe(tokenHash('t'));
    expect(tokenHash('t')).toMatch(/^[0-9a-f]{64}$/);
    expect(hashIn(row)).toBeUndefined();
    expect(hashIn({ ...row, foreign: { stream: 7 } })).toBeUndefined();
    expect(hashIn({ ...row, foreign: { stream: { tokenSha256: 7 } } })).toBeUndefined();
  });
});
