/** Random requests at every route of a real server: none crashes it, none is answered with a 5xx, and what was published stays. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { configApi, shop } from './config.case.ts';
import { routes } from './routes.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 500);

const odd = fc.oneof(fc.constantFrom('', 'shop', 'app', '__proto__', 'constructor', '\0', '../x', '%00', 'x'.repeat(300), '-1', '1e9', '99999999999999999999', 'true'), fc.string({ maxLength: 20 }));
const query = fc.dictionary(fc.constantFrom('app', 'name', 'cluster', 'environment', 'number', 'from', 'to', 'reveal', 'label', 'instance', 'by', 'service'), odd, { maxKeys: 6 });
const text = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('{"__proto__":{"a":1}}', '[', 'a: &a [*a]', '\u0000', '{secret}', '{cipher}rollcall:k:x'));
const value: fc.Arbitrary<unknown> = fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 }), fc.object({ maxDepth: 2 }));
const fields = [
  'content', 'format', 'cas', 'message', 'settings', 'rollout', 'confirmed', 'source', 'to', 'action', 'draft', 'notBeforeMs', 'number', 'release', 'instance', 'error',
  'order', 'policy', 'schema', 'checks', 'tags', 'parents', '__proto__',
];
const plan = fc.record({ stages: fc.array(fc.record({ percent: fc.double({ min: -1, max: 200 }), bakeMs: fc.integer() }), { maxLength: 3 }), alarm: value }, { requiredKeys: ['stages'] });
const body = fc.oneof(
  fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: 6 }).map((given) => JSON.stringify(given)),
  fc.record({ content: text, format: fc.constantFrom('yaml', 'json', 'toml', 'properties', 'flags', 'text', 'odd'), rollout: fc.record({ name: text, plan }) }).map((given) => JSON.stringify(given)),
  fc.constantFrom('', 'null', '[]', '{', '['.repeat(5_000), '{"settings":'.repeat(200)),
);

it('keeps what was published, and causes no 5xx', async () => {
  await using api = await configApi();
  const kept = { app: 'kept', name: 'kept' };
  await api.post('/publish', kept, { content: 'a: 1', format: 'yaml' });
  const paths = routes.flatMap(({ path, methods }) => methods.filter((method) => method !== 'HEAD').map((method) => [method, path.slice('/rollcall/v1/config'.length)] as const));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.oneof(query, query.map((more) => ({ ...shop, ...more }))), body, async ([method, path], given, sent) => {
      const { status } = await api.ask(method, path, given, method === 'GET' ? undefined : sent);
      expect(status).toBeLessThan(500);
    }),
    { numRuns },
  );
  expect((await api.get('', kept)).json).toMatchObject({ release: 1, current: { content: 'a: 1' } });
});
