import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { restoreCommand } from '../../restore.ts';
import { decideBatch } from '../../batch.ts';
import { Journal } from '../../journal.case.ts';
import { prunable } from '../../prune.case.ts';
import type { Command } from '../../kinds.ts';
import { configLimits, type ConfigPublish, type ConfigRemove, type ConfigRollback } from './commands.ts';
import { configsIn, findConfig, findRelease, historyOf, isPublished } from './find.ts';
import { givenTo, type ConfigReader } from './given.ts';
import type { ConfigRef } from './rows.ts';
import { configsView, configView } from './views.ts';

const md5 = (content: string) => createHash('md5').update(content).digest('hex');

const ref: ConfigRef = { namespace: 'default', app: 'g', cluster: 'default', name: 'app.yaml' };

function publish(content: string, more: Partial<ConfigPublish> = {}): ConfigPublish {
  return { kind: 'config-publish', ...ref, content: Buffer.from(content), md5: md5(content), hash: `sha of ${content}`, ...more };
}

function remove(more: Partial<ConfigRemove> = {}): ConfigRemove {
  return { kind: 'config-remove', ...ref, ...more };
}

function run(journal: Journal, command: Command, now = 0): unknown {
  const [outcome] = journal.commit([command], now).outcomes;
  return outcome !== undefined && 'error' in outcome ? outcome.error.message : outcome?.result;
}

const found = (journal: Journal) => findConfig(journal.state, ref);

function contentFor(journal: Journal, client: ConfigReader = {}): string | undefined {
  const row = found(journal);
  const given = row && givenTo(journal.state, row, client);
  return row && given && Buffer.from(findRelease(journal.state, row, given.release)?.content ?? []).toString();
}

function steps(journal: Journal): unknown[] {
  const row = found(journal);
  return row === undefined ? [] : Array.from(historyOf(journal.state, row), ({ number, step, parent, rollout }) => [number, step, parent, ...(rollout === undefined ? [] : [rollout])]);
}

const beta = { name: 'beta', rule: { kind: 'address', addresses: ['10.0.0.1', '10.0.0.2'] }, priority: 2 } as const;
const canary = { name: 'tag_canary', rule: { kind: 'label', label: 'tag', values: ['canary'] }, priority: 1 } as const;

describe('publishing', () => {
  it('gives all clients the newest release, and keeps the others as history', () => {
    const journal = new Journal();
    expect(run(journal, publish('one', { format: 'yaml', settings: { description: 'd', tags: ['a'] }, by: 'ann', from: '10.0.0.9', message: 'first' }), 5)).toBe(true);
    expect(found(journal)).toMatchObject({ release: 1, last: 1, md5: md5('one'), bytes: 3, format: 'yaml', description: 'd', tags: ['a'], createdMs: 5, changedMs: 5 });
    run(journal, publish('two', { format: 'json' }), 9);
    expect(found(journal)).toMatchObject({ release: 2, last: 2, format: 'json', description: 'd', tags: ['a'], createdMs: 5, changedMs: 9 });
    expect(contentFor(journal)).toBe('two');
    expect(steps(journal)).toEqual([[2, 'publish', 1], [1, 'publish', 0]]);
    const row = found(journal);
    expect(row && findRelease(journal.state, row, 1)).toMatchObject({ by: 'ann', from: '10.0.0.9', message: 'first', atMs: 5, format: 'yaml', md5: md5('one'), hash: 'sha of one' });
  });

  it('what is there already changes nothing, and is no step of the history', () => {
    const journal = new Journal();
    run(journal, publish('one', { format: 'yaml' }));
    const { revision } = journal.state;
    expect(run(journal, publish('one', { format: 'yaml', by: 'bob' }), 100)).toBe(true);
    expect(journal.state.revision).toBe(revision);
    run(journal, publish('one', { format: 'text' }));
    expect(steps(journal)).toHaveLength(2);
  });

  it.each<[string, string | undefined, string, boolean]>([
    ['the md5 of what is there', 'one', md5('one'), true],
    ['another md5', 'one', md5('other'), false],
    ['an empty md5 when there is something', 'one', '', false],
    ['an empty md5 when there is nothing', undefined, '', true],
    ['an md5 when there is nothing', undefined, md5('one'), false],
  ])('on the condition of %s', (_what, first, cas, done) => {
    const journal = new Journal();
    if (first !== undefined) run(journal, publish(first));
    expect(run(journal, publish('new', { cas }))).toBe(done);
    expect(contentFor(journal)).toBe(done ? 'new' : first);
  });

  it('needs the namespace', () => {
    expect(run(new Journal(), publish('one', { namespace: 'nowhere' }))).toContain('does not exist');
  });

  it.each<[Partial<ConfigPublish>, string]>([
    [{ content: new Uint8Array(configLimits.contentBytesMax + 1) }, '1048577 bytes, the limit is 1048576'],
    [{ name: '' }, 'has 0 characters'],
    [{ name: 'x'.repeat(257) }, 'has 257 characters'],
    [{ app: 'a\u0001' }, 'control characters'],
    [{ settings: { tags: Array.from({ length: 65 }, String) } }, '65 tags'],
    [{ rollout: { ...beta, rule: { kind: 'address', addresses: [] } } }, 'names 0 addresses'],
  ])('beyond a limit is refused: %#', (more, reason) => {
    const journal = new Journal();
    expect(run(journal, publish('one', more))).toContain(reason);
    expect(journal.state.size).toBe(0);
  });

  it('of the longest content fits into one transaction of etcd', () => {
    const content = Buffer.alloc(configLimits.contentBytesMax, 'x');
    const { writes } = decideBatch(new Journal().state, [publish('', { content, md5: 'm' })], 0, { guarded: true, nodeId: 'n' });
    const bytes = writes?.put.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + value.length, 0) ?? Infinity;
    expect(bytes).toBeLessThan(1_572_864 - 262_144);
  });
});

describe('a rollout', () => {
  it('is given to the clients that its rule names, before the one for all', () => {
    const journal = new Journal();
    run(journal, publish('for all'));
    run(journal, publish('beta', { rollout: beta }));
    run(journal, publish('canary', { rollout: canary }));
    expect(contentFor(journal)).toBe('for all');
    expect(contentFor(journal, { address: '10.0.0.1' })).toBe('beta');
    expect(contentFor(journal, { address: '10.0.0.3' })).toBe('for all');
    expect(contentFor(journal, { labels: { tag: 'canary' } })).toBe('canary');
    expect(contentFor(journal, { labels: { tag: 'canary' }, address: '10.0.0.2' })).toBe('beta');
    run(journal, publish('beta 2', { rollout: { ...beta, rule: { kind: 'address', addresses: ['10.0.0.3'] } } }));
    expect([contentFor(journal, { address: '10.0.0.1' }), contentFor(journal, { address: '10.0.0.3' })]).toEqual(['for all', 'beta 2']);
    expect(steps(journal)).toEqual([[4, 'publish', 2, 'beta'], [3, 'publish', 0, 'tag_canary'], [2, 'publish', 0, 'beta'], [1, 'publish', 0]]);
  });

  it('goes alone, and stays when the one for all goes', () => {
    const journal = new Journal();
    run(journal, publish('for all'));
    run(journal, publish('beta', { rollout: beta }));
    expect(run(journal, remove())).toBe(true);
    expect([contentFor(journal), contentFor(journal, { address: '10.0.0.1' })]).toEqual([undefined, 'beta']);
    expect(run(journal, remove({ rollout: 'beta' }))).toBe(true);
    expect(run(journal, remove({ rollout: 'beta' }))).toBe(false);
    const row = found(journal);
    expect(row && isPublished(row)).toBe(false);
  });

  it('has its own condition, and there are at most ten', () => {
    const journal = new Journal();
    run(journal, publish('for all'));
    expect(run(journal, publish('beta', { rollout: beta, cas: md5('for all') }))).toBe(false);
    expect(run(journal, publish('beta', { rollout: beta, cas: '' }))).toBe(true);
    for (let at = 1; at < configLimits.rolloutsMax; at++) run(journal, publish('x', { rollout: { ...canary, name: `t${at}` } }));
    expect(run(journal, publish('x', { rollout: { ...canary, name: 'one more' } }))).toContain('has 10 rollouts, the limit is 10');
    expect(run(journal, publish('x', { rollout: { ...canary, name: 't1', priority: 5 } }))).toBe(true);
  });
});

describe('rolling back', () => {
  const rollback = (to: number, more: Partial<ConfigRollback> = {}): ConfigRollback => ({ kind: 'config-rollback', ...ref, to, ...more });

  it('publishes the content of an older release as a new one', () => {
    const journal = new Journal();
    run(journal, publish('one', { format: 'yaml', foreign: { nacos: { encryptedDataKey: 'k' } } }));
    run(journal, publish('two', { format: 'json' }));
    expect(run(journal, rollback(1, { by: 'ann', message: 'two was wrong' }), 7)).toBe(true);
    expect(contentFor(journal)).toBe('one');
    expect(steps(journal)).toEqual([[3, 'rollback', 2], [2, 'publish', 1], [1, 'publish', 0]]);
    expect(findRelease(journal.state, ref, 3)).toMatchObject({ of: 1, format: 'yaml', hash: 'sha of one', by: 'ann', message: 'two was wrong', atMs: 7, foreign: { nacos: { encryptedDataKey: 'k' } } });
    expect(found(journal)).toMatchObject({ release: 3, last: 3, format: 'yaml', md5: md5('one'), bytes: 3 });
    expect(run(journal, rollback(1))).toBe(false);
  });

  it('brings back what was removed, and needs a release that is kept', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, remove());
    expect(run(journal, rollback(2))).toContain('has no release 2 with a content');
    expect(run(journal, rollback(1))).toBe(true);
    expect(contentFor(journal)).toBe('one');
    expect(run(journal, rollback(9))).toContain('has no release 9');
  });
});

describe('removing', () => {
  it('is a step of the history, after which numbers go on', () => {
    const journal = new Journal();
    expect(run(journal, remove())).toBe(false);
    run(journal, publish('one', { format: 'yaml' }));
    expect(run(journal, remove({ by: 'ann' }))).toBe(true);
    expect([contentFor(journal), run(journal, remove())]).toEqual([undefined, false]);
    run(journal, publish('one again'));
    expect(steps(journal)).toEqual([[3, 'publish', 0], [2, 'remove', 1], [1, 'publish', 0]]);
  });
});

describe('the history', () => {
  it('has a limit of steps, and never loses what clients get', () => {
    const journal = new Journal();
    run(journal, publish('beta', { rollout: beta }));
    for (let at = 0; at < configLimits.historyMax + 10; at++) run(journal, publish(`${at}`));
    expect(steps(journal)).toHaveLength(configLimits.historyMax + 1);
    expect(contentFor(journal, { address: '10.0.0.1' })).toBe('beta');
  });

  it('is kept as the policy of the environment says', () => {
    const journal = new Journal();
    run(journal, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { historyMax: 3 } });
    for (let at = 0; at < 10; at++) run(journal, publish(`${at}`));
    expect(steps(journal)).toEqual([[10, 'publish', 9], [9, 'publish', 8], [8, 'publish', 7]]);
    run(journal, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { historyMax: 1_000 } });
    for (let at = 10; at < 200; at++) run(journal, publish(`${at}`));
    expect(steps(journal)).toHaveLength(193);
    run(journal, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { historyMax: 2 } });
    journal.commit([{ kind: 'prune', keys: prunable(journal.state, 0) }], 0);
    expect(steps(journal)).toEqual([[200, 'publish', 199], [199, 'publish', 198]]);
  });

  it('is always kept where the policy says so, also that of a removed configuration', () => {
    const journal = new Journal();
    run(journal, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { historyMax: 'forever' } });
    for (let at = 0; at < configLimits.historyMax + 50; at++) run(journal, publish(`${at}`));
    run(journal, { kind: 'config-remove', ...ref });
    const inTenYears = 10 * 365 * 86_400_000;
    expect(prunable(journal.state, inTenYears)).toEqual([]);
    expect(steps(journal)).toHaveLength(configLimits.historyMax + 51);
    // A time of the policy still ends it.
    run(journal, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { historyMax: 'forever', historyMs: 86_400_000 } });
    expect(prunable(journal.state, inTenYears).length).toBeGreaterThan(configLimits.historyMax);
  });

  it('is pruned when it is older than the policy says, and a configuration that was removed goes with it', () => {
    const journal = new Journal();
    const day = 86_400_000;
    run(journal, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { historyMs: 30 * day } });
    run(journal, publish('one'), 0);
    run(journal, publish('two'), day);
    run(journal, publish('other', { name: 'other' }), 0);
    const prune = (now: number) => void journal.commit([{ kind: 'prune', keys: prunable(journal.state, now) }], now);
    prune(30 * day);
    expect(steps(journal)).toHaveLength(2);
    prune(30 * day + 1);
    expect(steps(journal)).toEqual([[2, 'publish', 1]]);
    run(journal, remove(), 31 * day);
    prune(61 * day);
    expect(found(journal)).toMatchObject({ release: 0, last: 3 });
    const revision = journal.views.revision(configView(ref));
    prune(61 * day + 1);
    expect([found(journal), journal.state.size > 0]).toEqual([undefined, true]);
    expect(journal.views.revision(configView(ref))).toBeGreaterThanOrEqual(revision);
    expect(Array.from(configsIn(journal.state, 'default'), ({ name }) => name)).toEqual(['other']);
  });
});

describe('the view of a configuration', () => {
  it('changes with it alone, and the view of all of them with each', () => {
    const journal = new Journal();
    const woken: string[] = [];
    journal.views.watch(configView(ref), () => woken.push('one'));
    journal.views.watch(configsView('default'), () => woken.push('all'));
    journal.commit([{ kind: 'namespace-put', name: 'team-a' }]);
    const commands = [publish('a'), publish('b', { name: 'other' }), publish('c', { namespace: 'team-a' }), publish('d', { rollout: beta }), remove()];
    const heard = commands.map((command) => {
      woken.length = 0;
      run(journal, command);
      return [...woken].sort().join(' ');
    });
    expect(heard).toEqual(['all one', 'all', '', 'all one', 'all one']);
  });

  it('has the same revision and content after a restart', () => {
    const journal = new Journal();
    run(journal, publish('one \u{1f600} \n two', { foreign: { nacos: { encryptedDataKey: 'k' } } }));
    run(journal, publish('beta', { rollout: beta }));
    const seen = () => [contentFor(journal), contentFor(journal, { address: '10.0.0.1' }), journal.views.revision(configView(ref)), found(journal)];
    const before = seen();
    journal.restart();
    expect(seen()).toEqual(before);
  });
});

it('goes with its namespace', () => {
  const journal = new Journal();
  journal.commit([{ kind: 'namespace-put', name: 'team-a' }]);
  run(journal, publish('one', { namespace: 'team-a' }));
  run(journal, { kind: 'namespace-delete', name: 'team-a' });
  expect([...journal.state.rows()].filter(([key]) => key.startsWith('config'))).toEqual([]);
});

it('comes back from a backup, history included', () => {
  const journal = new Journal();
  run(journal, publish('one'));
  run(journal, publish('two'));
  const rows = Array.from(journal.state.rows(), ([, row]) => row);
  const other = new Journal();
  other.commit([restoreCommand(other.state.kinds, rows, [], journal.state.revision)]);
  expect([contentFor(other), steps(other)]).toEqual(['two', [[2, 'publish', 1], [1, 'publish', 0]]]);
});
