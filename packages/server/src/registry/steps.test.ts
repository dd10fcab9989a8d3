import { describe, expect, test } from 'vitest';
import { transactionBound } from './fill.ts';
import { Journal } from './journal.case.ts';
import { allChecks, checksOnNode, findCheck, findNode, instancesOnNode } from './kind/catalog/find.ts';
import { kvKeysUnder } from './kind/kv/find.ts';
import { findSession, heldBySession } from './kind/session/find.ts';
import type { Command } from './kinds.ts';
import { prunable } from './prune.case.ts';

const put = (key: string, more: Partial<Extract<Command, { kind: 'kv-put' }>> = {}): Command => ({
  ...{ kind: 'kv-put', namespace: 'default', key, value: Buffer.from('x'), flags: 0n },
  ...more,
});
const deleteAll: Command = { kind: 'kv-delete-tree', namespace: 'default', prefix: 'k/' };
const node: Command = { kind: 'register', namespace: 'default', node: { name: 'n1', address: '10.0.0.1' }, nodeMode: 'ensure' };
const instance = (id: string, session?: string): Command => ({
  ...node,
  instances: [{ id, service: 'web', ...(session === undefined ? {} : { session }) }],
  checks: [{ id: `c-${id}`, name: '', instance: id, status: 'passing' }],
});
const session = (id: string, checks: string[] = []): Command => ({
  ...{ kind: 'session-create', namespace: 'default', id, name: '', node: 'n1', liveness: 'ttl', ttlMs: 0, lockDelayMs: 0 },
  ...{ behavior: 'release', checks: checks.map((check) => ({ namespace: 'default', id: check })) },
});

function withKeys(count: number, more = {}): Journal {
  const journal = new Journal();
  journal.commit(Array.from({ length: count }, (_, n) => put(`k/${String(n).padStart(6, '0')}`, more)));
  return journal;
}

/** Commits one step after the other. @returns rows that each wrote, markers of views aside */
function stepsOf(journal: Journal, command: Command, between: (step: number) => void = () => {}): number[] {
  const rows: number[] = [];
  for (let next: Command | undefined = command; next !== undefined; ) {
    const { outcomes, changes } = journal.step([next]);
    rows.push(changes.filter(({ key }) => !key.startsWith('view\0')).length);
    const [outcome] = outcomes;
    next = outcome !== undefined && 'next' in outcome ? outcome.next : undefined;
    between(rows.length);
  }
  return rows;
}

/** Transactions that write so many rows. */
const stepsFor = (rows: number) => Math.ceil(rows / transactionBound.rows);

describe('work that is too large for one transaction', () => {
  test('a recursive delete is as many transactions as its keys need, each within the bound', () => {
    const journal = withKeys(5_000);
    // Each key leaves a tombstone: two rows.
    const rows = stepsOf(journal, deleteAll);
    expect(rows).toHaveLength(stepsFor(5_000 * 2));
    expect(Math.max(...rows)).toBe(transactionBound.rows);
    expect(journal.state.sizeOf('kv')).toBe(0);
  });

  test('its number of transactions does not grow with the keys that are written meanwhile, and these stay', () => {
    const journal = withKeys(2_000);
    const meanwhile = ['k/', 'k/000001', 'k/001999', 'k/zz'];
    const rows = stepsOf(journal, deleteAll, (step) => {
      journal.commit([...meanwhile, `k/000999-${step}`, `k/zz-${step}`].map((key) => put(key)));
    });
    const steps = stepsFor(2_000 * 2);
    expect(rows).toHaveLength(steps);
    const left = [...kvKeysUnder(journal.state, 'default', 'k/')];
    expect(left.filter((key) => !/-\d+$/.test(key))).toEqual(meanwhile);
    expect(left).toHaveLength(meanwhile.length + 2 * steps);
  });

  test('keys that the same transaction has written before it are removed, those after it stay', () => {
    const journal = new Journal({ rows: 4, bytes: 1_000, reads: Infinity });
    journal.commit([put('k/a'), put('k/b'), put('k/c')]);
    journal.commit([put('k/aa'), deleteAll, put('k/bb')]);
    expect([...kvKeysUnder(journal.state, 'default', '')]).toEqual(['k/bb']);
  });

  test('a node is removed in steps: an instance exists with its check, or neither does', () => {
    const journal = new Journal();
    journal.commit(Array.from({ length: 3_000 }, (_, n) => instance(`i${n}`)));
    const rows = stepsOf(journal, { kind: 'deregister-node', node: 'n1' }, () => {
      const { state } = journal;
      const checks = new Set(Array.from(checksOnNode(state, 'default', 'n1'), (check) => check.instance));
      expect(new Set(Array.from(instancesOnNode(state, 'default', 'n1'), ({ id }) => id))).toEqual(checks);
    });
    expect(rows).toHaveLength(stepsFor(3_000 * 2));
    expect(findNode(journal.state, 'n1')).toBeUndefined();
  });

  test('instances that are registered on a node during its removal stay, and so does the node', () => {
    const journal = new Journal();
    journal.commit(Array.from({ length: 2_000 }, (_, n) => instance(`i${n}`)));
    stepsOf(journal, { kind: 'deregister-node', node: 'n1' }, (step) => {
      if (step === 1) journal.commit([instance('new')]);
    });
    expect(Array.from(instancesOnNode(journal.state, 'default', 'n1'), ({ id }) => id)).toEqual(['new']);
    expect(findNode(journal.state, 'n1')).toBeDefined();
  });

  test('a session whose end has begun can hold no further rows, and exists until it holds none', () => {
    const journal = new Journal();
    journal.commit([node, session('s')]);
    const acquire = (key: string) => put(key, { condition: { kind: 'acquire', session: 's' } });
    journal.commit(Array.from({ length: 3_000 }, (_, n) => acquire(`k/${n}`)));
    const destroy: Command = { kind: 'session-destroy', namespace: 'default', id: 's' };
    const rows = stepsOf(journal, destroy, (step) => {
      const held = [...heldBySession(journal.state, 'default', 's')].length;
      expect(findSession(journal.state, 'default', 's') === undefined).toBe(held === 0);
      if (step > 1) return;
      const codes = journal.commit([acquire('k/new'), instance('late', 's')]).outcomes;
      expect(codes.map((outcome) => 'error' in outcome && outcome.error.code)).toEqual(['failed_precondition', 'not_found']);
    });
    expect(rows).toHaveLength(stepsFor(3_000));
  });

  test('a check that fails ends its sessions in steps before it becomes critical', () => {
    const journal = new Journal();
    journal.commit([instance('i'), session('s', ['c-i'])]);
    journal.commit(Array.from({ length: 3_000 }, (_, n) => put(`k/${n}`, { condition: { kind: 'acquire', session: 's' } })));
    const fails: Command = { kind: 'update-checks', updates: [{ namespace: 'default', node: 'n1', id: 'c-i', status: 'critical' }] };
    const rows = stepsOf(journal, fails, () => {
      const ended = findSession(journal.state, 'default', 's') === undefined;
      expect(findCheck(journal.state, 'default', 'n1', 'c-i')?.status).toBe(ended ? 'critical' : 'passing');
    });
    expect(rows).toHaveLength(stepsFor(3_000));
  });

  test('updates of many checks go on where they stopped, and count all that exist', () => {
    const journal = new Journal({ rows: 10, bytes: 100_000, reads: Infinity });
    journal.commit(Array.from({ length: 25 }, (_, n) => instance(`i${n}`)));
    const updates = Array.from({ length: 30 }, (_, n) => ({ namespace: 'default', node: 'n1', id: `c-i${n}`, status: 'critical' as const }));
    expect(journal.commit([{ kind: 'update-checks', updates }]).outcomes).toEqual([{ result: 25 }]);
    expect(Array.from(allChecks(journal.state, 'default'), ({ status }) => status)).toEqual(Array(25).fill('critical'));
  });

  test('tombstones are pruned in steps', () => {
    const journal = withKeys(4_000);
    journal.commit([deleteAll]);
    // The delete was transactions of half as many keys as rows: the older half of these transactions is pruned.
    const keysPerStep = transactionBound.rows / 2;
    const pruned = Math.floor(stepsFor(4_000 * 2) / 2) * keysPerStep;
    expect(stepsOf(journal, { kind: 'prune', keys: prunable(journal.state, 0) })).toHaveLength(stepsFor(pruned + 1));
    expect(journal.state.forgettable).toBe(4_000 - pruned);
  });
});

describe('a batch', () => {
  test('ends with the command that fills the transaction, by rows', () => {
    const many: Command = { ...node, instances: Array.from({ length: transactionBound.rows }, (_, n) => ({ id: `i${n}`, service: 'web' })) };
    expect(new Journal().step([put('a'), many, put('b')]).outcomes).toHaveLength(2);
  });

  test('ends with the command that fills the transaction, by bytes', () => {
    const large = Array.from({ length: 20 }, (_, n) => put(`k/${n}`, { value: Buffer.alloc(524_288) }));
    expect(new Journal().step(large).outcomes).toHaveLength(8);
  });

  test('counts the writes of a command that is refused afterwards', () => {
    const journal = new Journal({ rows: 4, bytes: 1_000, reads: Infinity });
    const refused: Command = {
      kind: 'txn',
      operations: [...['a', 'b', 'c', 'd'].map((key) => ({ change: put(key) as never })), { require: { key: 'kv\0default\0z', present: true } }],
    };
    expect(journal.step([refused, put('e')]).outcomes).toHaveLength(1);
  });

  test('refuses a transaction whose operation does not fit, and changes nothing', () => {
    const journal = withKeys(2_000);
    const { outcomes } = journal.commit([{ kind: 'txn', operations: [{ change: put('other') as never }, { change: deleteAll as never }] }]);
    expect(outcomes).toMatchObject([{ result: { failures: [{ at: 1, reason: 'refused', error: { code: 'invalid_argument' } }] } }]);
    expect(journal.state.sizeOf('kv')).toBe(2_000);
  });
});
