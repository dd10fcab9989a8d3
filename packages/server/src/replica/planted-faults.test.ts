/**
 * The cases of a shared engine can fail: each fault here is planted between the replicas and the engine, and exactly the cases
 * that are about it fail.
 */

import { describe, expect, test } from 'vitest';
import { memory } from '../engine/memory/memory.ts';
import { runShared } from '../engine/shared.case.ts';
import type { Transaction } from '../engine/engine.ts';
import { sharedCases } from './shared-cases.case.ts';
import type { Fault } from './test-node.case.ts';

const withoutExpecting = (of: (key: string, transaction: Transaction) => boolean): Fault => ({
  commit: (transaction) => ({ ...transaction, expect: transaction.expect.filter(({ key }) => !of(key, transaction)) }),
});

const withoutPutting = (prefix: string): Fault => ({
  commit: (transaction) => ({ ...transaction, put: transaction.put.filter(({ key }) => !key.startsWith(prefix)) }),
});

const writes = ({ put, delete: gone }: Transaction, key: string) => gone.includes(key) || put.some((each) => each.key === key);

const unverified = [
  'a write that seems to change nothing is acknowledged only if that is so',
  'a cas with the right revision succeeds, and with an old one fails',
  'a registration that seems to change nothing brings back what is gone',
  'a refusal is about the present state',
  'a transaction that only reads shows what was committed before it',
  'an instance that is deregistered takes the znode along that came meanwhile',
];

const scannedByIndex = [
  'a session that ends leaves no lock that was taken meanwhile',
  'a session that ends takes the instances along that it came to vouch for meanwhile',
  'a session that ends leaves no znode that came meanwhile',
  'a check that fails ends the session that was bound to it meanwhile',
  'a check that goes ends the session that was bound to it meanwhile',
  'a node that goes leaves nothing that was registered on it meanwhile',
  'a node that goes takes the coordinate along that came meanwhile',
  'an instance that goes leaves no check that was registered for it meanwhile',
  'a registration that replaces the checks of an instance replaces those that came meanwhile',
  'a node id belongs to one node',
  'a name belongs to one prepared query',
  'a check of a node that goes is seen by those who watch a service that came to the node meanwhile',
  'tags that change are seen by those who watch checks, when a check came meanwhile',
];

const scannedByPrefix = [
  'a transaction that reads a tree and writes has read all of it',
  'a recursive delete leaves no key that was there when it was asked for',
];

const counted = [
  'a tag that comes back wakes those who watch the catalog',
  'a tag whose last two instances go at the same time wakes those who watch the catalog',
  'a service whose last two instances go at the same time leaves the catalog',
];

const emptyViews = ['forgetting an empty view spares one that shows something again'];

const readByKey = [
  'only one of two creations of a key with cas 0 succeeds',
  'a lock is taken once',
  'a session that has ended takes no lock',
  'a named lock has one holder',
  'a release gives a named lock to a contender that came meanwhile',
  'a contender gets a named lock that was released meanwhile',
  'a session that ends gives its named lock to a contender that came meanwhile',
  'a named lock is not given to a session that ended meanwhile',
  'a znode is created once',
  'sequential znodes of two nodes have different names',
  'a znode is not deleted while a child comes',
  'a child is not created under a znode that is deleted meanwhile',
  'a znode is set at the version that it has',
  'a znode is not created for a session that has ended meanwhile',
  'an instance that is registered on a node that went meanwhile brings the node back',
  'nothing is written in a namespace that is gone',
  ...emptyViews,
  'forgetting a key that is gone spares one that was removed again',
];

const listedAgain = ['a node that has to list the store again forgets what is gone, and tells only what changed'];

const faults: readonly { readonly name: string; readonly fault: Fault; readonly caught: readonly string[] }[] = [
  {
    name: 'a replica takes itself for the only writer, and its guard is left out',
    fault: { exclusive: true, commit: (transaction) => ({ ...transaction, guards: [] }) },
    caught: [
      ...[...unverified, ...scannedByIndex, ...scannedByPrefix, ...counted, ...readByKey],
      'a recursive delete that takes several steps leaves no key that was there when it was asked for',
    ],
  },
  { name: 'a replica takes itself for the only writer', fault: { exclusive: true }, caught: unverified },
  { name: 'heads are not expected', fault: withoutExpecting((key) => key.startsWith('head\0')), caught: scannedByIndex },
  { name: 'heads are not put', fault: withoutPutting('head\0'), caught: scannedByIndex },
  { name: 'guards of ranges are left out', fault: { commit: (transaction) => ({ ...transaction, guards: [] }) }, caught: scannedByPrefix },
  { name: 'the barrier says what the node has been shown', fault: { staleBarrier: true }, caught: [...unverified, 'nothing is written in a namespace that is gone'] },
  {
    name: 'rows that were read are not expected',
    fault: withoutExpecting((key) => !key.startsWith('head\0')),
    caught: [...readByKey, ...counted],
  },
  {
    name: 'the catalog has no witness',
    fault: withoutExpecting((key, transaction) => key.startsWith('instance\0') && !writes(transaction, key)),
    caught: counted,
  },
  {
    name: 'views have no markers',
    fault: withoutPutting('view\0'),
    caught: [
      'a session that ends gives its named lock to a contender that came meanwhile',
      'a named lock is not given to a session that ended meanwhile',
      'a session that ends leaves no lock that was taken meanwhile',
      'a session that ends takes the instances along that it came to vouch for meanwhile',
      'an instance that goes leaves no check that was registered for it meanwhile',
      ...counted,
      ...emptyViews,
      'a check of a node that goes is seen by those who watch a service that came to the node meanwhile',
      'tags that change are seen by those who watch checks, when a check came meanwhile',
      ...listedAgain,
    ],
  },
  { name: 'markers are not expected', fault: withoutExpecting((key) => key.startsWith('view\0')), caught: emptyViews },
  {
    name: 'a list of all records is added to the state',
    fault: { event: (event) => (event.kind === 'records' ? { ...event, reset: false } : event) },
    caught: listedAgain,
  },
];

describe.each(faults)('when $name', ({ fault, caught }) => {
  test('the cases about it fail, and no other', async () => {
    const failed: string[] = [];
    for (const each of sharedCases) {
      const outcome = await Promise.race([
        runShared({ engine: memory() }, each, fault).then(
          () => 'passed',
          () => 'failed',
        ),
        turns(20_000),
      ]);
      if (outcome !== 'passed') failed.push(each.name);
    }
    expect(failed.toSorted()).toEqual(caught.toSorted());
  });
});

/** A case that hangs has failed, too. */
async function turns(count: number): Promise<string> {
  for (let turn = 0; turn < count; turn++) await new Promise((next) => setImmediate(next));
  return 'hung';
}
