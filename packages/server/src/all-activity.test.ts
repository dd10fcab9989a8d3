/** The activity of several nodes as one list. Two real servers with a shared store are in `frontend/activity/frontend.test.ts`. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allActivity } from './all-activity.ts';
import type { OtherNode } from './all-nodes.ts';
import { manualClock } from './manual-clock.case.ts';
import type { ActivityLog, NodesPage } from './net/activity-log.ts';
import { Activity } from './security/activity.ts';

const nodes = ['a', 'b', 'c'] as const;

/** Nodes that ask each other; each event goes to the node that it names. */
function several(events: readonly (typeof nodes)[number][]): ActivityLog {
  let now = 0;
  const activities = new Map(nodes.map((node) => [node, new Activity({ now: () => now })]));
  for (const node of events) {
    now += 1_000;
    activities.get(node)?.record({ kind: 'write', accessorId: '', namespace: '', address: '', via: node, action: String(now) });
  }
  const all = new Map<string, ReturnType<typeof allActivity>>();
  const ask = (name: string): OtherNode => ({
    name,
    async call(method, body) {
      const offered = all.get(name)?.methods[method];
      if (offered?.kind !== 'answer') throw new Error('no such method');
      return offered.run(body, new AbortController().signal);
    },
  });
  for (const [node, activity] of activities) {
    const others = nodes.filter((each) => each !== node);
    all.set(node, allActivity({ clock: manualClock(), primary: undefined, others: () => others.map(ask) }, { activity, nodeId: `id of ${node}`, nodeName: node }));
  }
  return all.get('a') as ActivityLog;
}

test('pages have every line of every node once, the newest first', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...nodes), { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), async (events, limit) => {
      const all = several(events);
      const seen: string[] = [];
      let page: Pick<NodesPage, 'cursor'> & Partial<NodesPage> = {};
      do {
        const next: NodesPage = await all.find({ filter: { kinds: [] }, limit, ...(page.cursor === undefined ? {} : { before: page.cursor }) });
        seen.push(...next.lines.map(({ node, action }) => `${node} ${action}`));
        page = next;
      } while (page.cursor !== undefined);
      expect(seen).toEqual(events.map((node, n) => `${node} ${(n + 1) * 1_000}`).toReversed());
    }),
  );
});

test('a node that does not answer in time is named', async () => {
  const clock = manualClock();
  const never: OtherNode = { name: 'late', call: () => new Promise(() => {}) };
  const old: OtherNode = { name: 'old', call: () => Promise.reject(new Error('unknown method')) };
  const all = allActivity({ clock, primary: undefined, others: () => [never, old] }, { activity: new Activity({ now: () => 0 }), nodeId: 'own', nodeName: 'own' });
  const found = all.find({ filter: { kinds: [] }, limit: 10 });
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(2_000);
  expect(await found).toMatchObject({ lines: [], missing: ['late', 'old'], nodes: [{ node: 'own', isLasting: false }] });
});

test.each(['x', 'W10', Buffer.from('{"a":5}').toString('base64url'), Buffer.from('[]').toString('base64url')])('the cursor %j is refused', async (before) => {
  await expect(several([]).find({ filter: { kinds: [] }, limit: 10, before })).rejects.toMatchObject({ code: 'invalid_argument' });
});
