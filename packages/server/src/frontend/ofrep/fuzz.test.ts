/** Random requests: no request is answered with a 5xx, and every refusal has a code of OpenFeature. `ROLLCALL_FUZZ_RUNS` sets how many. */

import { request } from 'undici';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigServer } from '../../config-server.case.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 300);
let ofrep: ConfigServer;
beforeAll(async () => {
  ofrep = await ConfigServer.start();
  await ofrep.publish('a/b', JSON.stringify({ flags: { f: { state: 'ENABLED', variants: { x: 1 }, defaultVariant: 'x', targeting: { if: [{ in: [{ var: 'plan' }, ['gold']] }, 'x', { fractional: [['x', 1]] }] } } } }), { format: 'flags' });
});
afterAll(() => ofrep[Symbol.asyncDispose]());

test('every request has an answer of the protocol', async () => {
  const part = fc.oneof(fc.constantFrom('a', 'b', 'f', '..', '%2e%2e', '%', '%ff', '__proto__', 'constructor', ''), fc.string({ maxLength: 20 }).map(encodeURIComponent));
  const body = fc.oneof(fc.json(), fc.string(), fc.record({ context: fc.oneof(fc.jsonValue(), fc.object()) }).map((each) => JSON.stringify(each)));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('POST', 'GET', 'PUT'), fc.array(part, { minLength: 1, maxLength: 3 }), fc.boolean(), body, async (method, parts, isBulk, sent) => {
      const [app = 'a', name = 'b', key = 'f'] = parts;
      const path = `/ofrep/${app}/${name}/ofrep/v1/evaluate/flags${isBulk ? '' : `/${key}`}`;
      const { statusCode, body: answer } = await request(new URL(path, ofrep.server.url), { method: method as 'POST', ...(method === 'GET' ? {} : { body: sent }), headers: { 'if-none-match': '*' } });
      const text = await answer.text();
      expect(statusCode).toBeLessThan(500);
      // Dots are resolved before the path is sent, so that another front end may have it.
      if (statusCode >= 400 && new URL(path, ofrep.server.url).pathname.startsWith('/ofrep/')) expect(JSON.parse(text)).toMatchObject({ errorCode: expect.stringMatching(/^[A-Z_]+$/) as string });
    }),
    { numRuns },
  );
});
