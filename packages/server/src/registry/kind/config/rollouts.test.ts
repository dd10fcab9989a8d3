import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { Command } from '../../kinds.ts';
import { prunable } from '../../prune.case.ts';
import type { ConfigPublish, ConfigRolloutControl } from './commands.ts';
import { fillPlaces, looked } from './fill-places.case.ts';
import { findConfig, findRelease, historyOf, stagedConfigs, stagedRollout } from './find.ts';
import { givenTo, isFor, type ConfigReader } from './given.ts';
import { instanceName } from './instance-name.ts';
import { populationOf } from './population.ts';
import type { Alarm, RolloutPlan, RolloutRule, Stage } from './rows.ts';

const ref = { namespace: 'default', app: 'shop', cluster: 'default', name: 'app' };

function run(journal: Journal, command: Command, now = 0): unknown {
  const [outcome] = journal.commit([command], now).outcomes;
  return outcome !== undefined && 'error' in outcome ? `${outcome.error.code}: ${outcome.error.message}` : outcome?.result;
}

const publish = (content: string, more: Partial<ConfigPublish> = {}): Command => ({ kind: 'config-publish', ...ref, content: Buffer.from(content), md5: content, hash: content, ...more });
const plan = (stages: readonly Stage[], more: Partial<RolloutPlan> = {}): RolloutPlan => ({ stages, ...more });
const rollOut = (content: string, given: RolloutPlan, rule?: RolloutRule): Command =>
  publish(content, { rollout: { name: 'next', priority: 0, plan: given, ...(rule === undefined ? {} : { rule }) } });

type Status = 'passing' | 'warning' | 'critical';

function register(node: string, status: Status = 'passing', more: { readonly meta?: Record<string, string>; readonly address?: string } = {}): Command {
  return {
    ...{ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'ensure' },
    instances: [{ id: 'shop', service: 'shop', ...more }],
    checks: [{ id: 'c', name: 'c', instance: 'shop', status }],
  } as Command;
}

const leave = (node: string): Command => ({ kind: 'deregister-instance', namespace: 'default', node, id: 'shop' });
const nodes = (count: number) => Array.from({ length: count }, (_, at) => `n${at}`);
const names = (count: number) => nodes(count).map((node) => `${node}/shop`);

const rolloutOf = (journal: Journal) => stagedRollout(findConfig(journal.state, ref));
const meant = (journal: Journal) => {
  const rollout = rolloutOf(journal);
  return { ...ref, rollout: 'next', release: rollout?.release ?? 0, stage: rollout?.staged.stage ?? 0 };
};

const advance = (journal: Journal, now: number) => (looked(journal, ref)?.alarm === undefined ? run(journal, { kind: 'config-advance', ...meant(journal) }, now) : false);
const assign = (journal: Journal) => fillPlaces(journal, ref);
function trip(journal: Journal, now = 0): unknown {
  const { alarm: reason } = looked(journal, ref) ?? {};
  return reason === undefined ? false : run(journal, { kind: 'config-trip', ...meant(journal), reason }, now);
}
const control = (journal: Journal, action: ConfigRolloutControl['action'], now = 0) => run(journal, { kind: 'config-rollout', ...ref, rollout: 'next', action, by: 'ann' }, now);
const assigned = (journal: Journal) => rolloutOf(journal)?.staged.assigned ?? [];

function contentFor(journal: Journal, reader: ConfigReader): string | undefined {
  const row = findConfig(journal.state, ref);
  const given = row && givenTo(journal.state, row, reader);
  return row && given && Buffer.from(findRelease(journal.state, row, given.release)?.content ?? []).toString();
}

function history(journal: Journal): string[] {
  const row = findConfig(journal.state, ref);
  return row === undefined ? [] : Array.from(historyOf(journal.state, row), ({ step, parent, message }) => [step, parent, ...(message === undefined ? [] : [message])].join(' '));
}

function withInstances(count: number, ...commands: Command[]): Journal {
  const journal = new Journal();
  journal.commit([...nodes(count).map((node) => register(node)), publish('old')]);
  for (const command of commands) begin(journal, command);
  return journal;
}

/** A command that begins a stage, and then the owner's first look. */
function begin(journal: Journal, command: Command): void {
  run(journal, command);
  assign(journal);
}

describe('stages of percent', () => {
  const given = (journal: Journal) => names(200).filter((instance) => contentFor(journal, { instance }) === 'new');

  it('give the release to a growing share that keeps its members, and to all at the end', () => {
    const journal = withInstances(0, rollOut('new', plan([{ percent: 10, bakeMs: 100 }, { percent: 50, bakeMs: 50 }])));
    const first = given(journal);
    expect(first.length).toBeGreaterThan(8);
    expect(first.length).toBeLessThan(35);
    expect([advance(journal, 99), advance(journal, 100)]).toEqual([false, true]);
    const second = given(journal);
    expect(second.length).toBeGreaterThan(75);
    expect(second.length).toBeLessThan(125);
    expect(second).toEqual(expect.arrayContaining(first));
    expect([advance(journal, 149), advance(journal, 150)]).toEqual([false, true]);
    expect([given(journal).length, contentFor(journal, {})]).toEqual([200, 'new']);
    expect(history(journal)).toEqual(['rollout-complete 2', 'rollout-advance 2 stage 2 of 2', 'publish 0', 'publish 0']);
    expect(findConfig(journal.state, ref)).toMatchObject({ release: 2, last: 4, md5: 'new', bytes: 3 });
    expect(findConfig(journal.state, ref)?.rollouts).toBeUndefined();
  });

  it('divide clients without an instance by their address, and have nothing for a client that has neither', () => {
    const journal = withInstances(0, rollOut('new', plan([{ percent: 50, bakeMs: 1 }])));
    const some = Array.from({ length: 100 }, (_, at) => contentFor(journal, { address: `10.0.0.${at}` }));
    expect(new Set(some)).toEqual(new Set(['old', 'new']));
    expect(contentFor(journal, {})).toBe('old');
  });

  it('choose other instances for another release', () => {
    const members = (content: string) => {
      const journal = withInstances(0, ...(content === 'x' ? [publish('between')] : []), rollOut(content, plan([{ percent: 20, bakeMs: 1 }])));
      return names(200).filter((instance) => contentFor(journal, { instance }) === content);
    };
    expect(members('new')).not.toEqual(members('x'));
  });

  it('go with a rule: a share of those that it names', () => {
    const rule: RolloutRule = { kind: 'expression', expression: 'labels.ring == "beta" and address != "10.9.9.9"' };
    const journal = withInstances(0, rollOut('new', plan([{ percent: 100, bakeMs: 1 }]), rule));
    expect(
      [{ labels: { ring: 'beta' } }, { labels: { ring: 'beta' }, address: '10.9.9.9' }, { labels: { ring: 'stable' } }, {}].map((reader) => contentFor(journal, { instance: 'n/i', ...reader })),
    ).toEqual(['new', 'old', 'old', 'old']);
  });
});

describe('stages of a count', () => {
  it('give the release to exactly so many instances, which keep it, and fill only places that have become free', () => {
    const journal = withInstances(20, rollOut('new', plan([{ count: 3, bakeMs: 1 }])));
    const [first, second, third] = assigned(journal);
    expect(assigned(journal)).toHaveLength(3);
    for (let at = 20; at < 40; at++) run(journal, register(`n${at}`));
    expect([assign(journal), assigned(journal)]).toEqual([false, [first, second, third]]);
    run(journal, leave((second ?? '').split('/')[0] ?? ''));
    expect(assign(journal)).toBe(true);
    expect(assigned(journal)).toHaveLength(3);
    expect(assigned(journal)).toEqual(expect.arrayContaining([first, third]));
    expect(names(40).filter((instance) => contentFor(journal, { instance }) === 'new').sort()).toEqual([...assigned(journal)].sort());
  });

  it('do not hand the release on when an instance turns critical, and choose no critical instance', () => {
    const journal = withInstances(5, rollOut('new', plan([{ count: 1, bakeMs: 1 }, { count: 5, bakeMs: 1 }])));
    const [first = ''] = assigned(journal);
    run(journal, register(first.split('/')[0] ?? '', 'critical'));
    expect([assign(journal), assigned(journal)]).toEqual([false, [first]]);
    const sick = names(5).find((name) => name !== first) ?? '';
    run(journal, register(sick.split('/')[0] ?? '', 'critical'));
    control(journal, 'advance');
    expect(assigned(journal)).toEqual([first]);
    assign(journal);
    expect([...assigned(journal)].sort()).toEqual(names(5).filter((name) => name !== sick).sort());
  });

  it('begin with the places that were found before, unless these are of another release or stage, or too many', () => {
    const places = (release: number, stage: number, ...instances: string[]) => ({ release, stage, instances });
    const given = (found: ReturnType<typeof places>) => {
      const journal = withInstances(5);
      run(journal, { ...(rollOut('new', plan([{ count: 2, bakeMs: 1 }, { count: 3, bakeMs: 1 }])) as ConfigPublish), places: found });
      return journal;
    };
    expect(assigned(given(places(2, 0, 'n4/shop', 'n1/shop')))).toEqual(['n4/shop', 'n1/shop']);
    for (const other of [places(3, 0, 'n4/shop'), places(2, 1, 'n4/shop')]) expect(assigned(given(other))).toEqual([]);
    const journal = given(places(2, 0, 'n4/shop', 'n1/shop', 'n2/shop'));
    expect(assigned(journal)).toEqual(['n4/shop', 'n1/shop']);
    run(journal, { kind: 'config-rollout', ...ref, rollout: 'next', action: 'advance', places: places(2, 1, 'n4/shop', 'n1/shop', 'n0/shop') });
    expect(assigned(journal)).toEqual(['n4/shop', 'n1/shop', 'n0/shop']);
  });

  it('hand their instances on to a stage of a percentage, which may not have them, and back', () => {
    const journal = withInstances(20, rollOut('new', plan([{ count: 3, bakeMs: 1 }, { percent: 0, bakeMs: 1 }, { count: 5, bakeMs: 1 }])));
    const first = assigned(journal);
    const given = () => names(20).filter((instance) => contentFor(journal, { instance }) === 'new');
    for (let stage = 1; stage <= 2; stage++) {
      control(journal, 'advance');
      expect(given().toSorted()).toEqual(first.toSorted());
    }
    assign(journal);
    expect(given()).toHaveLength(5);
    expect(given()).toEqual(expect.arrayContaining([...first]));
  });

  it('wait for instances when there are too few', () => {
    const journal = withInstances(1, rollOut('new', plan([{ count: 3, bakeMs: 1 }])));
    expect(assigned(journal)).toEqual(['n0/shop']);
    run(journal, register('n7'));
    expect([assign(journal), assigned(journal)]).toEqual([true, ['n0/shop', 'n7/shop']]);
  });

  it('count only instances that the rule names', () => {
    const journal = withInstances(4);
    run(journal, register('eu-1', 'passing', { meta: { zone: 'eu' } }));
    run(journal, register('eu-2', 'passing', { address: '10.7.0.1' }));
    begin(journal, rollOut('new', plan([{ count: 3, bakeMs: 1 }]), { kind: 'label', label: 'zone', values: ['eu'] }));
    expect(assigned(journal)).toEqual(['eu-1/shop']);
    control(journal, 'stop');
    begin(journal, rollOut('new', plan([{ count: 3, bakeMs: 1 }]), { kind: 'address', addresses: ['10.7.0.0/16'] }));
    expect(assigned(journal)).toEqual(['eu-2/shop']);
  });

  it('are as a naive model says, in any order of arrivals and departures', () => {
    const step = fc.oneof(
      fc.record({ what: fc.constantFrom('come' as const, 'sick' as const), node: fc.integer({ min: 0, max: 14 }) }),
      fc.record({ what: fc.constantFrom('go' as const), node: fc.integer({ min: 0, max: 14 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 0, max: 8 }), (steps, count) => {
        const journal = withInstances(6, rollOut('new', plan([{ count, bakeMs: 1 }])));
        let model = new Set(assigned(journal));
        const live = new Map(names(6).map((name) => [name, 'passing']));
        expect(model.size).toBe(Math.min(count, 6));
        for (const { what, node } of steps) {
          const name = `n${node}/shop`;
          if (what === 'go') {
            run(journal, leave(`n${node}`));
            live.delete(name);
          } else {
            run(journal, register(`n${node}`, what === 'sick' ? 'critical' : 'passing'));
            live.set(name, what === 'sick' ? 'critical' : 'passing');
          }
          assign(journal);
          const now = new Set(assigned(journal));
          const stayed = [...model].filter((each) => live.has(each));
          const healthy = [...live].filter(([each, status]) => status === 'passing' && !stayed.includes(each)).length;
          // Those that are there keep their places, no others lose one, and vacancies are filled as far as possible.
          expect(stayed.every((each) => now.has(each))).toBe(true);
          expect(now.size).toBe(stayed.length + Math.min(count - stayed.length, healthy));
          expect([...now].every((each) => stayed.includes(each) || live.get(each) === 'passing')).toBe(true);
          model = now;
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('an alarm', () => {
  const alarm: Alarm = { on: ['unhealthy'], share: 0.5 };
  const begun = (count: number, given: Alarm = alarm) => withInstances(10, rollOut('new', plan([{ count, bakeMs: 100 }], { alarm: given })));
  const sicken = (journal: Journal, name = '') => run(journal, register(name.split('/')[0] ?? '', 'critical'));

  it('ends the rollout when enough of its instances turn unhealthy, and the history says why', () => {
    const journal = begun(2);
    expect(trip(journal)).toBe(false);
    const [first] = assigned(journal);
    sicken(journal, first);
    expect(advance(journal, 100)).toBe(false);
    expect(trip(journal, 7)).toBe(true);
    expect([contentFor(journal, { instance: first ?? '' }), rolloutOf(journal)]).toEqual(['old', undefined]);
    expect(history(journal)[0]).toBe('auto-rollback 2 the alarm of rollout next ended it at stage 1 of 1: 1 of 2 instances with the release, and 0 of 8 without it, are critical; its clients get release 1 again');
    expect(trip(journal)).toBe(false);
  });

  it('watches all clients in a last stage of 100 percent, and none after the last stage', () => {
    const whole = (journal: Journal) => names(10).map((instance) => contentFor(journal, { instance }));
    const journal = withInstances(10, rollOut('new', plan([{ percent: 50, bakeMs: 100 }, { percent: 100, bakeMs: 100 }], { alarm })));
    advance(journal, 100);
    expect(new Set(whole(journal))).toEqual(new Set(['new']));
    for (const name of names(6)) sicken(journal, name);
    expect([advance(journal, 200), trip(journal, 150)]).toEqual([false, true]);
    // The old release never ceased to be the current one, so it gets no new number.
    expect([new Set(whole(journal)), findConfig(journal.state, ref)]).toMatchObject([new Set(['old']), { release: 1, last: 4 }]);
    expect(history(journal).slice(0, 2)).toEqual([
      'auto-rollback 2 the alarm of rollout next ended it at stage 2 of 2: 6 of 10 instances with the release, and 0 of 0 without it, are critical; its clients get release 1 again', 'rollout-advance 2 stage 2 of 2',
    ]);
    const completed = withInstances(10, rollOut('new', plan([{ percent: 100, bakeMs: 100 }], { alarm })));
    expect(advance(completed, 100)).toBe(true);
    for (const name of names(10)) sicken(completed, name);
    expect([trip(completed), new Set(whole(completed)), run(completed, { kind: 'config-rollback', ...ref, to: 1, by: 'ann' }), history(completed)[0]]).toEqual([false, new Set(['new']), true, 'rollback 2']);
    expect(findConfig(completed.state, ref)).toMatchObject({ release: 4 });
  });

  it('of the first release takes it from its clients, who get nothing', () => {
    const journal = new Journal();
    journal.commit(nodes(2).map((node) => register(node)));
    begin(journal, rollOut('first', plan([{ percent: 100, bakeMs: 100 }], { alarm })));
    for (const name of names(2)) sicken(journal, name);
    expect([trip(journal), contentFor(journal, { instance: 'n0/shop' })]).toEqual([true, undefined]);
    expect(history(journal)[0]).toContain('; its clients get nothing');
  });

  it('does not count what makes the others sick as well', () => {
    const journal = begun(2);
    for (const name of names(10)) sicken(journal, name);
    expect(trip(journal)).toBe(false);
  });

  it('asks for a number of instances besides a share', () => {
    const journal = begun(2, { ...alarm, atLeast: 2 });
    const [first, second] = assigned(journal);
    sicken(journal, first);
    expect(trip(journal)).toBe(false);
    sicken(journal, second);
    expect(trip(journal)).toBe(true);
  });

  it('counts instances that report an error of the release, until they take it back', () => {
    const journal = begun(2, { on: ['error'], share: 0.4 });
    const [first = ''] = assigned(journal);
    const report = (error: string, release = 2): Command => ({ kind: 'config-report', ...ref, release, instance: first, error });
    expect(run(journal, report('cannot parse', 1))).toBe(false);
    expect(run(journal, report('cannot parse'))).toBe(true);
    expect([run(journal, report('')), trip(journal)]).toEqual([true, false]);
    run(journal, report('cannot parse'));
    expect(trip(journal)).toBe(true);
    expect(history(journal)[0]).toContain('1 of 2 instances with the release, and 0 of 8 without it, report an error');
  });

  it('counts instances that were lost, also when they are back or others have their places', () => {
    const journal = begun(2);
    const [first = ''] = assigned(journal);
    const lost = (instances: { readonly with?: readonly string[]; readonly without?: readonly string[] }) => run(journal, { kind: 'config-lost', ...meant(journal), with: [], without: [], ...instances });
    run(journal, leave(first.split('/')[0] ?? ''));
    expect([assign(journal), assigned(journal).length, trip(journal)]).toEqual([true, 2, false]);
    expect([lost({ with: [first] }), lost({ with: [first] })]).toEqual([true, false]);
    // One of three that have had it, and of two that have it now: not yet a half.
    expect(trip(journal)).toBe(false);
    expect(lost({ with: [assigned(journal)[0] ?? ''] })).toBe(true);
    expect(trip(journal)).toBe(true);
    expect(history(journal)[0]).toContain('2 of 3 instances with the release, and 0 of 7 without it, are critical or were lost');
  });

  it('counts what the others lose, too', () => {
    const journal = begun(2);
    const others = names(10).filter((name) => !assigned(journal).includes(name));
    run(journal, { kind: 'config-lost', ...meant(journal), with: assigned(journal).slice(0, 1), without: others.slice(0, 4) });
    expect(trip(journal)).toBe(false);
  });

  it('knows losses of its own release only, and only if it counts them', () => {
    const lost = (journal: Journal, release: number): Command => ({ kind: 'config-lost', ...meant(journal), release, with: ['n0/shop'], without: [] });
    const journal = begun(2);
    expect([run(journal, lost(journal, 1)), run(journal, lost(journal, 2))]).toEqual([false, true]);
    const errors = begun(2, { on: ['error'], share: 0.5 });
    expect(run(errors, lost(errors, 2))).toBe(false);
    control(journal, 'stop');
    const prune: Command = { kind: 'prune', keys: prunable(journal.state, 0) };
    journal.commit([prune]);
    expect([...journal.state.rows()].filter(([key]) => key.startsWith('config-failure'))).toEqual([]);
  });

  it('remembers a thousand losses of each sort', () => {
    const journal = begun(2);
    const many = (from: number) => Array.from({ length: 600 }, (_, at) => `gone-${from + at}/shop`);
    for (const from of [0, 600]) run(journal, { kind: 'config-lost', ...meant(journal), with: many(from), without: many(from) });
    expect([...journal.state.rows()].filter(([key]) => key.startsWith('config-failure'))).toHaveLength(2_000);
  });

  it('of a webhook ends it with its words, if the rollout has one', () => {
    const told = (journal: Journal) => run(journal, { kind: 'config-trip', ...meant(journal), reason: 'error budget is spent' });
    expect(told(withInstances(1, rollOut('new', plan([{ count: 1, bakeMs: 100 }]))))).toBe(false);
    const journal = begun(2, { on: [], share: 1, webhook: 'http://10.0.0.1/alarm' });
    expect(told(journal)).toBe(true);
    expect(history(journal)[0]).toContain('at stage 1 of 1: error budget is spent');
  });
});

describe('an operator', () => {
  const begun = () => withInstances(3, rollOut('new', plan([{ percent: 0, bakeMs: 100 }, { percent: 100, bakeMs: 100 }])));

  it('pauses and resumes: the time of a pause does not count', () => {
    const journal = begun();
    expect([control(journal, 'resume', 10), control(journal, 'pause', 60), control(journal, 'pause', 70)]).toEqual([false, true, false]);
    expect(advance(journal, 1_000)).toBe(false);
    control(journal, 'resume', 1_000);
    expect([advance(journal, 1_039), advance(journal, 1_040)]).toEqual([false, true]);
    expect(history(journal).slice(0, 3)).toEqual(['rollout-advance 2 stage 2 of 2', 'rollout-resume 2', 'rollout-pause 2']);
  });

  it('stops, advances and completes it at any time', () => {
    const stopped = begun();
    expect([control(stopped, 'stop'), control(stopped, 'stop'), contentFor(stopped, { instance: 'n0/shop' })]).toEqual([true, false, 'old']);
    const going = begun();
    control(going, 'advance');
    expect(contentFor(going, { instance: 'n0/shop' })).toBe('new');
    control(going, 'advance');
    expect([findConfig(going.state, ref)?.release, history(going)[0]]).toEqual([2, 'rollout-complete 2']);
    const completed = begun();
    control(completed, 'complete');
    expect(contentFor(completed, {})).toBe('new');
  });

  it('publishes nothing beside it, but rolls back over it', () => {
    const journal = begun();
    expect(run(journal, publish('other'))).toContain('failed_precondition: rollout next of shop/app is under way at stage 1 of 2; stop or complete it first');
    expect(run(journal, rollOut('newer', plan([{ percent: 100, bakeMs: 1 }])))).toBe(true);
    expect(contentFor(journal, { instance: 'n0/shop' })).toBe('newer');
    expect(run(journal, { kind: 'config-rollback', ...ref, to: 1 })).toBe(true);
    expect([contentFor(journal, { instance: 'n0/shop' }), rolloutOf(journal)]).toEqual(['old', undefined]);
  });
});

describe('the policy of an environment', () => {
  it('may roll out each release, except the first one', () => {
    const journal = new Journal();
    run(journal, { kind: 'config-environment-put', namespace: 'default', order: 1, policy: { rollout: plan([{ percent: 0, bakeMs: 10 }]), freezes: [{ fromMs: 5, toMs: 50, why: 'night' }] } });
    run(journal, publish('old'));
    expect(contentFor(journal, {})).toBe('old');
    run(journal, publish('new'));
    expect([contentFor(journal, {}), Array.from(stagedConfigs(journal.state), ({ name }) => name)]).toEqual(['old', ['app']]);
    const stage = { ...ref, rollout: 'release', release: 2, stage: 0 };
    // It does not go forward in a freeze.
    expect([run(journal, { kind: 'config-advance', ...stage }, 20), run(journal, { kind: 'config-advance', ...stage }, 50)]).toEqual([false, true]);
    expect([contentFor(journal, {}), [...stagedConfigs(journal.state)]]).toEqual(['new', []]);
  });

  it.each<[RolloutPlan, string]>([
    [plan([]), 'has 0 stages'],
    [plan([{ percent: 101, bakeMs: 1 }]), 'percent of a stage is 101'],
    [plan([{ count: 1.5, bakeMs: 1 }]), 'count of a stage is 1.5'],
    [plan([{ percent: 1, bakeMs: -1 }]), 'bakeMs of a stage is -1'],
    [plan([{ percent: 1, bakeMs: 1 }], { alarm: { on: [], share: 0.5 } }), 'counts nothing'],
    [plan([{ percent: 1, bakeMs: 1 }], { alarm: { on: ['error'], share: 0 } }), 'share of an alarm is 0'],
    [plan([{ percent: 1, bakeMs: 1 }], { alarm: { on: [], share: 1, webhook: 'file:///etc/passwd' } }), 'must be a URL of http or https'],
  ])('refuses the plan %j', (given, reason) => {
    expect(run(withInstances(0), rollOut('new', given))).toContain(`invalid_argument: `);
    expect(run(withInstances(0), rollOut('new', given))).toContain(reason);
  });

  it('refuses an expression that cannot be compiled', () => {
    expect(run(withInstances(0), rollOut('new', plan([{ percent: 1, bakeMs: 1 }]), { kind: 'expression', expression: 'nope ==' }))).toContain('invalid_argument');
  });
});

describe('work', () => {
  const alarm: Alarm = { on: ['unhealthy', 'error'], share: 0.5 };

  it.each([200, 400])('of a look is in steps, some for each of %i instances', (count) => {
    const journal = withInstances(count, rollOut('new', plan([{ count: 10, bakeMs: 100 }], { alarm })));
    const { steps = 0 } = looked(journal, ref) ?? {};
    expect([steps >= count, steps <= 4 * count]).toEqual([true, true]);
  });

  it('of a decision has no scan of the service', () => {
    const stages: readonly Stage[] = [{ count: 3, bakeMs: 10 }, { count: 5, bakeMs: 10 }];
    const journal = withInstances(20, rollOut('new', plan(stages, { alarm })));
    run(journal, leave(assigned(journal)[0]?.split('/')[0] ?? ''));
    const { places = [] } = looked(journal, ref) ?? {};
    const counted = vi.spyOn(journal.state, 'bucket');
    const scans = () => counted.mock.calls.filter(([bucket]) => bucket.includes('shop') && !bucket.includes('failure')).length;
    expect([
      run(journal, { kind: 'config-assign', ...meant(journal), places }),
      run(journal, { kind: 'config-advance', ...meant(journal), places: [...places, 'x/shop'] }, 100),
      run(journal, { kind: 'config-trip', ...meant(journal), reason: 'told' }),
    ]).toEqual([true, true, true]);
    run(journal, rollOut('newer', plan(stages)));
    control(journal, 'advance');
    expect(scans()).toBe(0);
    counted.mockRestore();
  });

  it('is refused when a registered instance would lose its place, or more would have one than the stage says', () => {
    const journal = withInstances(5, rollOut('new', plan([{ count: 2, bakeMs: 10 }])));
    const [first = '', second = ''] = assigned(journal);
    const [third = ''] = names(5).filter((name) => name !== first && name !== second);
    const given = (...places: string[]) => run(journal, { kind: 'config-assign', ...meant(journal), places });
    expect([given(first, third), given(first, second, third), given(first, second)]).toEqual([false, false, false]);
    run(journal, leave(second.split('/')[0] ?? ''));
    expect([given(first, third), assigned(journal)]).toEqual([true, [first, third]]);
  });
});

it('a rollout is the same after a restart', () => {
  const journal = withInstances(5, rollOut('new', plan([{ count: 2, bakeMs: 100 }], { alarm: { on: ['unhealthy'], share: 0.5 } })));
  const before = [rolloutOf(journal), [...stagedConfigs(journal.state)].length];
  journal.restart();
  expect([rolloutOf(journal), [...stagedConfigs(journal.state)].length]).toEqual(before);
});

it('the population has the instances with their addresses and labels', () => {
  const journal = withInstances(1, rollOut('new', plan([{ percent: 100, bakeMs: 1 }])));
  run(journal, register('own', 'critical', { address: '10.5.0.1', meta: { ring: 'beta' } }));
  const row = findConfig(journal.state, ref);
  const rollout = rolloutOf(journal);
  if (row === undefined || rollout === undefined) throw new Error('no rollout');
  const members = populationOf(journal.state, 'default', 'shop').sort((a, b) => (a.instance < b.instance ? -1 : 1));
  expect(members.map(({ app, instance, address, labels, isUnhealthy, isEligible }) => ({ app, instance, address, labels, unhealthy: isUnhealthy, eligible: isEligible }))).toEqual([
    { app: 'shop', instance: 'n0/shop', address: '10.0.0.1', labels: {}, unhealthy: false, eligible: true },
    { app: 'shop', instance: 'own/shop', address: '10.5.0.1', labels: { ring: 'beta' }, unhealthy: true, eligible: false },
  ]);
  expect([instanceName({ node: 'n', id: 'i' }), isFor(row, rollout, { instance: 'n0/shop' })]).toEqual(['n/i', true]);
});
