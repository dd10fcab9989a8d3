/**
 * Random requests at every admin route of a real server: none may crash it, none may be answered with
 * a 5xx, and all earlier registrations still exist afterwards. `ROLLCALL_FUZZ_RUNS` sets how many.
 */

import { request } from 'node:http';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createServer } from '../../server.ts';
import { findKv } from '../../registry/kind/kv/find.ts';
import { routes } from './routes.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 1_000);

const path = fc.oneof(
  fc.constantFrom(...routes.map((route) => route.path)),
  fc.tuple(fc.constantFrom(...routes.map((route) => route.path)), fc.constantFrom('/', '?x=1', '/..', '%00', '//', '%ff')).map(([route, rest]) => route + rest),
);
const body = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom('{"__proto__":{"a":1}}', '['.repeat(5_000), '\ud800', 'null').map((text) => Buffer.from(text)),
  // The first bytes of gzip, so that the body is not refused at once.
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, ...bytes])),
);
const headers = fc.constantFrom<Record<string, string>>(
  {},
  { origin: 'http://evil.example' },
  { host: 'rebound.example' },
  { 'content-type': 'application/json' },
  { 'accept-encoding': 'gzip' },
);

it('no request to an admin route crashes the server, gets a 5xx, or loses data', async () => {
  const server = await createServer();
  const kept = { kind: 'kv-put', namespace: 'default', key: 'kept', value: Buffer.from('1'), flags: 0n } as const;
  await server.registry.submit(kept);
  const send = (method: string, target: string, extra: Record<string, string>, bytes: Buffer) =>
    new Promise<number>((resolve, reject) => {
      const length = { 'content-length': bytes.length };
      const options = { port: server.ports.http, method, path: target, headers: { ...extra, ...length }, agent: false };
      const sent = request(options, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      sent.on('error', reject);
      sent.end(bytes);
    });
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS'),
        path,
        headers,
        body,
        async (method, target, extra, bytes) => {
          expect(await send(method, target, extra, bytes)).toBeLessThan(500);
        },
      ),
      { numRuns },
    );
    expect(await send('GET', '/healthz', {}, Buffer.alloc(0))).toBe(200);
    expect(findKv(server.registry.state, 'default', 'kept')).toBeDefined();
  } finally {
    await server.close();
  }
});
