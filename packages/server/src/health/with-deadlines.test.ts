/** The rows that a start of liveness looks at, against all rows. */

import { expect, it } from 'vitest';
import { keyOf } from '../registry/kinds.ts';
import { livenessOfTest } from './liveness.case.ts';
import { withDeadlines } from './with-deadlines.ts';

it('are the checks and sessions of every namespace, each once, with their keys', async () => {
  const { replica } = await livenessOfTest();
  await replica.submit({ kind: 'namespace-put', name: 'team' });
  for (const namespace of ['default', 'team']) {
    for (const id of ['one', 'two']) {
      const check = { id, name: id, instance: id, status: 'passing', type: 'ttl', definition: { ttlMs: 10_000 } } as const;
      await replica.submit({ kind: 'register', namespace, node: { name: `node-${id}`, address: '10.0.0.1' }, nodeMode: 'ensure', instances: [{ id, service: 'web' }], checks: [check] });
      await replica.submit({ kind: 'session-create', namespace, id, name: '', node: `node-${id}`, liveness: 'ttl', ttlMs: 10_000, lockDelayMs: 0, behavior: 'release', checks: [] });
    }
  }
  const all = Array.from(replica.state.rows()).filter(([, { kind }]) => kind === 'check' || kind === 'session');
  const found = [...withDeadlines(replica.state)];
  expect(found).toHaveLength(8);
  expect(new Map(found)).toEqual(new Map(all));
  expect(found.map(([key]) => key)).toEqual(found.map(([, row]) => keyOf(row)));
});
