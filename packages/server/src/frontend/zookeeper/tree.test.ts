/** Counting a large tree is done in small steps, also where nodes have no children. */

import { expect, test } from 'vitest';
import { answers, create, withSessions } from '../../registry/kind/znode/znode.case.ts';
import type { Registry } from '../../registry/registry.ts';
import { Tree } from './tree.ts';
import type { VirtualTree } from './virtual/virtual-tree.ts';

test('a step looks for the children of one node at most', () => {
  const journal = withSessions('s1');
  answers(journal, [create('/app'), ...Array.from({ length: 300 }, (_, at) => create(`/app/${at}`)), create('/app/7/x')]);
  let looks = 0;
  const virtual = {
    childNames: () => {
      looks++;
      return [];
    },
  };
  const tree = new Tree({ state: journal.state } as Registry, { namespace: 'default' }, virtual as unknown as VirtualTree);
  const steps = tree.countBelow('/app');
  let most = 0;
  for (let before = 0; ; before = looks) {
    const { done, value } = steps.next();
    most = Math.max(most, looks - before);
    if (done !== true) continue;
    expect(value).toBe(301);
    break;
  }
  expect(looks).toBe(302);
  expect(most).toBe(1);
});
