/**
 * Random requests over every route against a real server: it must answer each, with no 5xx that Consul
 * would not give, lose nothing and go on answering. `ROLLCALL_FUZZ_RUNS` sets how many; a failure
 * prints the seed.
 */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { Consul, lasting } from './consul.case.ts';
import * as agent from './agent/schema.ts';
import * as catalog from './catalog/schema.ts';
import { preparedQuery } from './query/schema.ts';
import { sessionRequest } from './session/schema.ts';
import { txnOperation } from './txn/schema.ts';
import { routeTable } from './routes.ts';
import type { AnySchema, Field } from './wire/decode.ts';

import fc from 'fast-check';

const runs = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 10_000);

/** What Consul, too, says with a 500. */
const expected500 = new RegExp(
  [
    '^invalid session "',
    "^Invalid Session TTL '",
    '^No path to datacenter$',
    '^CheckID ".*" does not have associated TTL$',
    '^node .* is not registered$',
    '^check .* is not registered on node',
    '^check .* is in critical state$',
    '^node name .* is reserved by node',
    '^agent: No node found with name ',
  ].join('|'),
  's',
);

let consul: Consul;
beforeAll(async () => {
  consul = await Consul.start();
});
afterAll(() => consul[Symbol.asyncDispose]());

const name = fc.constantFrom('web', 'a', 'server-1', 'serfHealth', 'service:web', 'consul', 'n1', '');
const odd = fc.oneof(
  name,
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', '..', '../../x', 'a//b', '\u0000', 'a\nb', '\ud800', 'x'.repeat(2_000)),
);

const escaped = odd.map((text) => encodeURIComponent(Buffer.from(text).toString()));
const rest = fc.oneof(
  { weight: 4, arbitrary: fc.array(escaped, { maxLength: 3 }).map((parts) => parts.join('/')) },
  { weight: 1, arbitrary: fc.constantFrom('%', '%zz', '%ff', '%00', '%e2%82', '%2f', '//', '/./..//', '%2e%2e%2f') },
);

const paths = fc
  .constantFrom(...routeTable(lasting).map(({ path }) => path), '/v1/', '/v1', '/v1/nope/:x', '/v1/agent/:x')
  .chain((path) => {
    if (!path.includes(':')) return fc.constant(path);
    return rest.map((tail) => path.replace(/:.*/, '') + tail);
  });

const paramNames = [
  ...['index', 'wait', 'stale', 'consistent', 'leader', 'cached', 'max_stale', 'dc', 'datacenter', 'ns'],
  ...['partition', 'peer', 'tag', 'node-meta', 'near', 'filter', 'passing', 'pretty', 'token', 'keys', 'wan'],
  ...['separator', 'seperator', 'raw', 'recurse', 'cas', 'flags', 'acquire', 'release', 'note', 'segment'],
  ...['replace-existing-checks', 'enable', 'reason', 'hash', 'format', 'by', 'name', 'source', '__proto__', 'zzz'],
];
const number = fc.constantFrom('0', '1', '-1', '1.5', '18446744073709551615', '18446744073709551616', 'x', '');
const value = fc.oneof(escaped, number, fc.constantFrom('dc1', 'true', 'false', '1s', '-1s', '%zz', '%ff', 'k%3Av'));
const param = fc
  .tuple(fc.constantFrom(...paramNames), fc.option(value, { nil: undefined }))
  .map(([key, given]) => (given === undefined ? key : `${key}=${given}`));
/** A query that waits gets a short wait first, so that nothing here takes minutes. */
const queries = fc
  .array(param, { maxLength: 4 })
  .map((params) => {
    const waits = params.some((text) => text.startsWith('index'));
    return (waits ? ['wait=1ms', ...params] : params).join('&');
  });

/** A value for a field, mostly of its type. */
function fieldValue(field: Field): fc.Arbitrary<unknown> {
  const wrong = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(null));
  return fc.oneof({ weight: 6, arbitrary: rightValue(field) }, { weight: 1, arbitrary: wrong });
}

function rightValue(field: Field): fc.Arbitrary<unknown> {
  if (typeof field === 'object') {
    if ('object' in field) return fc.oneof(bodyOf(field.object));
    if ('list' in field) return fc.array(bodyOf(field.list), { maxLength: 3 });
    return fc.dictionary(odd, bodyOf(field.map), { maxKeys: 2 });
  }
  switch (field) {
    case 'string':
      return fc.oneof(odd, fc.constantFrom('passing', 'critical', '1.2.3.4', '::', 'release', 'delete', '15s', '1s'));
    case 'int':
      return fc.oneof(fc.integer({ min: -2, max: 70_000 }), fc.double());
    case 'uint64':
      return fc.constantFrom(0, 1, 7, -1, 2 ** 53);
    case 'bool':
      return fc.boolean();
    case 'duration':
      return fc.oneof(fc.constantFrom('10s', '1m30s', '0.001s', '-1s', '10', 'x', 1e18, -5), fc.integer());
    case 'strings':
      return fc.array(odd, { maxLength: 3 });
    case 'string map':
      return fc.dictionary(odd, odd, { maxKeys: 3 });
    case 'headers':
      return fc.dictionary(odd, fc.array(odd, { maxLength: 2 }), { maxKeys: 2 });
    case 'json':
      return fc.jsonValue({ maxDepth: 3 });
  }
}

function bodyOf(schema: AnySchema): fc.Arbitrary<unknown> {
  const keys = [...schema.byKey].map(([key, field]) => [key, schema.fields[field] as Field] as const);
  const entry = fc.constantFrom(...keys).chain(([key, field]) =>
    fc
      .tuple(fc.constantFrom(key, key.toUpperCase()), fieldValue(field))
      .map(([spelled, given]): [string, unknown] => [spelled, given]),
  );
  const extra = fc.tuple(odd, fc.jsonValue({ maxDepth: 1 }));
  return fc
    .array(fc.oneof({ weight: 20, arbitrary: entry }, { weight: 1, arbitrary: extra }), { maxLength: 7 })
    .map((entries) => Object.fromEntries(entries));
}

const schemas: readonly AnySchema[] = [
  agent.agentService,
  agent.agentCheck,
  agent.checkUpdate,
  catalog.catalogRegistration,
  catalog.catalogDeregistration,
  sessionRequest,
  catalog.coordinateUpdate,
  preparedQuery,
];
const verbs = [
  ...['set', 'delete', 'delete-cas', 'delete-tree', 'cas', 'lock', 'unlock', 'get', 'get-or-empty', 'get-tree'],
  ...['check-session', 'check-index', 'check-not-exists'],
];
const transaction = fc.array(bodyOf(txnOperation), { maxLength: 4 }).chain((operations) =>
  // Hardly any would have a verb that exists.
  fc.array(fc.constantFrom(...verbs), { minLength: 16, maxLength: 16 }).map((chosen) =>
    operations.map((operation) =>
      Object.fromEntries(
        Object.entries(operation as object).map(([kind, body], at): [string, unknown] => [
          kind,
          typeof body === 'object' && body !== null ? { Verb: chosen[at % 16], ...body } : body,
        ]),
      ),
    ),
  ),
);
const shaped = fc
  .oneof(
    { weight: schemas.length, arbitrary: fc.constantFrom(...schemas).chain(bodyOf) },
    { weight: 1, arbitrary: transaction },
  )
  .map((body) => Buffer.from(JSON.stringify(body)));
const bodies = fc.oneof(
  { weight: 8, arbitrary: shaped },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('[', '{"a":'.repeat(5_000), '"\\ud800"', '{} x', '\u0000')
      .map((text) => Buffer.from(text)),
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

const methods = fc.oneof(
  { weight: 5, arbitrary: fc.constant('PUT') },
  { weight: 5, arbitrary: fc.constant('GET') },
  { weight: 1, arbitrary: fc.constantFrom('DELETE', 'POST', 'PATCH', 'OPTIONS', 'HEAD') },
);

test('every request gets a complete answer', { timeout: Math.max(60_000, runs * 30) }, async () => {
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(methods, paths, queries, bodies, async (method, path, query, body) => {
      const target = query === '' ? path : `${path}?${query}`;
      const answer = await consul.ask(method, target, body === undefined || method === 'GET' ? {} : { body });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      expect(answer.status).toBeGreaterThanOrEqual(200);
      // The log of this server cannot be listened to.
      if (path === '/v1/agent/monitor' && answer.status === 501) return;
      // For load balancers: an instance that is critical or in maintenance is a 503, as in Consul.
      if (path.startsWith('/v1/agent/health/') && answer.status === 503) return;
      if (answer.status >= 500) {
        expect([answer.status, answer.text]).toEqual([500, expect.stringMatching(expected500)]);
      }
      if (answer.headers['content-type'] === 'application/json' && method !== 'HEAD') answer.json();
    }),
    { numRuns: runs },
  );
  // Unless some of it succeeds, it has tested only the refusals.
  expect(statuses.get(200)).toBeGreaterThan(runs / 10);
  expect(statuses.get(400)).toBeGreaterThan(runs / 10);
});

test('afterwards the server answers and has lost no data', async () => {
  expect((await consul.get('/v1/status/leader')).json()).toBe('127.0.0.1:8300');
  expect((await consul.get('/v1/health/service/consul')).status).toBe(200);
  await consul.put('/v1/kv/after', 'x');
  expect((await consul.get('/v1/kv/after?raw')).text).toBe('x');
});
