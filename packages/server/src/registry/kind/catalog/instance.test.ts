import { administrativeStatuses } from '@rollcall/protocol';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../journal.case.ts';
import type { CheckInput, InstanceInput, InstanceStatus } from './commands.ts';
import { statuses, weightOf } from './effective-status.ts';
import { allChecks, allNodes, findCheck, findInstance, findService, instancesOfService } from './find.ts';
import { administrativeCheckId } from './known-checks.ts';
import type { InstanceRow } from './rows.ts';
import { servicesOf } from './service-index.ts';
import { catalogView, checksView, nodeView, serviceRecordView, serviceRecordsView, serviceView, servicesView } from './views.ts';

const check = administrativeCheckId('i');

function setUp() {
  const journal = new Journal();
  const register = (input: Partial<InstanceInput> = {}, now = 0, checks: CheckInput[] = []) =>
    journal.commit(
      [
        {
          ...{ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'ensure', replaceChecks: true },
          instances: [{ id: 'i', service: 'web', ...input }],
          checks,
        },
      ],
      now,
    );
  const say = (said: Omit<InstanceStatus, 'kind' | 'namespace' | 'node' | 'id'>, now = 0) =>
    journal.commit([{ kind: 'instance-status', namespace: 'default', node: 'n', id: 'i', ...said }], now);
  const row = () => findInstance(journal.state, 'default', 'n', 'i') as InstanceRow;
  const shown = () => findCheck(journal.state, 'default', 'n', check);
  const status = () => statuses(journal.state)(row());
  return { journal, register, say, row, shown, status };
}

describe('overrides of an operator', () => {
  const note = { by: 'Ada', reason: 'a slow disk' };

  it('outlive registrations, with who set them last and why', () => {
    const { register, say, row } = setUp();
    register({ weight: 3, warningWeight: 1 }, 1);
    say({ weightOverride: 0.5, note }, 5);
    register({ weight: 7, tags: ['t'] }, 9);
    expect(row()).toMatchObject({ weight: 7, weightOverride: 0.5, overridden: { ...note, atMs: 5 } });
    expect([weightOf(row(), 'passing'), weightOf(row(), 'warning')]).toEqual([0.5, 0.5]);
    say({ override: 'draining', note: { by: 'Bob', reason: '' } }, 11);
    expect(row()).toMatchObject({ override: 'draining', weightOverride: 0.5, overridden: { by: 'Bob', reason: '', atMs: 11 } });
    say({ override: null, weightOverride: null, note }, 12);
    const { override, weightOverride, overridden, weight } = row();
    expect([override, weightOverride, overridden, weight]).toEqual([undefined, undefined, undefined, 7]);
  });

  it('that are set again change nothing, by another operator as well', () => {
    const { journal, register, say, row } = setUp();
    register();
    say({ override: 'draining', note }, 5);
    const { revision } = journal.state;
    say({ override: 'draining', note: { by: 'Bob', reason: 'again' } }, 9);
    expect([journal.state.revision, row().overridden?.by]).toEqual([revision, 'Ada']);
  });

  it('lose the note when they change without one', () => {
    const { register, say, row } = setUp();
    register();
    say({ override: 'draining', note }, 5);
    say({ override: 'out_of_service' }, 6);
    expect([row().override, row().overridden]).toEqual(['out_of_service', undefined]);
  });
});

describe('a registration', () => {
  it('keeps every field, and leaves out those with the usual value', () => {
    const { register, row } = setUp();
    register({}, 7);
    const usual = { kind: 'instance', namespace: 'default', node: 'n', id: 'i', service: 'web', address: '', port: 0, tags: [], meta: {}, weight: 1 };
    expect(row()).toEqual({ ...usual, registeredMs: 7, created: 1, modified: 1 });
    const full: InstanceInput = {
      ...{ id: 'i', service: 'web', address: 'h', port: 443, scheme: 'https', ports: { admin: { port: 9, scheme: 'http' } } },
      ...{ zone: 'z', region: 'r', cluster: 'c', tags: ['t'], meta: { k: 'v' }, weight: 0.5, warningWeight: 0, status: 'starting' },
      ...{ enabled: false, persistent: true, foreign: { nacos: { healthy: true } } },
    };
    register(full, 9);
    const times = { registeredMs: 7, changedMs: 9, created: 1, modified: 2 };
    expect(row()).toEqual({ kind: 'instance', namespace: 'default', node: 'n', ...full, ...times });
  });

  it('that is equal to the one before changes nothing, the time of the last change included', () => {
    const { journal, register, row } = setUp();
    register({ weight: 2 }, 1);
    register({ weight: 3 }, 5);
    const { revision } = journal.state;
    register({ weight: 3 }, 9);
    expect([journal.state.revision, row().registeredMs, row().changedMs]).toEqual([revision, 1, 5]);
  });

  it('sets the status to up again, and keeps the override of the operator and whether the instance is enabled', () => {
    const { register, say, row, status } = setUp();
    register({ status: 'draining' });
    say({ override: 'out_of_service', enabled: false });
    register({ tags: ['new'] });
    expect(row()).toMatchObject({ tags: ['new'], override: 'out_of_service', enabled: false });
    expect(row().status).toBeUndefined();
    say({ enabled: true });
    expect(status()).toBe('maintenance');
    say({ override: null });
    expect(status()).toBe('passing');
  });
});

describe('the status of an instance', () => {
  it('is shown by a critical check exactly while it keeps the instance from traffic', () => {
    const { register, say, shown, status } = setUp();
    register();
    for (const own of administrativeStatuses) {
      for (const override of [null, ...administrativeStatuses]) {
        for (const enabled of [true, false]) {
          say({ status: own, override, enabled });
          const passes = status() === 'passing';
          expect(shown()?.status, JSON.stringify({ own, override, enabled })).toBe(passes ? undefined : 'critical');
        }
      }
    }
    say({ status: 'up', override: null, enabled: true });
    expect(shown()).toBeUndefined();
  });

  it('changes what is given only, and nothing of an instance that does not exist', () => {
    const { journal, register, say, row } = setUp();
    expect(say({ status: 'down' }).outcomes).toMatchObject([{ result: false }]);
    register({ weight: 5 }, 1);
    say({ override: 'draining' }, 2);
    say({ enabled: false }, 3);
    expect(row()).toMatchObject({ weight: 5, override: 'draining', enabled: false, registeredMs: 1, changedMs: 3 });
    const { revision } = journal.state;
    expect(say({ enabled: false }, 4).outcomes).toMatchObject([{ result: true }]);
    expect(journal.state.revision).toBe(revision);
  });

  it('raises the views that show the instance or its checks', () => {
    const { register, say } = setUp();
    register();
    const { views } = say({ override: 'out_of_service' });
    expect([...views]).toEqual(expect.arrayContaining([serviceView('default', 'web'), checksView('default'), nodeView('default', 'n'), catalogView()]));
  });

  it('is removed with the instance: a new one under the same id is up', () => {
    const { journal, register, say, row, shown } = setUp();
    register();
    say({ override: 'out_of_service' });
    journal.commit([{ kind: 'deregister-instance', namespace: 'default', node: 'n', id: 'i' }]);
    expect(shown()).toBeUndefined();
    register();
    expect(row().override).toBeUndefined();
  });
});

describe('the administrative check', () => {
  it.each<[string, CheckInput[], 'register' | 'remove']>([
    ['registered', [{ id: check, name: 'mine', instance: 'i' }], 'register'],
    ['removed', [], 'remove'],
  ])('cannot be %s by itself', (_what, checks, how) => {
    const { journal, register, say, shown } = setUp();
    register();
    say({ status: 'down' });
    const { outcomes } = how === 'register' ? register({}, 0, checks) : journal.commit([{ kind: 'deregister-check', namespace: 'default', node: 'n', id: check }]);
    expect(outcomes).toMatchObject([{ error: { code: 'failed_precondition' } }]);
    expect(shown()?.status).toBe('critical');
  });

  it('is not updated by itself, and does not end when the checks of the instance are replaced', () => {
    const { journal, register, say, shown } = setUp();
    register({}, 0, [{ id: 'own', name: 'own', instance: 'i', status: 'passing' }]);
    say({ override: 'draining' });
    const { outcomes } = journal.commit([{ kind: 'update-checks', updates: [{ namespace: 'default', node: 'n', id: check, status: 'passing' }] }]);
    expect(outcomes).toMatchObject([{ result: 0 }]);
    register();
    expect([shown()?.status, findCheck(journal.state, 'default', 'n', 'own')]).toEqual(['critical', undefined]);
  });
});

describe('an instance without a node', () => {
  it('has its service, checks and status, and no view of a node', () => {
    const journal = new Journal();
    const node = { name: '', address: '' };
    const checks: CheckInput[] = [{ id: 'c', name: 'c', instance: 'i', type: 'ttl', definition: { ttlMs: 1_000 }, status: 'warning' }];
    const { views, outcomes } = journal.commit([{ kind: 'register', namespace: 'default', node, nodeMode: 'none', instances: [{ id: 'i', service: 'web' }], checks }]);
    expect(outcomes).toMatchObject([{ result: true }]);
    expect([...views].sort()).toEqual([catalogView(), checksView('default'), serviceView('default', 'web'), servicesView('default')].sort());
    const rows = () => [...instancesOfService(journal.state, 'default', 'web')];
    expect(rows().map(statuses(journal.state))).toEqual(['warning']);
    journal.restart();
    expect(rows().map(statuses(journal.state))).toEqual(['warning']);
    expect([...allNodes(journal.state)]).toEqual([]);
    journal.commit([{ kind: 'deregister-instance', namespace: 'default', node: '', id: 'i' }]);
    expect([rows(), [...allChecks(journal.state, 'default')]]).toEqual([[], []]);
  });
});

describe('the record of a service', () => {
  it('is there without an instance, and has views of its own', () => {
    const journal = new Journal();
    const put = (protectThreshold: number) =>
      journal.commit([{ kind: 'service-put', namespace: 'default', name: 'web', meta: { owner: 'shop' }, protectThreshold }]);
    expect([...put(0.5).views].sort()).toEqual([serviceRecordView('default', 'web'), serviceRecordsView('default')].sort());
    expect(findService(journal.state, 'default', 'web')).toMatchObject({ meta: { owner: 'shop' }, protectThreshold: 0.5 });
    expect(servicesOf(journal.state).has('default', 'web')).toBe(false);
    const before = journal.state.revision;
    put(0.5);
    expect(journal.state.revision).toBe(before);
    const gone = journal.commit([{ kind: 'service-delete', namespace: 'default', name: 'web' }]);
    expect(gone.outcomes).toMatchObject([{ result: true }]);
    journal.restart();
    expect([findService(journal.state, 'default', 'web'), journal.state.viewRevision(serviceRecordView('default', 'web'))]).toEqual([undefined, gone.revision]);
    expect(journal.commit([{ kind: 'service-delete', namespace: 'default', name: 'web' }]).outcomes).toMatchObject([{ result: false }]);
  });

  it('is in an existing namespace, and is removed with it', () => {
    const journal = new Journal();
    const put = { kind: 'service-put', namespace: 'team-a', name: 'web' } as const;
    expect(journal.commit([put]).outcomes).toMatchObject([{ error: { code: 'not_found' } }]);
    journal.commit([{ kind: 'namespace-put', name: 'team-a' }, put]);
    expect(findService(journal.state, 'team-a', 'web')).toBeDefined();
    journal.commit([{ kind: 'namespace-delete', name: 'team-a' }]);
    expect(findService(journal.state, 'team-a', 'web')).toBeUndefined();
  });

  it.each([-0.1, 1.1, Number.NaN])('refuses a threshold of %d', (protectThreshold) => {
    const { outcomes } = new Journal().commit([{ kind: 'service-put', namespace: 'default', name: 'web', protectThreshold }]);
    expect(outcomes).toMatchObject([{ error: { code: 'invalid_argument' } }]);
  });
});

describe('a session without a node', () => {
  const session = { kind: 'session-create', namespace: 'default', id: 's', name: '', node: '', liveness: 'stream', ttlMs: 10_000 } as const;
  const rest = { lockDelayMs: 0, behavior: 'delete' } as const;

  it('vouches for instances without a node, which are removed with it', () => {
    const journal = new Journal();
    journal.commit([{ ...session, ...rest, checks: [] }]);
    const instances = [{ id: 'i', service: 'web', session: 's' }];
    journal.commit([{ kind: 'register', namespace: 'default', node: { name: '', address: '' }, nodeMode: 'none', instances }]);
    expect([...instancesOfService(journal.state, 'default', 'web')]).toHaveLength(1);
    journal.commit([{ kind: 'session-destroy', namespace: 'default', id: 's' }]);
    expect([...instancesOfService(journal.state, 'default', 'web')]).toEqual([]);
  });

  it('is bound to no checks', () => {
    const { outcomes } = new Journal().commit([{ ...session, ...rest, checks: [{ namespace: 'default', id: 'c' }] }]);
    expect(outcomes).toMatchObject([{ error: { code: 'failed_precondition' } }]);
  });
});
