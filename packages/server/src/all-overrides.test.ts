/** An operator's word reaches the freezes of all nodes, by whichever node it comes; a node that does not answer is named. */

import { expect, test } from 'vitest';
import { RegistryError } from '@rollcall/protocol';
import type { OtherNode } from './all-nodes.ts';
import { allOverrides } from './all-overrides.ts';
import type { Method, Methods } from './cluster/channel/peer.ts';
import { manualClock } from './manual-clock.case.ts';

/** The way to a node, by its methods. */
const reached = (name: string, methods: () => Methods): OtherNode => ({
  name,
  call: (method, body) => (methods()[method] as Extract<Method, { readonly kind: 'answer' }>).run(body, new AbortController().signal),
});

test('the lapsed leases of all nodes expire, and are counted together', async () => {
  const clock = manualClock();
  const ended: string[] = [];
  const ends = (name: string, count: number) => () => {
    ended.push(name);
    return count;
  };
  const gone: OtherNode = { name: 'gone', call: () => Promise.reject(new RegistryError('unavailable', 'gone')) };
  const all: Record<string, ReturnType<typeof allOverrides>> = {};
  const a = allOverrides({ clock, primary: undefined, others: () => [reached('b', () => all['b']?.methods ?? {}), gone] }, ends('a', 3));
  all['b'] = allOverrides({ clock, primary: undefined, others: () => [] }, ends('b', 4));
  // It follows a, which asks it in turn only for itself.
  const follower = allOverrides({ clock, primary: reached('a', () => a.methods), others: () => [] }, ends('follower', 5));
  expect(await a.override()).toEqual({ expired: 7, missing: ['gone'] });
  expect(await follower.override()).toEqual({ expired: 7, missing: ['gone'] });
  expect(ended).toEqual(['a', 'b', 'a', 'b']);
});
