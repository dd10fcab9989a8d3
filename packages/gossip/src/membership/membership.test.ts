import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Membership } from './membership.ts';
import { seededRandom, statesOf, TestGroup } from './membership.case.ts';
import { lanTiming } from './timing.ts';

/** A group of that many members that all know each other. */
function settled(count: number, options: ConstructorParameters<typeof TestGroup>[0] = {}): TestGroup {
  const group = new TestGroup(options);
  group.startAll(count);
  group.runUntil(() => group.disagreements().length === 0, 30_000);
  group.run(10_000);
  return group;
}

describe('a group', () => {
  it('knows all members a few seconds after they started with one seed', () => {
    const group = new TestGroup();
    group.startAll(20);
    expect(group.runUntil(() => group.disagreements().length === 0, 15_000)).toBeLessThan(10_000);
  });

  it('finds a member that was killed, and no other', () => {
    const group = settled(10);
    group.kill('m3');
    const took = group.runUntil(() => [...group.members.keys()].every((at) => at === 'm3' || group.stateOf(at, 'm3') === 'dead'), 30_000);
    // A probe within two rounds of ten, then the shortest suspicion of 4 s, if others confirm.
    expect(took).toBeGreaterThan(4_000);
    expect(took).toBeLessThan(20_000);
    expect(group.disagreements()).toEqual([]);
  });

  it('hears at once that a member leaves, and does not try it again', () => {
    const group = settled(10);
    const leaving = group.member('m3');
    group.do(leaving, leaving.core.leave(group.now));
    const others = [...group.members.keys()].filter((name) => name !== 'm3');
    expect(group.runUntil(() => others.every((at) => group.stateOf(at, 'm3') === 'left'), 5_000)).toBeLessThan(2_000);
    group.runUntil(() => leaving.core.hasLeft, 5_000);
    group.kill('m3');
    group.run(60_000);
    for (const at of others) expect(group.stateOf(at, 'm3')).toBe('left');
  });

  it('hears a goodbye also from a member that has much other news', () => {
    const group = settled(10);
    const leaving = group.member('m3');
    const row = (key: string) => ({ kind: 'row', owner: 'm3', generation: 1, version: 1, key, value: 'v' }) as const;
    for (let index = 0; index < 2_000; index++) leaving.core.announce(row(`k${index}`));
    group.do(leaving, leaving.core.leave(group.now));
    // It ends as soon as these datagrams are on their way.
    group.run(2);
    group.kill('m3');
    const others = [...group.members.keys()].filter((name) => name !== 'm3');
    expect(group.runUntil(() => others.every((at) => group.stateOf(at, 'm3') === 'left'), 5_000)).toBeLessThan(2_000);
  });

  it('takes a process that was started again at another address for the new one at once', () => {
    const group = settled(5);
    group.kill('m3');
    group.run(100);
    group.start('m3', ['m0'], 7_001);
    const others = ['m0', 'm1', 'm2', 'm4'];
    const moved = () => others.every((at) => group.member(at).core.find('m3')?.address.port === 7_001);
    expect(group.runUntil(moved, 10_000)).toBeLessThan(3_000);
    group.run(30_000);
    expect(group.disagreements()).toEqual([]);
    for (const at of others) expect(group.member(at).seen.filter(({ name, now }) => name === 'm3' && now === 'dead')).toEqual([]);
  });

  it('does not take the stall of one member for the death of others', () => {
    const group = settled(8);
    group.stop('m2');
    group.run(8_000);
    // It heard nothing for 8 s. Its timers run before it reads.
    group.resume('m2');
    group.run(10_000);
    expect(group.member('m2').seen.filter(({ now }) => now === 'dead' || now === 'suspect')).toEqual([]);
    group.runUntil(() => group.disagreements().length === 0, 30_000);
  });

  it('has back a member that was stopped for so long that it counted as dead', () => {
    const group = settled(6);
    group.stop('m2');
    group.runUntil(() => group.stateOf('m0', 'm2') === 'dead', 60_000);
    group.run(60_000);
    group.resume('m2');
    expect(group.runUntil(() => group.disagreements().length === 0, 30_000)).toBeLessThan(15_000);
  });

  it('meets again after a partition in which each side took the other for dead', () => {
    const group = settled(10);
    const left = new Set(['m0', 'm1', 'm2', 'm3', 'm4']);
    group.connects = (from, to) => left.has(from) === left.has(to);
    group.run(120_000);
    expect(group.stateOf('m0', 'm9')).toBe('dead');
    expect(group.stateOf('m9', 'm0')).toBe('dead');
    group.connects = () => true;
    expect(group.runUntil(() => group.disagreements().length === 0, 120_000)).toBeLessThan(60_000);
  });

  it('keeps a member that only streams reach', () => {
    const group = settled(5);
    group.loss = 1;
    group.run(60_000);
    expect(group.disagreements()).toEqual([]);
  });

  it('has no false death with a fifth of all datagrams lost', () => {
    const group = settled(30, { loss: 0.2, seed: 7 });
    group.run(300_000);
    const deaths = [...group.members.values()].flatMap(({ seen }) => seen.filter(({ now }) => now === 'dead'));
    expect(deaths).toEqual([]);
  });

  it('forgets dead members after `reapMs`', () => {
    const group = settled(3, { timing: { reapMs: 60_000 } });
    group.kill('m2');
    group.run(30_000);
    expect(statesOf(group.member('m0').core.records())).toEqual({ m0: 'alive', m1: 'alive', m2: 'dead' });
    group.run(120_000);
    expect(statesOf(group.member('m0').core.records())).toEqual({ m0: 'alive', m1: 'alive' });
  });
});

describe('a member', () => {
  const address = { host: 'a', port: 1 };
  const core = () =>
    new Membership({
      ...{ self: { name: 'a', address, incarnation: 10 }, timing: lanTiming, random: seededRandom(1), nowMs: 0 },
      sizes: { packetMax: 1_400, packet: () => 80, update: () => 40 },
    });
  const from = { host: 'b', port: 2 };
  const packet = { from: 'b', incarnation: 5, membersHash: 0, rowsHash: 0, head: { kind: 'gossip' }, updates: [] } as const;

  it('objects to its own death with a higher incarnation, and doubts itself', () => {
    const member = core();
    member.receive(from, { ...packet, updates: [{ kind: 'dead', name: 'a', incarnation: 12, by: 'b' }] }, 0);
    expect(member.self.incarnation).toBe(13);
    expect(member.localHealth).toBe(1);
  });

  it('rises above an earlier process of its name, and reports one that runs', () => {
    const member = core();
    const other = { host: 'other', port: 1 };
    const actions = member.receive(from, { ...packet, updates: [{ kind: 'alive', name: 'a', address: other, incarnation: 50 }] }, 0);
    expect(member.self.incarnation).toBe(51);
    expect(actions).toContainEqual({ kind: 'conflict', address: other });
  });

  it('answers a ping only for its own name: another process may have its address now', () => {
    const member = core();
    const ping = (target: string) => member.receive(from, { ...packet, head: { kind: 'ping', sequence: 3, target } }, 0);
    const acks = (target: string) => ping(target).filter((action) => action.kind === 'send' && action.packet.head.kind === 'ack');
    expect([acks('a').length, acks('x').length]).toEqual([1, 0]);
  });

  it('says to a member that it holds for dead what it thinks, with the answer to its ping', () => {
    const member = core();
    member.receive(from, { ...packet, updates: [{ kind: 'alive', name: 'b', address: from, incarnation: 5 }] }, 0);
    member.receive(from, { ...packet, from: 'c', updates: [{ kind: 'dead', name: 'b', incarnation: 5, by: 'c' }] }, 0);
    const actions = member.receive(from, { ...packet, head: { kind: 'ping', sequence: 3, target: 'a' } }, 0);
    const [first] = actions.flatMap((action) => (action.kind === 'send' ? action.packet.updates : []));
    expect(first).toEqual({ kind: 'dead', name: 'b', incarnation: 5, by: 'a' });
  });

  it('exchanges states with a member that has other rows, also while news of members arrive all the time', () => {
    const member = core();
    const syncs = (at: number, rowsHash: number, incarnation: number) => {
      const update = { kind: 'alive', name: 'c', address: { host: 'c', port: 3 }, incarnation } as const;
      const actions = [...member.receive(from, { ...packet, rowsHash, updates: [update] }, at), ...member.tick(at)];
      return actions.filter((action) => action.kind === 'sync' && action.with.host === 'b').length;
    };
    member.receive(from, { ...packet, updates: [{ kind: 'alive', name: 'b', address: from, incarnation: 5 }] }, 0);
    const counts = (rowsHash: number, seconds: readonly number[]) => seconds.map((second) => {
      let count = 0;
      for (let at = second * 1_000; at < (second + 1) * 1_000; at += 200) count += syncs(at, rowsHash, at + 1);
      return count;
    });
    // The same rows: only hashes of members differ, and news explain that for eight seconds.
    expect(counts(0, [0, 1, 2, 3, 4, 5]).reduce((sum, count) => sum + count)).toBeLessThanOrEqual(1);
    expect(counts(7, [6, 7, 8, 9]).reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(1);
  });

  it('says nack after 80 % of the timeout when a member does not answer it', () => {
    const member = core();
    const target = { host: 'c', port: 3 };
    const head = { kind: 'ping-request', sequence: 9, target: 'c', address: target, nackAfterMs: 400 } as const;
    const pings = member.receive(from, { ...packet, head }, 0);
    expect(pings).toContainEqual(expect.objectContaining({ to: target, packet: expect.objectContaining({ head: expect.objectContaining({ kind: 'ping', target: 'c' }) }) }));
    const heads = (at: number) => member.tick(at).flatMap((action) => (action.kind === 'send' ? [action.packet.head] : []));
    for (const at of [100, 200, 300]) expect(heads(at)).not.toContainEqual({ kind: 'nack', sequence: 9 });
    expect(heads(400)).toContainEqual({ kind: 'nack', sequence: 9 });
    for (const at of [500, 600]) expect(heads(at)).not.toContainEqual({ kind: 'nack', sequence: 9 });
  });
});

describe('a group after stops, restarts, partitions and losses', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('stop' as const), member: fc.nat(6) }),
    fc.record({ kind: fc.constant('resume' as const), member: fc.nat(6) }),
    fc.record({ kind: fc.constant('restart' as const), member: fc.nat(6) }),
    fc.record({ kind: fc.constant('partition' as const), cut: fc.nat(126) }),
    fc.record({ kind: fc.constant('loss' as const), percent: fc.nat(60) }),
  );
  const step = fc.record({ event, ms: fc.integer({ min: 100, max: 40_000 }) });

  it('agrees that all members live soon after the network is whole again, and stays so', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(step, { maxLength: 8 }), (seed, steps) => {
        const group = new TestGroup({ seed });
        group.startAll(7);
        group.run(5_000);
        for (const { event, ms } of steps) {
          apply(group, event);
          group.run(ms);
        }
        group.connects = () => true;
        group.loss = 0;
        for (const member of group.members.values()) if (member.isStopped) group.resume(member.name);
        group.runUntil(() => group.disagreements().length === 0, 180_000);
        // It stays so.
        group.run(30_000);
        expect(group.disagreements()).toEqual([]);
        const hashes = new Set(Array.from(group.members.values(), ({ core }) => core.living));
        expect([...hashes]).toEqual([7]);
      }),
      { numRuns: 60 },
    );
  });

  function apply(group: TestGroup, event: { kind: string; member?: number; cut?: number; percent?: number }): void {
    const name = `m${event.member}`;
    if (event.kind === 'stop') group.stop(name);
    if (event.kind === 'resume' && group.member(name).isStopped) group.resume(name);
    if (event.kind === 'restart') group.start(name, ['m0'], group.member(name).address.port);
    if (event.kind === 'loss') group.loss = (event.percent ?? 0) / 100;
    if (event.kind === 'partition') {
      const side = (member: string) => ((event.cut ?? 0) >> Number(member.slice(1))) & 1;
      group.connects = (from, to) => side(from) === side(to);
    }
  }
});
