/** Each route that the OpenAPI document describes, and the handshake of the stream, reads the token from the same headers: a wrong one is refused in each. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { memory } from './engine/memory/memory.ts';
import { createServer, type Server } from './server.ts';

const wrong = 'a token that nothing knows';
const headers = {
  'X-Consul-Token': { 'x-consul-token': wrong },
  'Authorization: Bearer': { authorization: `Bearer ${wrong}` },
  'Authorization: Basic': { authorization: `Basic ${Buffer.from(`any:${wrong}`).toString('base64')}` },
};

let server: Server;
beforeAll(async () => {
  server = await createServer({ engine: memory(), nodeName: 'server-1', acl: { initialManagement: 'a management token' }, limits: { failuresPerAddressMax: 10_000 } });
});
afterAll(() => server.close());

test.each(Object.entries(headers))('%s', async (_name, given) => {
  const { paths } = (await (await fetch(`${server.url}/rollcall/v1/openapi.json`)).json()) as { paths: Record<string, Record<string, { security: readonly object[] }>> };
  const asked: string[] = [];
  const passed: string[] = [];
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { security }] of Object.entries(methods)) {
      if (security.length === 0) continue;
      asked.push(path);
      const { status } = await fetch(`${server.url}${path}`, { method: method.toUpperCase(), headers: given, ...(method === 'get' || method === 'head' ? {} : { body: '{}' }) });
      if (status !== 401) passed.push(`${method} ${path}: ${status}`);
    }
  }
  expect(asked.length).toBeGreaterThan(50);
  expect(passed).toEqual([]);
  const stream = new WebSocket(`${server.url.replace('http', 'ws')}/rollcall/v1/stream`, { headers: given });
  const [, { statusCode }] = await new Promise<[unknown, { statusCode: number }]>((refused) => stream.once('unexpected-response', (...answer) => refused(answer as never)));
  expect(statusCode).toBe(401);
});
