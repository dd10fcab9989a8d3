/** Random paths: none is answered with a 5xx, and no answer has a value of another app. `ROLLCALL_FUZZ_RUNS` sets how many. */

import { get } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigServer } from '../../config-server.case.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 300);
let spring: ConfigServer;
beforeAll(async () => {
  spring = await ConfigServer.start();
  await spring.publish('orders/application.yml', 'a: {b: "${c}"}\nc: "${a.b}"\n', { format: 'yaml' });
  await spring.publish('hidden/secret.txt', 'HIDDEN', { format: 'text' });
  await spring.publish('orders/broken.yml', 'a: [', { format: 'yaml', unchecked: true });
});
afterAll(() => spring[Symbol.asyncDispose]());

function raw(path: string, method: string): Promise<{ status: number; text: string }> {
  return new Promise((settle, reject) => {
    const sent = get(spring.server.url, { path, method, headers: { accept: 'application/vnd.spring-cloud.config-server.v2+json' } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => settle({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
  });
}

test('every path has an answer, and none leaves its app', async () => {
  const part = fc.oneof(
    fc.constantFrom('orders', 'hidden', '..', '%2e%2e', '%252e%252e', '(_)', '..(_)hidden', 'hidden%2fsecret.txt', '..%2fhidden%2fsecret.txt', '%', '%ff', 'application', 'a-b-c.yml', 'orders-x.json', '-.yml', '__proto__', '${a}', ';', '.', 'x,y,,z'),
    fc.string({ maxLength: 12 }).map(encodeURIComponent),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 6 }), fc.constantFrom('GET', 'HEAD', 'POST', 'PUT'), fc.constantFrom('', '?resolvePlaceholders=false', '?useDefaultLabel', '?%'), async (parts, method, query) => {
      const { status, text } = await raw(`/spring/${parts.join('/')}${query}`, method);
      expect([parts, status < 500]).toEqual([parts, true]);
      if (parts[0] !== 'hidden') expect(text).not.toContain('HIDDEN');
    }),
    { numRuns },
  );
});
