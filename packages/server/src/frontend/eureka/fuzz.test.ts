/** Bad input on every route: an answer below 500, and the registry works as before. */

import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Eureka, usual } from './eureka.case.ts';
import { routes } from './routes.ts';

let eureka: Eureka;
beforeAll(async () => {
  eureka = await Eureka.start();
  await eureka.register();
});
afterAll(() => eureka[Symbol.asyncDispose]());

const seed = 20_261_129;
let state = seed;
const next = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const pick = <T>(from: readonly T[]): T => from[next(from.length)] as T;

const names = ['WEB', 'web', 'h1:web:8080', '%00', '%', '%ff', '..', '%2e%2e', '%2F', 'a'.repeat(700), '__proto__', 'constructor', '%F0%9F%98%80', '%0d%0aX:y', '*', '~', 'delta', '[', '&#x0;'];
const queries = ['', '?', '?value=', '?value=UP', '?value=%ff', '?lastDirtyTimestamp=', '?lastDirtyTimestamp=-1', '?lastDirtyTimestamp=1e9', `?lastDirtyTimestamp=${'9'.repeat(400)}`, '?__proto__=1', '?=x', `?k=${'x'.repeat(9_000)}`, '?regions=%00,a', '?status=%zz&&&==='];
const values = [null, 0, -1, 1e308, '', 'x', true, [], {}, [[]], { $: null }, { $: {} }, { '@class': 'a' }, '\u0000', '\ud800', 'x'.repeat(10_000), { __proto__x: [] }];

function body(): string | Buffer {
  const instance: Record<string, unknown> = { ...usual };
  for (let changes = 1 + next(3); changes > 0; changes--) instance[pick(Object.keys(usual))] = pick(values);
  const text = JSON.stringify({ [pick(['instance', 'instance', 'instance', 'x', '__proto__'])]: pick([instance, instance, pick(values)]) });
  switch (next(8)) {
    case 0:
      return text.slice(0, next(text.length));
    case 1:
      return gzipSync(text).subarray(0, next(400));
    case 2:
      return `<instance>${pick(['<port enabled="x">y</port>', '<metadata><a/><a/></metadata>', '&x;', '<a', '<![CDATA[', '<dataCenterInfo/>', '<app><b/></app>'])}</instance>`;
    case 3:
      return Buffer.from(Array.from({ length: 40 }, () => next(256)));
    default:
      return text;
  }
}

test.each(routes.map(({ method, path }) => [method, path] as const))('%s %s', async (method, path) => {
  for (let round = 0; round < 60; round++) {
    const target = `${pick(['/eureka', '/eureka/v2', '/v2'])}${path.replace(/:[a-z]+/g, () => pick(names))}${pick(queries)}`;
    const headers = {
      ...(next(2) === 0 ? { accept: pick(['application/json', 'application/xml', 'json;q=', '*/*', '']) } : {}),
      ...(next(4) === 0 ? { 'content-encoding': pick(['gzip', 'x-gzip', 'br', '']) } : {}),
      ...(next(4) === 0 ? { 'accept-encoding': pick(['gzip', 'gzip;q=0', '*', 'identity;q=0']) } : {}),
      ...(next(4) === 0 ? { 'x-eureka-accept': pick(['compact', 'full', 'x']) } : {}),
      ...(next(4) === 0 ? { authorization: pick(['Basic', 'Basic !!!', 'Basic Og==', 'Bearer x', 'x'.repeat(500)]) } : {}),
      ...(next(4) === 0 ? { 'x-netflix-discovery-replication': 'true' } : {}),
    };
    const sent = method === 'POST' || method === 'PUT' ? body() : undefined;
    const { status, text } = await eureka.ask(method, target, { headers, ...(sent === undefined ? {} : { body: sent }) });
    expect(status, `${method} ${target.slice(0, 200)} ${text.slice(0, 200)} (seed ${seed})`).toBeLessThan(500);
  }
  expect((await eureka.register({ lastDirtyTimestamp: 9_999_999_999_999 + round++ })).status).toBe(204);
  const { application, apps__hashcode } = await eureka.apps();
  expect(application.flatMap(({ instance }) => instance).every(({ instanceId, app }) => instanceId !== '' && app === app.toUpperCase())).toBe(true);
  expect(apps__hashcode).toMatch(/^(?:[A-Z_]+_\d+_)+$/);
});

let round = 0;
