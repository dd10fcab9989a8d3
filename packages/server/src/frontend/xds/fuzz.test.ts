/** Random messages: a stream that gets one ends with an error or goes on, and no other stream notices. `ROLLCALL_FUZZ_RUNS` sets how many. */

import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { createServer, type Server } from '../../server.ts';
import { portsOf, register, XdsClient } from './client.case.ts';
import { encode, typeUrls } from './wire/any.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 100);
let server: Server;

beforeAll(async () => {
  server = await createServer({ grpc: {}, frontends: ['stream', 'xds'] });
  await register(server, 'orders', 'a', { port: 1 });
  return () => server.close();
});

const name = fc.oneof(fc.constantFrom('orders', '*', '', 'orders.team-a.ns', '__proto__', 'x~canary', '.ns', 'a..ns'), fc.string({ unit: 'binary', maxLength: 30 }));
const request = fc.record(
  {
    node: fc.record({ id: fc.string(), metadata: fc.record({ fields: fc.dictionary(fc.constantFrom('namespace', 'token', 'prefer', '__proto__'), fc.record({ string_value: fc.string() })) }, { requiredKeys: [] }) }, { requiredKeys: [] }),
    type_url: fc.oneof(fc.constantFrom(...Object.values(typeUrls), ''), fc.string()),
    resource_names: fc.array(name, { maxLength: 5 }),
    resource_names_subscribe: fc.array(name, { maxLength: 5 }),
    resource_names_unsubscribe: fc.array(name, { maxLength: 5 }),
    initial_resource_versions: fc.dictionary(name, fc.string()),
    response_nonce: fc.string({ maxLength: 3 }),
    version_info: fc.string(),
    error_detail: fc.record({ message: fc.string() }),
  },
  { requiredKeys: [] },
);

/** Ends of a stream that a client may cause. */
const allowed: readonly number[] = [status.OK, status.INVALID_ARGUMENT, status.RESOURCE_EXHAUSTED, status.UNAUTHENTICATED, status.CANCELLED];

test.each(['sotw', 'delta'] as const)('%s: no message of a client is answered with an error of the server', async (variant) => {
  const steady = new XdsClient(server, { variant });
  if (variant === 'sotw') steady.ask('endpoints', ['orders']);
  else steady.change('endpoints', ['orders']);
  expect(portsOf(await steady.take(), 'orders')).toHaveLength(1);
  const message = fc.oneof({ arbitrary: request.map((each) => encode(variant === 'sotw' ? 'DiscoveryRequest' : 'DeltaDiscoveryRequest', each)), weight: 3 }, { arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)), weight: 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 6 }), async (messages) => {
      const client = new XdsClient(server, { variant });
      for (const bytes of messages) client.sendBytes(bytes);
      // The server reads them in order; the last one ends the stream in any case.
      client.sendBytes(Buffer.from([0xff]));
      const { code } = await client.ended;
      client.close();
      expect(allowed).toContain(code);
    }),
    { numRuns },
  );
  const port = variant === 'sotw' ? 2 : 3;
  await register(server, 'orders', 'a', { port });
  let last = await steady.take();
  while (portsOf(last, 'orders')?.[0] !== port) last = await steady.take();
});
