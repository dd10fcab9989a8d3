import { describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import { prunable } from '../../prune.case.ts';
import type { ConfigDraftPut, ConfigPublish } from './commands.ts';
import { findConfig, findDraft, findProposal, findRelease, proposalsIn, scheduledProposals } from './find.ts';
import type { Policy, RolloutInput } from './rows.ts';

const ref = { namespace: 'default', app: 'shop', cluster: 'default', name: 'app' };

function run(journal: Journal, command: Command, now = 0): unknown {
  const [outcome] = journal.commit([command], now).outcomes;
  return outcome !== undefined && 'error' in outcome ? `${outcome.error.code}: ${outcome.error.message}` : outcome?.result;
}

const hashes = (content: string) => ({ content: Buffer.from(content), md5: `md5 of ${content}`, hash: `hash of ${content}` });
const save = (content: string, more: Partial<ConfigDraftPut> = {}): Command => ({ kind: 'config-draft-put', ...ref, ...hashes(content), by: 'ann', ...more });
const publish = (content: string, more: Partial<ConfigPublish> = {}): Command => ({ kind: 'config-publish', ...ref, ...hashes(content), ...more });
const policy = (rules: Policy): Command => ({ kind: 'config-environment-put', namespace: 'default', order: 1, policy: rules });
const approve = (number: number, by: string): Command => ({ kind: 'config-review', ...ref, number, verdict: 'approve', by });
const publishProposal = (number: number, by = 'ann'): Command => ({ kind: 'config-publish-proposal', ...ref, number, by });

const draftRevision = (journal: Journal) => findDraft(journal.state, ref)?.modified ?? 0;
const content = (journal: Journal) => {
  const row = findConfig(journal.state, ref);
  const found = row && findRelease(journal.state, row, row.release);
  return found && Buffer.from(found.content).toString();
};
const stateOf = (journal: Journal, number: number) => findProposal(journal.state, ref, number)?.state;

const beta: RolloutInput = { name: 'beta', rule: { kind: 'label', label: 'ring', values: ['beta'] }, priority: 0 };
const staged: RolloutInput = { name: 'release', priority: 0, plan: { stages: [{ percent: 10, bakeMs: 1 }] } };

/** Saves and proposes. @returns the proposal's number */
function propose(journal: Journal, text: string, more: { readonly by?: string; readonly message?: string; readonly notBeforeMs?: number; readonly rollout?: RolloutInput } = {}): number {
  run(journal, save(text));
  const number = run(journal, { kind: 'config-propose', ...ref, draft: draftRevision(journal), checked: ['it is yaml'], by: 'ann', ...more });
  if (typeof number !== 'number') throw new Error(String(number));
  return number;
}

describe('a draft', () => {
  it('is edited with compare-and-set on its revision, and clients get nothing of it', () => {
    const journal = new Journal();
    expect(run(journal, save('one', { cas: 0 }), 5)).toBe(true);
    expect(run(journal, save('two', { cas: 0 }))).toBe(false);
    const first = draftRevision(journal);
    expect(run(journal, save('two', { cas: first, by: 'bob', format: 'yaml' }), 7)).toBe(true);
    expect(run(journal, save('three', { cas: first }))).toBe(false);
    expect(findDraft(journal.state, ref)).toMatchObject({ md5: 'md5 of two', format: 'yaml', base: 0, editors: ['ann', 'bob'], atMs: 7 });
    expect(content(journal)).toBeUndefined();
  });

  it('of two editors at once keeps one of them', () => {
    const journal = new Journal();
    run(journal, save('one'));
    const cas = draftRevision(journal);
    const { outcomes } = journal.commit([save('two', { cas }), save('three', { cas })]);
    expect(outcomes.map((each) => 'result' in each && each.result)).toEqual([true, false]);
  });

  it('goes with a configuration that was never published, its settings and its open proposal', () => {
    const journal = new Journal();
    const deletion: Command = { kind: 'config-delete', ...ref };
    expect(run(journal, deletion)).toBe(false);
    const number = propose(journal, 'one');
    run(journal, { kind: 'config-configure', ...ref, settings: { visibility: 'public' } });
    expect(run(journal, deletion)).toBe(true);
    expect([findConfig(journal.state, ref), findDraft(journal.state, ref), stateOf(journal, number)]).toEqual([undefined, undefined, 'void']);
    expect(run(journal, deletion)).toBe(false);
    run(journal, { kind: 'config-configure', ...ref, settings: { owner: 'git' } });
    expect(run(journal, deletion)).toContain('comes from a repository');
    expect(run(journal, { ...deletion, source: 'git' })).toBe(true);
  });

  it('is not the way to delete what was published', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, save('two'));
    const deletion: Command = { kind: 'config-delete', ...ref };
    expect(run(journal, deletion)).toBe('failed_precondition: configuration shop/app was published, so its history stays; remove it, or discard its draft');
    run(journal, { kind: 'config-remove', ...ref });
    expect(run(journal, deletion)).toContain('failed_precondition');
    expect(findDraft(journal.state, ref)).toBeDefined();
  });

  it('is thrown away, and says on which release it is based', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, save('two'));
    expect(findDraft(journal.state, ref)?.base).toBe(1);
    expect(run(journal, { kind: 'config-draft-delete', ...ref, cas: 99 })).toBe(false);
    expect(run(journal, { kind: 'config-draft-delete', ...ref })).toBe(true);
    expect(run(journal, { kind: 'config-draft-delete', ...ref })).toBe(false);
  });

  it('needs its namespace, and has the limits of content', () => {
    const journal = new Journal();
    expect(run(journal, save('one', { namespace: 'nowhere' }))).toContain('does not exist');
    expect(run(journal, save('one', { content: new Uint8Array(1_048_577) }))).toContain('1048577 bytes, the limit is 1048576');
    run(journal, { kind: 'config-configure', ...ref, settings: { bytesMax: 4 } });
    expect(run(journal, save('small'))).toContain('has 5 bytes, the limit is 4');
  });
});

describe('a proposal', () => {
  it('is published once, with its message and author, and its draft ends', () => {
    const journal = new Journal();
    const number = propose(journal, 'one', { message: 'the first' });
    expect(run(journal, publishProposal(number, 'pat'), 9)).toBe(1);
    expect(content(journal)).toBe('one');
    expect(findRelease(journal.state, ref, 1)).toMatchObject({ step: 'publish', by: 'pat', message: 'the first', atMs: 9, hash: 'hash of one' });
    expect(findProposal(journal.state, ref, number)).toMatchObject({ state: 'published', release: 1, checks: ['it is yaml'] });
    expect(findProposal(journal.state, ref, number)?.content).toHaveLength(0);
    expect(findDraft(journal.state, ref)).toBeUndefined();
    expect(run(journal, publishProposal(number))).toBe(false);
  });

  it('is void when its draft changes or is thrown away', () => {
    const journal = new Journal();
    const first = propose(journal, 'one');
    run(journal, save('two'));
    expect([stateOf(journal, first), run(journal, publishProposal(first))]).toEqual(['void', false]);
    const second = propose(journal, 'two');
    run(journal, { kind: 'config-draft-delete', ...ref });
    expect(stateOf(journal, second)).toBe('void');
    expect(run(journal, approve(second, 'bob'))).toBe(`failed_precondition: proposal ${second} of shop/app is void: its draft was changed, thrown away or proposed anew, so its approvals are void; review the newest proposal`);
    expect(content(journal)).toBeUndefined();
  });

  it('stands while the same content is saved again', () => {
    const journal = new Journal();
    const number = propose(journal, 'one');
    run(journal, save('one', { by: 'bob' }));
    expect(stateOf(journal, number)).toBe('open');
  });

  it('of another revision of the draft is not made, nor a second one of the same', () => {
    const journal = new Journal();
    const number = propose(journal, 'one');
    expect(run(journal, { kind: 'config-propose', ...ref, draft: number, checked: [] })).toContain('is proposed already');
    expect(run(journal, { kind: 'config-propose', ...ref, draft: number + 1, checked: [] })).toBe(false);
    run(journal, { kind: 'config-review', ...ref, number, verdict: 'withdraw', by: 'ann' });
    expect(stateOf(journal, number)).toBe('withdrawn');
    expect(run(journal, { kind: 'config-propose', ...ref, draft: number, checked: [] })).toContain('was proposed already, and the proposal is withdrawn');
  });

  it('on other terms gets another number, so that no approval of the terms before counts', () => {
    const journal = new Journal();
    run(journal, policy({ approvals: 1 }));
    const first = propose(journal, 'one', { rollout: beta });
    run(journal, approve(first, 'bob'));
    expect(run(journal, { kind: 'config-draft-renew', ...ref, draft: first + 1 })).toBe(false);
    expect(run(journal, { kind: 'config-draft-renew', ...ref, draft: first })).toBe(true);
    const renewed = findDraft(journal.state, ref);
    expect([stateOf(journal, first), renewed?.md5, renewed?.earlier, renewed?.editors]).toEqual(['void', 'md5 of one', first, ['ann']]);
    const second = run(journal, { kind: 'config-propose', ...ref, draft: draftRevision(journal), checked: [], rollout: staged }) as number;
    expect(second).toBeGreaterThan(first);
    expect([run(journal, approve(first, 'carl')), run(journal, publishProposal(second))]).toEqual([expect.stringContaining('is void'), expect.stringContaining('has 0 of 1 approvals')]);
    run(journal, approve(second, 'bob'));
    expect(run(journal, publishProposal(second))).toBe(1);
    expect(findConfig(journal.state, ref)).toMatchObject({ release: 0, rollouts: [{ name: 'release', staged: { stages: staged.plan?.stages } }] });
  });

  it('is published with the rule, the stages and the alarm that were approved', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, policy({ approvals: 1 }));
    const rollout: RolloutInput = { ...beta, priority: 3, plan: { stages: [{ percent: 10, bakeMs: 5 }], alarm: { on: ['error'], share: 0.5 } } };
    const number = propose(journal, 'two', { rollout });
    expect(findProposal(journal.state, ref, number)?.rollout).toEqual(rollout);
    run(journal, approve(number, 'bob'));
    expect(run(journal, publishProposal(number))).toBe(2);
    expect(findConfig(journal.state, ref)).toMatchObject({ release: 1, rollouts: [{ name: 'beta', release: 2, rule: beta.rule, priority: 3, staged: { ...rollout.plan, stage: 0, state: 'running' } }] });
  });

  it('for some clients stays theirs, and is refused when they have got something else meanwhile', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    const first = propose(journal, 'two', { rollout: beta });
    expect(run(journal, publishProposal(first))).toBe(2);
    const [row] = findConfig(journal.state, ref)?.rollouts ?? [];
    expect(row).toEqual({ ...beta, release: 2, md5: 'md5 of two' });
    const second = propose(journal, 'three', { rollout: beta });
    expect(findProposal(journal.state, ref, second)?.replaces).toBe(2);
    run(journal, publish('by hand', { rollout: beta }));
    expect(run(journal, publishProposal(second))).toBe(`aborted: rollout beta of shop/app has changed since proposal ${second} was made: it has release 3, and the proposal replaces 2; propose the draft again`);
  });

  it('takes the rollout of the policy with it: a policy that changes later changes no proposal', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, policy({ rollout: { stages: [{ percent: 10, bakeMs: 5 }] } }));
    const staged10 = propose(journal, 'two');
    run(journal, policy({ rollout: { stages: [{ percent: 90, bakeMs: 1 }] } }));
    expect(run(journal, publishProposal(staged10))).toBe(2);
    expect(findConfig(journal.state, ref)?.rollouts).toMatchObject([{ name: 'release', staged: { stages: [{ percent: 10, bakeMs: 5 }] } }]);
    run(journal, { kind: 'config-rollout', ...ref, rollout: 'release', action: 'stop' });
    run(journal, policy({}));
    const atOnce = propose(journal, 'three');
    run(journal, policy({ rollout: { stages: [{ percent: 90, bakeMs: 1 }] } }));
    const release = run(journal, publishProposal(atOnce));
    expect([findConfig(journal.state, ref)?.release, findConfig(journal.state, ref)?.rollouts]).toEqual([release, undefined]);
  });

  it.each([
    [{ ...beta, name: '' }, 'name of a rollout'],
    [{ ...beta, rule: { kind: 'app', apps: [] } }, 'names 0 apps'],
    [{ ...staged, plan: { stages: [] } }, 'has 0 stages'],
  ] as readonly (readonly [RolloutInput, string])[])('has a rollout within the limits: %j', (rollout, message) => {
    const journal = new Journal();
    run(journal, save('one'));
    expect(run(journal, { kind: 'config-propose', ...ref, draft: draftRevision(journal), checked: [], rollout })).toContain(message);
  });

  it('based on an older release is not published over a newer one', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    const number = propose(journal, 'two');
    run(journal, publish('by hand'));
    expect(run(journal, publishProposal(number))).toContain('aborted: configuration shop/app was published since');
    const again = propose(journal, 'two');
    expect([stateOf(journal, number), run(journal, publishProposal(again)), content(journal)]).toEqual(['void', 3, 'two']);
  });

  it('that was never made is none', () => {
    expect(run(new Journal(), publishProposal(3))).toContain('not_found: configuration shop/app has no proposal 3');
  });
});

describe('the removal of a configuration', () => {
  const drafted = { content: new Uint8Array(0), md5: '', hash: '', remove: true } as const;
  const remove = (journal: Journal) => run(journal, save('', drafted));
  const proposed = (journal: Journal, more: object = {}) => run(journal, { kind: 'config-propose', ...ref, draft: draftRevision(journal), checked: [], by: 'ann', message: 'unused', ...more });

  it('is drafted, proposed, approved and published, and the history says who and why', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, policy({ approvals: 1, fourEyes: true }));
    expect(run(journal, { kind: 'config-remove', ...ref })).toBe('failed_precondition: the environment default asks for 1 approval: save a draft of the removal of shop/app, and propose it');
    expect(remove(journal)).toBe(true);
    const number = proposed(journal) as number;
    expect(run(journal, publishProposal(number))).toContain('has 0 of 1 approvals');
    expect(content(journal)).toBe('one');
    run(journal, approve(number, 'bob'));
    expect(run(journal, publishProposal(number), 9)).toBe(2);
    expect([findConfig(journal.state, ref), findRelease(journal.state, ref, 2)]).toMatchObject([{ release: 0, last: 2, md5: '', bytes: 0 }, { step: 'remove', parent: 1, by: 'ann', message: 'unused', atMs: 9 }]);
    expect([stateOf(journal, number), findDraft(journal.state, ref)]).toEqual(['published', undefined]);
    expect(run(journal, { kind: 'config-rollback', ...ref, to: 1 })).toBe(true);
    expect(content(journal)).toBe('one');
  });

  it('is void when the draft becomes one with content, and the other way round', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    remove(journal);
    const removal = proposed(journal) as number;
    const change = propose(journal, '');
    expect([findDraft(journal.state, ref)?.remove, stateOf(journal, removal), findProposal(journal.state, ref, change)?.remove]).toEqual([undefined, 'void', undefined]);
    remove(journal);
    expect([findDraft(journal.state, ref)?.remove, stateOf(journal, change)]).toEqual([true, 'void']);
  });

  it('comes in no freeze, at its time, and not after a newer release', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, policy({ freezes: [{ fromMs: 100, toMs: 200, why: 'sale' }] }));
    remove(journal);
    const number = proposed(journal, { notBeforeMs: 50 }) as number;
    expect([run(journal, publishProposal(number), 49), run(journal, publishProposal(number), 150)]).toEqual([expect.stringContaining('is for'), expect.stringContaining('sale')]);
    run(journal, publish('two'));
    expect(run(journal, publishProposal(number), 60)).toContain('aborted');
    expect(content(journal)).toBe('two');
  });

  it('needs something to remove, and has no rollout', () => {
    const journal = new Journal();
    expect(remove(journal)).toBe('failed_precondition: clients get nothing of configuration shop/app, so its removal cannot be drafted');
    run(journal, publish('one'));
    remove(journal);
    expect(proposed(journal, { rollout: staged })).toContain('a removal concerns all clients at once');
  });

  it('ends a rollout that would bring content back', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, publish('some', { rollout: { name: 'beta', priority: 0, rule: { kind: 'app', apps: ['x'] } } }));
    run(journal, publish('two', { rollout: { name: 'next', priority: 0, plan: { stages: [{ percent: 10, bakeMs: 1 }] } } }));
    expect(run(journal, { kind: 'config-remove', ...ref })).toBe(true);
    expect(findConfig(journal.state, ref)?.rollouts?.map(({ name }) => name)).toEqual(['beta']);
  });
});

describe('the policy of an environment', () => {
  it('asks for approvals, each of another person, and refuses what was not proposed', () => {
    const journal = new Journal();
    run(journal, policy({ approvals: 2 }));
    expect(run(journal, publish('one'))).toContain('failed_precondition: the environment default asks for 2 approvals');
    const number = propose(journal, 'one');
    expect(run(journal, publishProposal(number))).toContain('has 0 of 2 approvals');
    expect([run(journal, approve(number, 'ann')), run(journal, approve(number, 'ann'))]).toEqual([true, false]);
    expect(run(journal, publishProposal(number))).toContain('has 1 of 2 approvals');
    expect(run(journal, approve(number, ''))).toContain('an approval needs the name');
    run(journal, approve(number, 'bob'));
    expect(run(journal, publishProposal(number))).toBe(1);
    expect(run(journal, { kind: 'config-remove', ...ref })).toContain('asks for 2 approvals');
  });

  it('with four eyes counts no approval of an editor', () => {
    const journal = new Journal();
    const number = propose(journal, 'one', { by: 'carl' });
    run(journal, approve(number, 'ann'));
    // The policy counts as it is when the proposal is published.
    run(journal, policy({ approvals: 1, fourEyes: true }));
    expect(run(journal, publishProposal(number))).toContain('has 0 of 1 approvals');
    expect([run(journal, approve(number, 'ann')), run(journal, approve(number, 'carl'))]).toEqual([
      `failed_precondition: ann edited proposal ${number} of shop/app, and the environment default asks for the approval of another person`,
      `failed_precondition: carl edited proposal ${number} of shop/app, and the environment default asks for the approval of another person`,
    ]);
    run(journal, approve(number, 'bob'));
    expect(run(journal, publishProposal(number))).toBe(1);
  });

  it('forgets the approvals with the content: what was approved is what is published', () => {
    const journal = new Journal();
    run(journal, policy({ approvals: 1 }));
    const first = propose(journal, 'good');
    run(journal, approve(first, 'bob'));
    const second = propose(journal, 'bad');
    expect([run(journal, publishProposal(first)), run(journal, publishProposal(second))]).toEqual([false, expect.stringContaining('has 0 of 1 approvals')]);
  });

  it('freezes publications and removals for a time, but no rollback', () => {
    const journal = new Journal();
    run(journal, publish('one'));
    run(journal, publish('two'));
    run(journal, policy({ freezes: [{ fromMs: 100, toMs: 200, why: 'Black Friday' }] }));
    const refusal = 'failed_precondition: nothing is published in the environment default until 1970-01-01T00:00:00Z: Black Friday';
    const number = propose(journal, 'three');
    expect([run(journal, publish('three'), 100), run(journal, publishProposal(number), 199), run(journal, { kind: 'config-remove', ...ref }, 150)]).toEqual([refusal, refusal, refusal]);
    expect(run(journal, { kind: 'config-rollback', ...ref, to: 1 }, 150)).toBe(true);
    expect(run(journal, publish('four'), 200)).toBe(true);
  });

  it('may ask for a schema', () => {
    const journal = new Journal();
    run(journal, policy({ schemaRequired: true }));
    expect(run(journal, publish('a: 1', { format: 'yaml' }))).toContain('asks for a schema, and shop/app has none');
    expect(run(journal, publish('text', { format: 'text' }))).toBe(true);
    run(journal, { kind: 'config-configure', ...ref, settings: { schema: '{}' } });
    expect(run(journal, publish('a: 1', { format: 'yaml' }))).toBe(true);
  });

  it.each<[Policy, string]>([
    [{ approvals: -1 }, 'approvals of a policy is -1'],
    [{ approvals: 1.5 }, 'approvals of a policy is 1.5'],
    [{ historyMax: 0 }, 'historyMax of a policy is 0, it must be a whole number from 1 to 100000, or "forever"'],
    [{ webhook: 'ftp://x' }, 'webhook of a policy must be a URL'],
    [{ freezes: [{ fromMs: 5, toMs: 5, why: '' }] }, 'toMs of a policy is 5, it must be a whole number from 6'],
    [{ freezes: Array.from({ length: 101 }, () => ({ fromMs: 1, toMs: 2, why: '' })) }, '101 freezes'],
  ])('%j is refused', (rules, reason) => {
    expect(run(new Journal(), policy(rules))).toContain(reason);
  });

  it('counts in its own namespace only', () => {
    const journal = new Journal();
    journal.commit([{ kind: 'namespace-put', name: 'prod' }, { kind: 'config-environment-put', namespace: 'prod', order: 2, policy: { approvals: 1 } }]);
    expect(run(journal, publish('one'))).toBe(true);
    expect(run(journal, publish('one', { namespace: 'prod' }))).toContain('asks for 1 approval:');
  });
});

describe('a repository that owns a configuration', () => {
  it('is the only one to change its content', () => {
    const journal = new Journal();
    run(journal, { kind: 'config-configure', ...ref, settings: { owner: 'git' } });
    expect([run(journal, publish('one')), run(journal, save('one'))]).toEqual([expect.stringContaining('comes from a repository'), expect.stringContaining('comes from a repository')]);
    expect(run(journal, publish('one', { source: 'git' }))).toBe(true);
    expect(run(journal, publish('two', { source: 'git' }))).toBe(true);
    expect(run(journal, { kind: 'config-remove', ...ref })).toContain('comes from a repository');
    // The first step is the change of the owner.
    expect(run(journal, { kind: 'config-rollback', ...ref, to: 2 })).toBe(true);
    run(journal, { kind: 'config-configure', ...ref, settings: { owner: '' } });
    expect(run(journal, publish('three'))).toBe(true);
  });
});

describe('a proposal with a time', () => {
  it('is published from then on, once, by the first that asks', () => {
    const journal = new Journal();
    const number = propose(journal, 'one', { notBeforeMs: 1_000 });
    expect(Array.from(scheduledProposals(journal.state), (each) => each.number)).toEqual([number]);
    expect(run(journal, publishProposal(number), 999)).toContain('is for 1970-01-01T00:00:01Z');
    expect([run(journal, publishProposal(number), 1_000), run(journal, publishProposal(number), 1_000)]).toEqual([1, false]);
    expect([...scheduledProposals(journal.state)]).toEqual([]);
  });
});

it('drafts, proposals and the environment come back after a restart, and ended proposals are pruned after 30 days', () => {
  const journal = new Journal();
  const number = propose(journal, 'one \u{1f600}\n', { message: 'why' });
  run(journal, policy({ approvals: 1 }));
  const rows = () => [...journal.state.rows()].filter(([key]) => key.startsWith('config'));
  const before = rows();
  journal.restart();
  expect(rows()).toEqual(before);
  run(journal, { kind: 'config-review', ...ref, number, verdict: 'withdraw' });
  const day = 86_400_000;
  const prune = (now: number) => void journal.commit([{ kind: 'prune', keys: prunable(journal.state, now) }], now);
  prune(30 * day);
  expect([...proposalsIn(journal.state, 'default')]).toHaveLength(1);
  prune(30 * day + 1);
  expect([[...proposalsIn(journal.state, 'default')], findDraft(journal.state, ref) === undefined]).toEqual([[], false]);
});
