/** Prepared queries in the state: names are found as by a naive search, and queries are removed with their session. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { memory } from '../../../engine/memory/memory.ts';
import { manualClock } from '../../../manual-clock.case.ts';
import { Replica } from '../../../replica.ts';
import { allQueries } from './find.ts';
import { PreparedQueries } from './lookup.ts';
import type { PreparedQuery } from './rows.ts';

async function start(): Promise<Replica> {
  const onFatal = (error: unknown) => {
    throw error;
  };
  const replica = new Replica({ engine: memory(), clock: manualClock(), onFatal });
  await replica.start();
  return replica;
}

function query(name: string, template = false, session = ''): PreparedQuery {
  return {
    name,
    session,
    template: { type: template ? 'prefix' : '', pattern: '', removeEmptyTags: false },
    service: {
      ...{ name: '${name.full}', failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false },
      ...{ ignoredChecks: [], near: '', tags: [], nodeMeta: {}, meta: {}, connect: false },
    },
    ttl: '',
  };
}

it('a name finds its query, else the template with the longest prefix, after any earlier changes', async () => {
  const name = fc.stringMatching(/^[abA]{0,3}$/);
  const change = fc.record({ name, template: fc.boolean(), removed: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 12 }), fc.array(name, { minLength: 1, maxLength: 6 }), async (changes, asked) => {
      const replica = await start();
      const queries = new PreparedQueries(replica);
      const kept = new Map<string, { name: string; template: boolean }>();
      for (const { name: Name, template, removed } of changes) {
        const key = Name.toLowerCase();
        if (removed) await replica.submit({ kind: 'query-delete', namespace: 'default', id: `id ${key}` });
        else {
          const put = { kind: 'query-put', namespace: 'default', id: `id ${key}`, query: query(Name, template), update: false } as const;
          await replica.submit(put);
        }
        if (removed) kept.delete(key);
        else kept.set(key, { name: Name, template });
        for (const one of asked) {
          const lower = one.toLowerCase();
          const prefixes = [...kept].filter(([prefix, { template: fits }]) => fits && lower.startsWith(prefix));
          const longest = prefixes.sort(([a], [b]) => b.length - a.length)[0]?.[1];
          const wanted = one === '' ? undefined : (kept.get(lower) ?? longest);
          const found = queries.find('default', one)?.query;
          expect([one, found?.name]).toEqual([one, wanted?.name]);
          if (found !== undefined) expect(found.service.name).toBe(wanted?.template === true ? one : '${name.full}');
        }
      }
      await replica.close();
    }),
    { numRuns: 60 },
  );
});

it('ends in the transaction that ends its session, and cannot be bound to one that is gone', async () => {
  const replica = await start();
  await replica.submit({ kind: 'register', namespace: 'default', node: { name: 'n', address: '10.0.0.1' }, nodeMode: 'update' });
  await replica.submit({
    ...{ kind: 'session-create', namespace: 'default', id: 's', name: '', node: 'n', liveness: 'ttl', ttlMs: 0, lockDelayMs: 0 },
    ...{ behavior: 'release', checks: [] },
  });
  await replica.submit({ kind: 'query-put', namespace: 'default', id: 'bound', query: query('', false, 's'), update: false });
  await replica.submit({ kind: 'query-put', namespace: 'default', id: 'free', query: query('free'), update: false });
  const { revision } = replica.state;
  await replica.submit({ kind: 'deregister-node', node: 'n' });
  expect(replica.state.revision).toBe(revision + 1);
  expect([...allQueries(replica.state, 'default')].map(({ id }) => id)).toEqual(['free']);
  const late = replica.submit({ kind: 'query-put', namespace: 'default', id: 'late', query: query('', false, 's'), update: false });
  await expect(late).rejects.toMatchObject({ code: 'failed_precondition', message: 'invalid session "s"' });
  expect(await replica.submit({ kind: 'query-put', namespace: 'default', id: 'bound', query: query('x'), update: true })).toBe(false);
  await replica.close();
});

it('is refused a name that another has, in any case, and a template an empty one', async () => {
  const replica = await start();
  const put = (id: string, kept: PreparedQuery) => replica.submit({ kind: 'query-put', namespace: 'default', id, query: kept, update: false });
  await put('1', query('web'));
  await put('2', query('', true));
  await expect(put('3', query('WEB'))).rejects.toMatchObject({ code: 'already_exists', message: 'another prepared query has the name "WEB"; names must differ in more than case' });
  await expect(put('3', query('', true))).rejects.toMatchObject({ code: 'already_exists', message: 'another template has an empty name; names must differ in more than case' });
  expect(await put('1', query('Web'))).toBe(true);
  await replica.close();
});

it.each([
  ['${x}', 'service.name of the template, "${x}", has at column 3: the unknown variable x'],
  ['${f(1)}', 'service.name of the template, "${f(1)}", has at column 3: the unknown function f'],
  ['${match(1, 2)}', 'service.name of the template, "${match(1, 2)}", has at column 3: match with 2 arguments, it takes 1'],
  ['${match(a)}', 'service.name of the template, "${match(a)}", has at column 3: match(a), its argument must be a number'],
  ['${name.full', 'service.name of the template, "${name.full", has at column 12: the end where } must be'],
  ['${%}', 'service.name of the template, "${%}", has at column 3: "%" where expression must be'],
])('a template with the text %s cannot be used, and the error has the reason', async (name, message) => {
  const replica = await start();
  const queries = new PreparedQueries(replica);
  const broken = query('q', true);
  await replica.submit({ kind: 'query-put', namespace: 'default', id: '1', query: { ...broken, service: { ...broken.service, name } }, update: false });
  expect(() => queries.find('default', 'query')).toThrow(message);
  await replica.close();
});
