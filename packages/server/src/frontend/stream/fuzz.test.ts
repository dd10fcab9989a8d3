import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer, type Server } from '../../server.ts';
import { SocketClient, newSession } from './socket-client.case.ts';

let server: Server;
beforeAll(async () => {
  server = await createServer({ limits: { frameBytesMax: 65_536 } });
});
afterAll(() => server.close());

const word = fc.oneof(
  fc.constantFrom('web', 'a', '', '__proto__', 'constructor', 'a\0b', 'x'.repeat(300), '💥', '\ud800', 'a/b#c', ' '),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const number = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 53, 1e308, 0.5, 65_536), fc.double());
const scrap: fc.Arbitrary<unknown> = fc.oneof(word, number, fc.constantFrom(null, true, [], {}), fc.jsonValue({ maxDepth: 3 }));
const view = fc.record({ kind: fc.oneof(fc.constantFrom('service', 'services', 'key', 'prefix', 'lock'), scrap), name: fc.oneof(word, scrap), revision: number });
const check = fc.record({ name: word, ttlMs: number, http: scrap, tcp: scrap, intervalMs: number, header: scrap }, { requiredKeys: [] });
const instance = fc.record(
  {
    ...{ id: fc.oneof(word, scrap), service: fc.oneof(fc.constantFrom('web', 'db'), word), address: scrap, port: number },
    ...{ tags: fc.oneof(fc.array(word), scrap), meta: fc.oneof(fc.dictionary(word, word), scrap), weight: scrap, ports: scrap, status: scrap, zone: scrap },
    ...{ checks: fc.oneof(fc.array(check, { maxLength: 3 }), scrap), draining: scrap },
  },
  { requiredKeys: ['id', 'service'] },
);
const lockSession = newSession();
const lockId = fc.oneof(fc.constant(lockSession.id), fc.uuid(), scrap);
const grant = fc.oneof(fc.record({ name: word, contender: lockId, token: fc.oneof(fc.constant('65536'), scrap) }), scrap);
const list = (item: fc.Arbitrary<unknown>) => fc.oneof(fc.array(item, { maxLength: 5 }), scrap);
const requests: fc.Arbitrary<object>[] = [
  fc.record({ type: fc.constant('hello'), protocol: number, client: word, node: scrap, session: scrap, graceMs: number }),
  fc.record({ type: fc.constant('register'), instances: list(instance) }),
  fc.record({ type: fc.constantFrom('deregister', 'drain'), instances: list(word) }),
  fc.record({ type: fc.constant('beat'), instance: word, check: word, status: scrap, output: scrap }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constantFrom('watch', 'unwatch'), views: list(view) }),
  fc.record({ type: fc.constant('get'), view: fc.oneof(view, scrap) }),
  fc.record({ type: fc.constant('kv-put'), key: word, value: fc.oneof(fc.base64String(), scrap), flags: scrap, cas: scrap }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constant('kv-delete'), key: word, cas: scrap, recurse: scrap }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constant('lock-session'), session: fc.oneof(fc.constant(lockSession), scrap), ttlMs: fc.oneof(fc.constant(60_000), number), bound: scrap, name: word }, { requiredKeys: ['type', 'session', 'name', 'ttlMs'] }),
  fc.record({ type: fc.constant('lock-renew'), session: lockId, grants: list(grant) }),
  fc.record({ type: fc.constant('lock-acquire'), session: lockId, name: word, contender: lockId, limit: number, shared: scrap, value: scrap, waitMs: fc.oneof(fc.constant(0), fc.constant(1), scrap) }, { requiredKeys: ['type', 'session', 'name', 'contender', 'waitMs'] }),
  fc.record({ type: fc.constantFrom('lock-release', 'lock-transfer'), session: lockId, name: word, contender: lockId, to: lockId }),
  fc.record({ type: fc.constant('lock-end'), session: lockId }),
  fc.record({ type: fc.constant('lock-queue'), name: word }),
  fc.record({ type: fc.constant('txn'), grants: list(grant), operations: list(fc.record({ type: fc.constantFrom('put', 'delete'), key: word, value: fc.oneof(fc.base64String(), scrap), cas: scrap }, { requiredKeys: ['type', 'key'] })) }),
  fc.record({ type: scrap }),
];

/** Sends bytes that are not a request with an id of ours, and waits until the server has handled them. */
async function settled(client: SocketClient): Promise<void> {
  await client.ask({ type: 'get', view: { kind: 'service', name: 'settled' } });
}

describe('for any bytes from a client', () => {
  it('each request with an id gets one answer, which is not an internal error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...requests), { minLength: 1, maxLength: 20 }), async (frames) => {
        const client = await SocketClient.greeted(server.url, { session: newSession() });
        try {
          const answers = await Promise.all(frames.map((frame) => client.ask(frame)));
          for (const [index, answer] of answers.entries()) {
            expect(answer['code'] ?? '', JSON.stringify(frames[index])).not.toMatch(/^(internal|data_loss|unavailable|unknown_outcome)$/);
          }
          await settled(client);
          expect(client.inbox.filter(({ id }) => id !== undefined)).toEqual([]);
        } finally {
          client.webSocket.terminate();
        }
      }),
      { numRuns: 150 },
    );
  });

  it('text that is JSON is answered, other text ends the stream, and the server continues', async () => {
    const damaged = fc.tuple(fc.oneof(...requests), fc.nat(), fc.string({ maxLength: 3 })).map(([frame, at, text]) => {
      const json = JSON.stringify({ id: 1, ...frame });
      const cut = at % (json.length + 1);
      return json.slice(0, cut) + text + json.slice(cut);
    });
    const message = fc.oneof(damaged, fc.json(), fc.string({ unit: 'binary' }), fc.constant('['.repeat(60_000)), fc.constant('{"a":'.repeat(10_000)));
    await fc.assert(
      fc.asyncProperty(message, async (text) => {
        const client = await SocketClient.greeted(server.url);
        try {
          client.send(text);
          const ended = await Promise.race([settled(client), client.ended]);
          if (ended !== undefined) expect([1000, 1007, 1008]).toContain(ended.code);
          else expect(() => JSON.parse(text)).not.toThrow();
        } finally {
          client.webSocket.terminate();
        }
      }),
      { numRuns: 150 },
    );
  });

  it('bytes that are not WebSocket frames end the connection, and the server continues', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const client = await SocketClient.greeted(server.url);
        (client.webSocket as unknown as { _socket: { end(bytes: Uint8Array): void } })._socket.end(bytes);
        await client.ended;
      }),
      { numRuns: 100 },
    );
    const client = await SocketClient.greeted(server.url);
    await settled(client);
    client.webSocket.terminate();
  });

  it('the server keeps no state of the clients after they have disconnected', async () => {
    await expect.poll(() => server.registry.views.watching).toBe(0);
  });
});
