import { describe, expect, it } from 'vitest';
import { Journal } from '../../registry/journal.case.ts';
import { unrestricted } from '../../security/authorizer.ts';
import { readHosts, refTimeOf, revisionOf, serviceInfo, watchService, type Hosts, type Selection } from './service-info.ts';
import { readInstance, registration } from './translate.ts';

const web = { group: 'DEFAULT_GROUP', name: 'web' };
const all: Selection = { namespace: 'default', service: web, clusters: '', healthyOnly: false, enabledOnly: false };

function register(journal: Journal, ip: string, fields: Record<string, unknown> = {}): void {
  journal.commit([registration('default', web, readInstance({ ip, port: 80, ...fields }), { by: 'heartbeats' })]);
}

function turn(journal: Journal, ip: string, status: 'passing' | 'critical', cluster = 'DEFAULT'): void {
  const id = `nacos:${ip}#80#${cluster}#DEFAULT_GROUP@@web`;
  journal.commit([{ kind: 'update-checks', updates: [{ namespace: 'default', node: '', id, status }] }]);
}

function read(journal: Journal, selection: Partial<Selection> = {}, authorizer: Pick<typeof unrestricted, 'allows'> = unrestricted): Hosts {
  const work = readHosts(journal.state, { ...all, ...selection }, authorizer);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

const ips = ({ hosts }: Hosts) => hosts.map(({ ip }) => ip).sort();

describe('the list of a service', () => {
  it('has the instances of the chosen clusters', () => {
    const journal = new Journal();
    register(journal, 'a');
    register(journal, 'b', { clusterName: 'BLUE' });
    register(journal, 'c', { clusterName: 'GREEN' });
    expect(ips(read(journal))).toEqual(['a', 'b', 'c']);
    expect(ips(read(journal, { clusters: 'BLUE,GREEN' }))).toEqual(['b', 'c']);
    expect(ips(read(journal, { clusters: 'DEFAULT' }))).toEqual(['a']);
    expect(ips(read(journal, { clusters: 'NONE' }))).toEqual([]);
  });

  it('leaves out the unhealthy and the disabled when that is asked', () => {
    const journal = new Journal();
    register(journal, 'a');
    register(journal, 'b');
    register(journal, 'c', { enabled: 'false' });
    turn(journal, 'b', 'critical');
    expect(read(journal).hosts.map(({ ip, healthy, enabled }) => [ip, healthy, enabled])).toEqual([
      ['a', true, true],
      ['b', false, true],
      ['c', false, false],
    ]);
    expect(ips(read(journal, { healthyOnly: true }))).toEqual(['a']);
    expect(ips(read(journal, { enabledOnly: true }))).toEqual(['a', 'b']);
  });

  it('shows all as healthy at the protect threshold, and says so', () => {
    const journal = new Journal();
    for (const ip of ['a', 'b', 'c']) register(journal, ip);
    turn(journal, 'b', 'critical');
    turn(journal, 'c', 'critical');
    expect(read(journal).protects).toBe(false);
    journal.commit([{ kind: 'service-put', namespace: 'default', name: 'web', protectThreshold: 0.5 }]);
    const guarded = read(journal, { healthyOnly: true });
    expect([ips(guarded), guarded.protects]).toEqual([['a', 'b', 'c'], true]);
    turn(journal, 'b', 'passing');
    expect([ips(read(journal, { healthyOnly: true })), read(journal).protects]).toEqual([['a', 'b'], false]);
  });

  it('leaves out instances on a node that the caller may not read', () => {
    const journal = new Journal();
    register(journal, 'a');
    journal.commit([
      { kind: 'register', namespace: 'default', node: { name: 'n1', address: 'b' }, nodeMode: 'update', instances: [{ id: 'web', service: 'web', port: 1 }] },
    ]);
    expect(ips(read(journal))).toEqual(['a', 'b']);
    expect(ips(read(journal, {}, { allows: () => false }))).toEqual(['a']);
  });
});

describe('lastRefTime', () => {
  it('rises with every change of the list, and with nothing else', () => {
    const journal = new Journal();
    const seen = [refTimeOf(revisionOf(journal.views, all))];
    const changes = [
      () => register(journal, 'a'),
      () => turn(journal, 'a', 'critical'),
      () => turn(journal, 'a', 'passing'),
      () => journal.commit([{ kind: 'service-put', namespace: 'default', name: 'web', protectThreshold: 0.5 }]),
      () => journal.commit([{ kind: 'deregister-instance', namespace: 'default', node: '', id: 'a#80#DEFAULT#DEFAULT_GROUP@@web' }]),
    ];
    for (const change of changes) {
      change();
      const now = refTimeOf(revisionOf(journal.views, all));
      expect(now).toBeGreaterThan(seen.at(-1) as number);
      seen.push(now);
    }
    journal.commit([registration('default', { group: 'DEFAULT_GROUP', name: 'other' }, readInstance({ ip: 'z', port: 1 }), { by: 'heartbeats' })]);
    expect(refTimeOf(revisionOf(journal.views, all))).toBe(seen.at(-1));
  });

  it('is the same on a node that has loaded the same log', () => {
    const journal = new Journal();
    register(journal, 'a');
    register(journal, 'b');
    const before = refTimeOf(revisionOf(journal.views, all));
    journal.restart();
    expect(refTimeOf(revisionOf(journal.views, all))).toBe(before);
  });

  it('is above every time of a Nacos server of this century, and exact in a double', () => {
    expect(refTimeOf(0)).toBeGreaterThanOrEqual(Date.UTC(2100, 0, 1));
    expect(Number.isSafeInteger(refTimeOf(2 ** 52))).toBe(true);
  });
});

it('a watch hears changes of the instances and of the service record, until it is stopped', () => {
  const journal = new Journal();
  let heard = 0;
  const stop = watchService(journal.views, all, () => heard++);
  register(journal, 'a');
  journal.commit([{ kind: 'service-put', namespace: 'default', name: 'web', protectThreshold: 0.5 }]);
  expect(heard).toBe(2);
  stop();
  register(journal, 'b');
  expect(heard).toBe(2);
});

it('the answer repeats the name and the clusters that the client asked for', () => {
  const selection = { ...all, clusters: 'A,B' };
  expect(serviceInfo(selection, 'DEFAULT_GROUP@@web', { hosts: [], protects: false }, 7)).toEqual({
    name: 'DEFAULT_GROUP@@web',
    groupName: 'DEFAULT_GROUP',
    clusters: 'A,B',
    cacheMillis: 10_000,
    hosts: [],
    lastRefTime: 4_102_444_800_007,
    checksum: '',
    allIps: false,
    reachProtectionThreshold: false,
    valid: true,
  });
});
