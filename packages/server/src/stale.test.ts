/** A server whose store is lost: it goes on answering, and says that it is stale. */

import { expect, test } from 'vitest';
import { request } from 'undici';
import { RegistryError } from '@rollcall/protocol';
import type { EngineEvent } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { createServer } from './server.ts';

test('a server that no longer follows its store answers, is not ready, and recovers', async () => {
  const inner = memory();
  let lose: (error: RegistryError) => void = () => {};
  let reachable = true;
  await using server = await createServer({
    http: { port: 0 },
    engine: {
      ...inner,
      exclusive: false,
      async *changes(options): AsyncGenerator<EngineEvent> {
        if (!reachable) throw new RegistryError('unavailable', 'the store cannot be reached');
        const lost = new Promise<RegistryError>((resolve) => (lose = resolve));
        const events = inner.changes(options)[Symbol.asyncIterator]();
        for (;;) {
          const next = await Promise.race([events.next(), lost]);
          if (next instanceof RegistryError) throw next;
          if (next.done === true) return;
          yield next.value;
        }
      },
    },
  });
  const get = async (path: string) => {
    const { statusCode, body } = await request(`${server.url}${path}`);
    return { status: statusCode, text: await body.text() };
  };
  const until = async (status: number) => {
    while ((await get('/readyz')).status !== status);
  };
  expect((await request(`${server.url}/v1/kv/k`, { method: 'PUT', body: 'v' })).statusCode).toBe(200);
  await until(200);
  reachable = false;
  lose(new RegistryError('unavailable', 'the connection was reset'));
  await until(503);
  expect((await get('/readyz')).text).toContain('the connection was reset');
  expect(await get('/v1/kv/k?raw')).toEqual({ status: 200, text: 'v' });
  expect((await get('/metrics')).text).toMatch(/^rollcall_stale 1$/m);
  reachable = true;
  await until(200);
  expect((await get('/metrics')).text).toMatch(/^rollcall_stale 0$/m);
  expect((await get('/metrics')).text).toMatch(/^rollcall_feed_losses_total 1$/m);
});
