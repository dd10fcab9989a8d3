/** Two versions of Rollcall on one store: fields that the newer one has added to a row survive a write of the older one. */

import { describe, expect, it } from 'vitest';
import { Journal } from './journal.case.ts';
import type { Register } from './kind/catalog/commands.ts';
import { encodeRow, type Command, type Row } from './kinds.ts';

const register = (port: number, status: 'passing' | 'warning' = 'passing'): Register => ({
  ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1', meta: { port: `${port}` } }, nodeMode: 'update' },
  instances: [{ id: 'i', service: 'web', port }],
  checks: [{ id: 'c', name: 'c', instance: 'i', type: 'ttl', status, definition: { ttlMs: 1_000 } }],
});

const rest: Command[] = [
  { kind: 'service-put', namespace: 'default', name: 'web', meta: { a: '1' } },
  { kind: 'record-put', namespace: 'default', type: 't', id: 'r', value: 1 },
  { kind: 'kv-put', namespace: 'default', key: 'k', value: Buffer.from('1'), flags: 0n },
  { kind: 'namespace-put', name: 'team', description: 'one' },
];

const keys = ['node\0n', 'instance\0default\0n\0i', 'check\0default\0n\0c', 'service\0default\0web', 'record\0default\0t\0r', 'kv\0default\0k', 'namespace\0team'];

/** A store in which a newer node has given every row a field more. */
function mixed(): Journal {
  const journal = new Journal();
  journal.nodeId = 'older';
  journal.commit([register(1), ...rest]);
  const put = keys.map((key) => ({ key, value: encodeRow(Object.assign({ ...(journal.state.get(key) as Row) }, { later: { x: 1 } })) }));
  journal.rewrite(put);
  return journal;
}

const later = (journal: Journal) => keys.map((key) => (journal.state.get(key) as unknown as { readonly later?: unknown }).later);
const kept = keys.map(() => ({ x: 1 }));

describe('a field that only a newer node knows', () => {
  it('is kept when an older node writes the row again', () => {
    const journal = mixed();
    expect(later(journal)).toEqual(kept);
    const { changes } = journal.commit([
      register(2, 'warning'),
      { kind: 'service-put', namespace: 'default', name: 'web', meta: { a: '2' } },
      { kind: 'record-put', namespace: 'default', type: 't', id: 'r', value: 2 },
      { kind: 'kv-put', namespace: 'default', key: 'k', value: Buffer.from('2'), flags: 0n },
      { kind: 'namespace-put', name: 'team', description: 'two' },
    ]);
    expect(changes.map(({ key }) => key)).toEqual(expect.arrayContaining(keys));
    expect(later(journal)).toEqual(kept);
    journal.restart();
    expect(later(journal)).toEqual(kept);
  });

  it('does not make an unchanged registration a write', () => {
    const journal = mixed();
    expect(journal.commit([register(1), ...rest]).changes).toEqual([]);
  });

  it('is removed with the row', () => {
    const journal = mixed();
    journal.commit([{ kind: 'deregister-node', node: 'n' }, register(1)]);
    expect(later(journal).slice(0, 3)).toEqual([undefined, undefined, undefined]);
  });
});
