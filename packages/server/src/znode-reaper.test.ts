/** Containers and znodes with a TTL are removed in their time, and never for a time in which their clients could not be heard. */

import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { memory } from './engine/memory/memory.ts';
import { soleOwner, type Ownership } from './health/ownership.ts';
import { manualClock, pass } from './manual-clock.case.ts';
import { childNames } from './registry/kind/znode/find.ts';
import { create, namespace, open, remove, set } from './registry/kind/znode/znode.case.ts';
import type { Command } from './registry/kinds.ts';
import { Replica } from './replica.ts';
import { ZnodeReaper } from './znode-reaper.ts';

async function started({ clock = manualClock(), engine = memory(), owns = () => true as boolean } = {}) {
  const replica = new Replica({ engine, clock, onFatal: (error) => expect.fail(error.message) });
  await replica.start();
  const ownership: Ownership = { ...soleOwner('n1'), owns };
  const reaper = new ZnodeReaper({ registry: replica, clock, log: pino({ enabled: false }), ownership });
  const close = async () => {
    reaper.close();
    await replica.close();
  };
  onTestFinished(close);
  const submit = async (...commands: Command[]) => {
    for (const command of commands) await replica.submit(command);
  };
  const left = () => [...childNames(replica.state, namespace, '/')].filter((name) => name !== 'zookeeper').sort();
  return { clock, engine, close, submit, left, minutes: (count: number) => pass(clock, count * 60_000) };
}

const container = (path: string) => create(path, { mode: 'container' });
const ttl = (path: string, ttlMs: number) => create(path, { mode: 'ttl', ttlMs });

it('a container is removed after its last child, one that was never used later, and other znodes stay', async () => {
  const { submit, left, minutes } = await started();
  await submit(open('s1'), container('/used'), create('/used/a'), container('/full'), create('/full/a'), container('/unused'), create('/plain'), create('/plain/a'), remove('/plain/a'), remove('/used/a'));
  await minutes(1.1);
  expect(left()).toEqual(['full', 'plain', 'unused']);
  await minutes(4);
  expect(left()).toEqual(['full', 'plain', 'unused']);
  await minutes(2);
  expect(left()).toEqual(['full', 'plain']);
});

it('a znode with a TTL is removed when it was not set for so long, and has no child', async () => {
  const { submit, left, minutes } = await started();
  await submit(open('s1'), ttl('/short', 30_000), ttl('/kept', 90_000), ttl('/parent', 30_000), create('/parent/a'));
  await minutes(2.1);
  expect(left()).toEqual(['kept', 'parent']);
  await submit(set('/kept', 'again'));
  await minutes(1.5);
  expect(left()).toEqual(['kept', 'parent']);
  await submit(remove('/parent/a'));
  await minutes(3);
  expect(left()).toEqual([]);
});

it('a stall and a restart count for nothing', async () => {
  const first = await started();
  await first.submit(open('s1'), ttl('/t', 120_000));
  await first.minutes(1.1);
  first.clock.stall(600_000);
  await first.minutes(1);
  expect(first.left()).toEqual(['t']);
  await first.close();
  first.clock.stall(600_000);
  const second = await started({ clock: first.clock, engine: first.engine });
  await second.minutes(1.5);
  expect(second.left()).toEqual(['t']);
  await second.minutes(2);
  expect(second.left()).toEqual([]);
});

it('a node leaves those alone that another one owns', async () => {
  const { submit, left, minutes } = await started({ owns: () => false });
  await submit(open('s1'), ttl('/t', 1_000));
  await minutes(4);
  expect(left()).toEqual(['t']);
});
