/**
 * Random questions: an answer is the list that a naive filter over the instances gives, or a 4xx; no question is answered with a 5xx.
 * `ROLLCALL_FUZZ_RUNS` sets how many.
 */

import { request } from 'undici';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Prometheus, type Group } from './prometheus.case.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 300);
const services = ['web', 'Web', 'db', 'a&b=c', 'SHOP@@orders', 'größe'] as const;
const tags = ['blue', 'a,b', 'x y', '%41'] as const;

interface Known {
  readonly id: string;
  readonly service: string;
  readonly tags: readonly string[];
  readonly zone: string;
}

const known: Known[] = services.flatMap((service, at) => tags.map((tag, more) => ({ id: `${service}#${tag}`, service, tags: tags.slice(0, more + 1), zone: `z${at % 2}` })));
let prometheus: Prometheus;

beforeAll(async () => {
  prometheus = await Prometheus.start();
  for (const each of known) await prometheus.register({ ...each, address: '10.0.0.1', port: 80 });
});
afterAll(() => prometheus[Symbol.asyncDispose]());

async function ask(query: string, headers: Record<string, string> = {}): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(`${prometheus.server.url}/prometheus/v1/sd?${query}`, { headers });
  return { status: statusCode, text: await body.text() };
}

const ids = (text: string) => (JSON.parse(text) as Group[]).map(({ labels }) => labels['__meta_rollcall_id'] ?? '').sort();

test('a question is answered as a naive filter would', async () => {
  const question = fc.record({ services: fc.array(fc.constantFrom(...services, 'none'), { maxLength: 3 }), tags: fc.array(fc.constantFrom(...tags, 'none'), { maxLength: 3 }), zone: fc.constantFrom('z0', 'z1', undefined) });
  await fc.assert(
    fc.asyncProperty(question, async ({ services: wanted, tags: needed, zone }) => {
      const query = new URLSearchParams();
      for (const each of wanted) query.append('service', each);
      for (const each of needed) query.append('tag', each);
      if (zone !== undefined) query.append('filter', `zone == "${zone}"`);
      const { status, text } = await ask(query.toString());
      const fits = ({ service, tags: own, zone: at }: Known) => (wanted.length === 0 || wanted.includes(service as 'web')) && needed.every((tag) => own.includes(tag)) && (zone === undefined || zone === at);
      expect([status, ids(text)]).toEqual([200, known.filter(fits).map(({ id }) => id).sort()]);
    }),
    { numRuns },
  );
});

test('no query is answered with a 5xx, and none that is refused looks like a list', async () => {
  const part = fc.oneof(fc.constantFrom('service', 'tag', 'filter', 'namespace', 'x', '', '__proto__'), fc.string({ maxLength: 20 }));
  const value = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom('%', '%ff', '*', '../x', 'a'.repeat(3_000), '('.repeat(200), 'meta.x matches "(a*)*b"', 'not not tags is empty', 'service == '));
  const raw = fc.array(fc.tuple(part, value, fc.boolean()), { maxLength: 5 }).map((pairs) => pairs.map(([key, text, isRaw]) => (isRaw ? `${key}=${text}`.replaceAll(/[^!-~]|#/g, '+') : new URLSearchParams([[key, text]]).toString())).join('&'));
  await fc.assert(
    fc.asyncProperty(raw, fc.constantFrom<Record<string, string>>({}, { authorization: 'Bearer x' }, { authorization: 'nonsense' }, { 'accept-encoding': 'gzip;q=0' }), async (query, headers) => {
      const { status, text } = await ask(query, headers);
      expect(status).toBeLessThan(500);
      const answer: unknown = JSON.parse(text);
      expect(Array.isArray(answer)).toBe(status === 200);
    }),
    { numRuns },
  );
  expect(ids((await ask('')).text).length).toBe(known.length);
});
