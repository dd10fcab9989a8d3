/** The page says what a client that has just started says: each case is asked of a `ServiceClient` over the same list and route, too. */

import { hash } from 'node:crypto';
import type { Instance } from '@rollcall/protocol';
import { expect, test } from 'vitest';
import { anInstance } from '../../../../client/src/balancer/simulation.case.ts';
import { ServiceClient } from '../../../../client/src/service-client.ts';
import type { SnapshotSource } from '../../../../client/src/source/snapshot-source.ts';
import { hash as ownHash } from './md5.ts';
import { explainPicks, headersIn, type Caller } from './picks.ts';

const plain: Caller = { zone: '', tag: '', key: '', headers: new Map(), ordinal: 0 };
const instances: readonly Instance[] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id, at) =>
  anInstance(id, { zone: at < 4 ? 'x' : 'y', status: id === 'h' ? 'critical' : 'passing', weight: id === 'b' ? 3 : 1, tags: at % 4 === 0 ? ['canary'] : [] }));

function sourceOf(route: unknown, ordinal: number): SnapshotSource {
  const snapshot = { service: 'orders', revision: 1, instances, stale: false, ageMs: 0 };
  return {
    current: () => snapshot,
    first: () => Promise.resolve(snapshot),
    watch(_service, listener) {
      listener(snapshot);
      return () => {};
    },
    lease(_service, listener) {
      listener(ordinal);
      return () => {};
    },
    route(_service, listener) {
      listener({ route, revision: 1 });
      return () => {};
    },
  };
}

test.each<[what: string, caller: Partial<Caller>, route: unknown]>([
  ['without properties', {}, undefined],
  ['in a zone', { zone: 'x' }, undefined],
  ['that selects a tag', { tag: 'canary' }, undefined],
  ['with a canary by a header', { headers: headersIn('X-Ring: beta') }, { canary: { select: { tags: ['canary'] }, header: 'x-ring' } }],
  ['without the header of the canary', {}, { canary: { select: { tags: ['canary'] }, header: 'x-ring' } }],
  ['with a key on a ring', { key: 'user 42' }, { balancer: 'ringHash' }],
  ['with a key in a header', { headers: headersIn('x-user: 42') }, { balancer: 'maglev', keyHeader: 'X-User' }],
  ['in a subset', { ordinal: 1 }, { subset: { size: 3 } }],
  ['under a route that is not understood', {}, { balancer: 'dice' }],
])('a caller %s', async (_what, more, route) => {
  const caller = { ...plain, ...more };
  const { zone, tag, key, headers, ordinal } = caller;
  const client = new ServiceClient(sourceOf(route, ordinal), 'orders', { routing: { ...(zone === '' ? {} : { zone: { own: zone } }), ...(tag === '' ? {} : { select: { tags: [tag] } }) } });
  const { instances: expected, groups, route: followed } = client.explain({ ...(key === '' ? {} : { key }), headers: Object.fromEntries(headers) });
  const shown = explainPicks('orders', instances, { route, revision: 1 }, caller);
  expect(shown.instances).toEqual(expected);
  expect([shown.groups, shown.route]).toEqual([groups, followed]);
  await client.close();
});

test('digests for rings are those of Node', () => {
  for (const text of ['', 'a-0', '10.0.0.1:8080-39', 'größe'.repeat(40)]) expect(ownHash('md5', text, 'binary')).toBe(hash('md5', text, 'binary'));
});
