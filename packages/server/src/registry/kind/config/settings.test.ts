/** What the history says of settings and of the rules of environments. */

import { describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import { prunable } from '../../prune.case.ts';
import type { ConfigPublish, ConfigSettings } from './commands.ts';
import { environmentStepsOf, findConfig, historyOf } from './find.ts';
import type { Policy } from './rows.ts';

const ref = { namespace: 'default', app: 'shop', cluster: 'default', name: 'app' };

function run(journal: Journal, command: Command, now = 0): unknown {
  const [outcome] = journal.commit([command], now).outcomes;
  return outcome !== undefined && 'error' in outcome ? `${outcome.error.code}: ${outcome.error.message}` : outcome?.result;
}

const publish = (content: string, more: Partial<ConfigPublish> = {}): Command => ({ kind: 'config-publish', ...ref, content: Buffer.from(content), md5: content, hash: content, ...more });
const configure = (settings: ConfigSettings, more: { readonly by?: string; readonly message?: string } = {}): Command => ({ kind: 'config-configure', ...ref, settings, ...more });

function history(journal: Journal): object[] {
  const row = findConfig(journal.state, ref);
  return row === undefined ? [] : Array.from(historyOf(journal.state, row), ({ number, step, changes, by, atMs }) => ({ number, step, atMs, ...(by === undefined ? {} : { by }), ...(changes === undefined ? {} : { changes }) }));
}

describe('a change of settings', () => {
  it('is in the history with who, when, before and after', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    expect(run(journal, configure({ visibility: 'public', tags: ['a'], schema: '{}' }, { by: 'ann' }), 5)).toBe(true);
    run(journal, configure({ tags: ['a', 'b'], schema: '', description: '' }, { by: 'bob', message: 'why' }), 7);
    expect(history(journal)).toEqual([
      { number: 3, step: 'settings', by: 'bob', atMs: 7, changes: [{ setting: 'tags', before: ['a'], after: ['a', 'b'] }, { setting: 'schema', before: '{}' }] },
      { number: 2, step: 'settings', by: 'ann', atMs: 5, changes: [{ setting: 'tags', after: ['a'] }, { setting: 'visibility', after: 'public' }, { setting: 'schema', after: '{}' }] },
      { number: 1, step: 'publish', atMs: 0 },
    ]);
    expect(findConfig(journal.state, ref)).toMatchObject({ release: 1, md5: 'one', changedMs: 0 });
    const before = history(journal);
    journal.restart();
    expect(history(journal)).toEqual(before);
  });

  it('that changes nothing is no step, and what comes with content is in the step of the content', () => {
    const journal = new Journal();
    run(journal, publish('one', { settings: { description: 'about', tags: [] } }));
    run(journal, configure({ description: 'about', tags: [], visibility: 'private' }));
    run(journal, publish('two', { settings: { description: 'about' } }));
    expect(history(journal)).toEqual([{ number: 2, step: 'publish', atMs: 0 }, { number: 1, step: 'publish', atMs: 0, changes: [{ setting: 'description', after: 'about' }] }]);
  });

  it('does not make a configuration one that was published', () => {
    const journal = new Journal();
    run(journal, configure({ description: 'soon' }));
    run(journal, configure({ description: 'later' }));
    expect([findConfig(journal.state, ref)?.unpublished, history(journal).length]).toEqual([true, 2]);
    const month = 31 * 86_400_000;
    journal.commit([{ kind: 'prune', keys: prunable(journal.state, month) }], month);
    expect(findConfig(journal.state, ref)).toBeDefined();
    expect(run(journal, { kind: 'config-delete', ...ref })).toBe(true);
    expect([...journal.state.rows()].filter(([key]) => key.startsWith('config'))).toEqual([]);
    run(journal, configure({ description: 'again' }));
    run(journal, publish('one'));
    expect([findConfig(journal.state, ref)?.unpublished, run(journal, { kind: 'config-delete', ...ref })]).toEqual([undefined, expect.stringContaining('was published')]);
  });

  it('has long values cut', () => {
    const journal = new Journal();
    run(journal, configure({ schema: JSON.stringify({ description: 'x'.repeat(5_000) }) }));
    const [{ changes: [{ after }] }] = history(journal) as [{ readonly changes: [{ readonly after: string }] }];
    expect([after.length, after.endsWith('… (5018 characters)')]).toEqual([4_096 + 19, true]);
  });
});

describe('the rules of an environment', () => {
  const put = (policy: Policy, more: object = {}): Command => ({ kind: 'config-environment-put', namespace: 'default', order: 1, policy, ...more });
  const steps = (journal: Journal) => Array.from(environmentStepsOf(journal.state, 'default')).sort((a, b) => a.number - b.number);

  it('have a history with who, when, before and after, which goes on after they were taken away', () => {
    const journal = new Journal();
    run(journal, put({ approvals: 1 }, { by: 'ann', message: 'four eyes' }), 3);
    run(journal, put({ approvals: 1 }), 4);
    run(journal, put({ approvals: 0 }, { by: 'bob' }), 5);
    run(journal, { kind: 'config-environment-delete', namespace: 'default', by: 'eve' }, 6);
    run(journal, put({}), 7);
    expect(steps(journal)).toMatchObject([
      { number: 1, after: { order: 1, policy: { approvals: 1 } }, by: 'ann', message: 'four eyes', atMs: 3 },
      { number: 2, before: { order: 1, policy: { approvals: 1 } }, after: { order: 1, policy: { approvals: 0 } }, by: 'bob', atMs: 5 },
      { number: 3, before: { order: 1, policy: { approvals: 0 } }, by: 'eve', atMs: 6 },
      { number: 4, after: { order: 1, policy: {} }, atMs: 7 },
    ]);
    expect(steps(journal).map((each) => [each.before === undefined, each.after === undefined])).toEqual([[true, false], [false, false], [false, true], [true, false]]);
  });

  it('change on the condition of their revision', () => {
    const journal = new Journal();
    expect([run(journal, put({ approvals: 1 }, { cas: 0 })), run(journal, put({ approvals: 2 }, { cas: 0 }))]).toEqual([true, false]);
    const { modified = 0 } = journal.state.get('config-environment\0default') ?? {};
    expect(run(journal, put({ approvals: 2 }, { cas: modified }))).toBe(true);
    const { outcomes } = journal.commit([put({ approvals: 3 }, { cas: modified + 1 }), put({ approvals: 4 }, { cas: modified + 1 })]);
    expect(outcomes.map((each) => 'result' in each && each.result)).toEqual([true, false]);
  });

  it('keep a hundred steps', () => {
    const journal = new Journal();
    for (let approvals = 0; approvals < 64; approvals++) run(journal, put({ approvals }));
    for (let order = 2; order < 60; order++) run(journal, put({}, { order }));
    expect([steps(journal).length, steps(journal)[0]?.number]).toEqual([100, 23]);
  });
});
