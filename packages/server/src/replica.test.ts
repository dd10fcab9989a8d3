import { describe, expect, test } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import type { CommitResult, Engine, Transaction } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { manualClock } from './manual-clock.case.ts';
import { transactionBound } from './registry/fill.ts';
import { findInstance } from './registry/kind/catalog/find.ts';
import { nodesView } from './registry/kind/catalog/views.ts';
import { findKv, kvKeysUnder } from './registry/kind/kv/find.ts';
import { kvKey } from './registry/kind/kv/keys.ts';
import { keyView, prefixView } from './registry/kind/kv/views.ts';
import type { Command } from './registry/kinds.ts';
import { encodeRow } from './registry/kinds.ts';
import { Replica } from './replica.ts';

const put = (key: string, value: string, cas?: number): Command => ({
  kind: 'kv-put',
  namespace: 'default',
  key,
  value: Buffer.from(value),
  flags: 0n,
  ...(cas === undefined ? {} : { condition: { kind: 'cas', revision: cas } }),
});

const oversize: Command = put('x'.repeat(5_000), '');

/** An engine whose commits wait until the test completes them or makes them fail. */
function gated(): Engine & { held: ((fate?: RegistryError) => void)[]; commits: Transaction[]; inner: Engine } {
  const inner = memory();
  const held: ((fate?: RegistryError) => void)[] = [];
  const commits: Transaction[] = [];
  return {
    ...inner,
    inner,
    held,
    commits,
    commit: (transaction) =>
      new Promise<CommitResult>((resolve, reject) => {
        commits.push(transaction);
        held.push((fate) => {
          if (fate === undefined) inner.commit(transaction).then(resolve, reject);
          else reject(fate);
        });
      }),
  };
}

async function started(engine: Engine, queueMax?: number): Promise<Replica> {
  const replica = new Replica({
    engine,
    clock: manualClock(),
    onFatal: (error) => expect.unreachable(error.message),
    ...(queueMax === undefined ? {} : { queueMax }),
  });
  await replica.start();
  return replica;
}

/** Lets the event loop turn until `reached` is true; every step of a replica takes a few turns at most. */
async function until(reached: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (reached()) return;
    await new Promise((next) => setImmediate(next));
  }
  expect.unreachable('the condition was not reached in 1,000 turns');
}

test('a replica that starts on many records lets the event loop turn while it takes them over and finds the revisions of the views', async () => {
  const engine = memory();
  const records = 5_000;
  const instances = Array.from({ length: records }, (_, n) => ({ id: `i${n}`, service: `s${n}` }));
  const node = { name: 'n', address: '10.0.0.1' };
  const filling = await started(engine);
  await filling.submit({ kind: 'register', namespace: 'default', node, nodeMode: 'ensure', instances });
  await filling.close();
  let turns = 0;
  let counting = true;
  const count = () => {
    turns++;
    if (counting) setImmediate(count);
  };
  setImmediate(count);
  const replica = await started(engine);
  counting = false;
  expect(turns).toBeGreaterThanOrEqual(Math.floor(records / 512) + Math.floor(records / 1_024));
  expect(replica.views.revision(nodesView())).toBe(replica.state.revision);
  await replica.close();
});

describe('replica', () => {
  test('a write is visible when its promise resolves', async () => {
    const replica = await started(memory());
    await replica.submit(put('a', '1'));
    expect(findKv(replica.state, 'default', 'a')?.modified).toBe(1);
    expect(replica.views.revision(keyView('default', 'a'))).toBe(1);
    await replica.close();
  });

  test('no reader sees a change before it is durable', async () => {
    const engine = gated();
    const replica = await started(engine);
    let woken = 0;
    replica.views.watch(keyView('default', 'a'), () => woken++);
    const written = replica.submit(put('a', '1'));
    await until(() => engine.held.length === 1);
    expect(findKv(replica.state, 'default', 'a')).toBeUndefined();
    expect(woken).toBe(0);
    engine.held[0]?.();
    await written;
    expect(woken).toBe(1);
    await replica.close();
  });

  test('commands that arrive during a commit share the next one, and each sees the changes of those before', async () => {
    const engine = gated();
    const replica = await started(engine);
    const first = replica.submit(put('a', '1', 0));
    await until(() => engine.held.length === 1);
    const later = [put('a', '2', 0), put('a', '3', 1), put('a', '4', 1), oversize, put('b', '1')].map((command) =>
      replica.submit(command).catch((error: unknown) => (error as RegistryError).code),
    );
    engine.held[0]?.();
    await until(() => engine.held.length === 2);
    engine.held[1]?.();
    expect(await first).toBe(true);
    expect(await Promise.all(later)).toEqual([false, true, false, 'invalid_argument', true]);
    expect(engine.commits).toHaveLength(2);
    await replica.close();
  });

  test('commands that have waited go to the store before the former ones are answered', async () => {
    const engine = gated();
    const replica = await started(engine);
    const commitsAtAnswer: number[] = [];
    const submit = (key: string) => replica.submit(put(key, '1')).then(() => commitsAtAnswer.push(engine.commits.length));
    const first = [submit('a'), submit('b')];
    await until(() => engine.held.length === 1);
    const second = submit('c');
    engine.held[0]?.();
    await Promise.all(first);
    engine.held[1]?.();
    await second;
    expect(commitsAtAnswer).toEqual([2, 2, 2]);
    await replica.close();
  });

  test('watchers are notified once per batch', async () => {
    const engine = gated();
    const replica = await started(engine);
    let woken = 0;
    replica.views.watch(prefixView('default', 'a'), () => woken++);
    const written = ['a1', 'a2', 'a3'].map((key) => replica.submit(put(key, '1')));
    await until(() => engine.held.length === 1);
    engine.held[0]?.();
    await Promise.all(written);
    expect(woken).toBe(1);
    await replica.close();
  });

  test('a commit that fails fails all its commands, including refusals, and the next one works', async () => {
    const engine = gated();
    const replica = await started(engine);
    const written = [put('a', '1'), put('a', '2', 7)].map((command) =>
      replica.submit(command).catch((error: unknown) => (error as RegistryError).code),
    );
    await until(() => engine.held.length === 1);
    engine.held[0]?.(new RegistryError('unknown_outcome', 'the disk is gone'));
    expect(await Promise.all(written)).toEqual(['unknown_outcome', 'unknown_outcome']);
    const next = replica.submit(put('a', '3', 0));
    await until(() => engine.held.length === 2);
    engine.held[1]?.();
    expect(await next).toBe(true);
    await replica.close();
  });

  test('a recursive delete lets other commands run between its steps, and lets the event loop turn', async () => {
    const engine = gated();
    const replica = await started(engine);
    const filled = Array.from({ length: 1_200 }, (_, n) => replica.submit(put(`k/${n}`, '1')));
    for (let commit = 0; commit < Math.ceil(1_200 / transactionBound.rows); commit++) {
      await until(() => engine.held.length === commit + 1);
      engine.held[commit]?.();
    }
    await Promise.all(filled);
    engine.held.length = 0;
    const order: string[] = [];
    const deleted = replica.submit({ kind: 'kv-delete-tree', namespace: 'default', prefix: 'k/' }).then((done) => order.push(`deleted ${done}`));
    const other = replica.submit(put('other', '1')).then(() => order.push('other'));
    // Two rows for each key: full transactions, with the other command after the first, and the rest.
    for (let commit = 0; commit < Math.ceil((2 * 1_200) / transactionBound.rows) + 1; commit++) {
      await until(() => engine.held.length === commit + 1);
      engine.held[commit]?.();
    }
    await Promise.all([deleted, other]);
    expect(order).toEqual(['other', 'deleted true']);
    expect([...kvKeysUnder(replica.state, 'default', '')]).toEqual(['other']);
    await replica.close();
  });

  test('a store that fails between two steps has completed a part of the work, and repeating the command completes the rest', async () => {
    const engine = gated();
    const replica = await started(engine);
    const filled = replica.submit({
      kind: 'txn',
      operations: Array.from({ length: 1_500 }, (_, n) => ({ change: put(`k/${n}`, '1') as never })),
    });
    await until(() => engine.held.length === 1);
    engine.held[0]?.();
    await filled;
    const remove: Command = { kind: 'kv-delete-tree', namespace: 'default', prefix: 'k/' };
    const deleted = replica.submit(remove).catch((error: unknown) => (error as RegistryError).code);
    await until(() => engine.held.length === 2);
    engine.held[1]?.();
    await until(() => engine.held.length === 3);
    engine.held[2]?.(new RegistryError('resource_exhausted', 'no room'));
    expect(await deleted).toBe('resource_exhausted');
    expect(replica.state.sizeOf('kv')).toBe(1_500 - transactionBound.rows / 2);
    await replica.close();

    // Opens the same store as another process would.
    const next = await started(engine.inner);
    expect(next.state.sizeOf('kv')).toBe(1_500 - transactionBound.rows / 2);
    expect(await next.submit(remove)).toBe(true);
    expect(next.state.sizeOf('kv')).toBe(0);
    await next.close();
  });

  test('a lost race is decided again on the newer state', async () => {
    const engine = memory();
    const one = await started(engine);
    const two = await started(engine);
    const outcomes = await Promise.all([one.submit(put('a', 'one', 0)), two.submit(put('a', 'two', 0))]);
    expect(outcomes.sort((a, b) => Number(a) - Number(b))).toEqual([false, true]);
    await Promise.all([one.barrier(), two.barrier()]);
    expect(findKv(one.state, 'default', 'a')).toEqual(findKv(two.state, 'default', 'a'));
    await one.close();
    await two.close();
  });

  test('its state has its own decisions in the form that other readers of the log decode', async () => {
    const engine = memory();
    const one = await started(engine);
    const two = await started(engine);
    const tags = ['v1'];
    await one.submit({
      kind: 'register',
      namespace: 'default',
      node: { name: 'n1', address: '10.0.0.1', meta: { rack: 'a' } },
      nodeMode: 'update',
      instances: [{ id: 'web', service: 'web', tags, foreign: { consul: { Kind: 'x', deep: [1, null] } } }],
      checks: [{ id: 'c', name: 'c', instance: 'web', type: 'ttl', definition: { ttlMs: 5 } }],
    });
    await one.submit(put('a', 'x'));
    await one.submit({ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n1', id: 'c', status: 'passing' }] });
    await two.barrier();
    expect(new Map(one.state.rows())).toEqual(new Map(two.state.rows()));
    tags.push('later');
    expect(findInstance(one.state, 'default', 'n1', 'web')?.tags).toEqual(['v1']);
    await one.close();
    await two.close();
  });

  test('a full queue refuses commands with a clear error', async () => {
    const engine = gated();
    const replica = await started(engine, 2);
    const first = replica.submit(put('a', '1'));
    await until(() => engine.held.length === 1);
    const waiting = [replica.submit(put('b', '1')), replica.submit(put('c', '1'))];
    await expect(replica.submit(put('d', '1'))).rejects.toMatchObject({ code: 'resource_exhausted' });
    engine.held[0]?.();
    await until(() => engine.held.length === 2);
    engine.held[1]?.();
    await Promise.all([first, ...waiting]);
    await replica.close();
  });

  test('a command that changes nothing is answered without a commit', async () => {
    const engine = gated();
    const replica = await started(engine);
    expect(await replica.submit({ kind: 'kv-delete', namespace: 'default', key: 'none' })).toBe(true);
    expect(engine.commits).toHaveLength(0);
    await replica.close();
  });

  test('close finishes waiting commands and refuses new ones', async () => {
    const replica = await started(memory());
    const written = replica.submit(put('a', '1'));
    const closed = replica.close();
    await expect(replica.submit(put('b', '1'))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await written).toBe(true);
    await closed;
  });

  test('a large replacement becomes visible all at once, while the event loop turns', async () => {
    const engine = memory();
    const replica = await started(engine);
    await replica.submit(put('old', 'x'));
    await replica.submit({ kind: 'register', namespace: 'default', node: { name: 'n1', address: '10.0.0.1' }, nodeMode: 'update' });
    const order: string[] = [];
    const told = { changes: 0, woken: 0, turns: 0 };
    replica.observe({
      observe: () => order.push('observe'),
      *replaced(changes) {
        order.push(`first step at ${replica.state.revision}`);
        yield;
        for (const _change of changes) {
          told.changes++;
          yield;
        }
        order.push('followed');
      },
    });
    for (const view of [keyView('default', 'old'), keyView('default', 'k7'), nodesView(), prefixView('default', 'none')]) {
      replica.views.watch(view, () => {
        told.woken++;
        order.push('woken');
      });
    }
    const seen = new Set<string>();
    let done = false;
    const look = () => {
      told.turns++;
      seen.add([replica.state.revision, replica.state.sizeOf('kv'), replica.state.size, findKv(replica.state, 'default', 'old')?.key].join(' '));
      if (!done) setImmediate(look);
    };
    setImmediate(look);
    const many = 10_000;
    const replaced = replica.replace(function* make(state) {
      const value = (n: number) => encodeRow({ kind: 'kv', namespace: 'default', key: `k${n}`, value: Buffer.from('v'), flags: 0n, lockIndex: 0, created: 0, modified: 0 });
      const records = [];
      for (let n = 0; n < many; n++) {
        records.push({ key: kvKey('default', `k${n}`), value: value(n) });
        yield;
      }
      return { expect: [], put: records, delete: [...state.rows()].map(([key]) => key), revisionAtLeast: 1_000 };
    });
    const after = replica.submit(put('after', 'y')).then(() => order.push('committed after'));
    await replaced;
    order.push('replaced');
    await after;
    done = true;
    expect([...seen]).toEqual(expect.arrayContaining(['2 1 2 old', `1000 ${many} ${many} `]));
    expect([...seen].filter((each) => !each.startsWith('2 1 2 old') && !each.startsWith(`1000 ${many} ${many} `) && !each.startsWith('1001 '))).toEqual([]);
    // Reading, creating, committing, applying and following: at most about 4,096 steps a turn.
    expect(told.turns).toBeGreaterThan((4 * many) / 4_096);
    // Nothing under the prefix changed.
    expect(told).toMatchObject({ changes: many + 2, woken: 3 });
    expect(order).toEqual(['first step at 1000', 'followed', ...Array<string>(3).fill('woken'), 'replaced', 'observe', 'committed after']);
    await replica.close();
  });
});
