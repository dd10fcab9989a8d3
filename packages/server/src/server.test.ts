import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { EngineEvent } from './engine/engine.ts';
import { memory } from './engine/memory/memory.ts';
import { find } from './registry/reader.ts';
import { createServer } from './server.ts';
import { version } from './version.ts';

describe('createServer', () => {
  test('is ready in under 100 ms', async () => {
    // The first start pays for loading code; people's test files start many.
    await (await createServer()).close();
    const durations: number[] = [];
    for (let round = 0; round < 5; round++) {
      const started = performance.now();
      const server = await createServer({ engine: memory() });
      durations.push(performance.now() - started);
      await server.close();
    }
    expect(Math.min(...durations)).toBeLessThan(100);
  });

  test('keeps its node id in the store', async () => {
    const engine = memory();
    const kept = { ...engine, close: () => Promise.resolve() };
    const nodeIds: unknown[] = [];
    for (let round = 0; round < 2; round++) {
      const server = await createServer({ engine: kept });
      nodeIds.push(find.record(server.registry.state, 'server', 'identity')?.value);
      await server.close();
    }
    expect(nodeIds[1]).toEqual(nodeIds[0]);
    await engine.close();
  });

  test('refuses an address beyond loopback, and lets go of the engine', async () => {
    let closed = false;
    const engine = memory();
    const watched = { ...engine, close: () => ((closed = true), engine.close()) };
    const starting = createServer({ engine: watched, http: { host: '0.0.0.0' } });
    await expect(starting).rejects.toMatchObject({ code: 'failed_precondition' });
    expect(closed).toBe(true);
  });

  test('names the address when the port is taken', async () => {
    const first = await createServer();
    const starting = createServer({ http: { port: first.httpPort } });
    await expect(starting).rejects.toThrow(`cannot listen on 127.0.0.1:${first.httpPort}`);
    await first.close();
  });

  test('serves DNS beside HTTP, and when DNS cannot be served neither, or HTTP alone if asked', async () => {
    const server = await createServer({ dns: {} });
    expect(server.dnsPort).toBeGreaterThan(0);
    const taken = createServer({ dns: { port: server.dnsPort ?? 0 } });
    await expect(taken).rejects.toMatchObject({ code: 'failed_precondition' });
    const without = await createServer({ dns: { port: server.dnsPort ?? 0, optional: true } });
    expect(without.dnsPort).toBeUndefined();
    await without.close();
    await expect(createServer({ dns: { host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'failed_precondition' });
    await server.close();
  });

  test('answers a path that nobody serves', async () => {
    const server = await createServer();
    const response = await fetch(`${server.url}/nothing`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('/v1/');
    await server.close();
  });

  test('says when it can no longer follow its log', async () => {
    const engine = memory();
    let breakOff: (error: Error) => void = () => {};
    const broken = new Promise<never>((_, reject) => (breakOff = reject));
    const server = await createServer({
      engine: {
        ...engine,
        async *changes(options): AsyncGenerator<EngineEvent> {
          const inner = engine.changes(options)[Symbol.asyncIterator]();
          for (;;) {
            const next = await Promise.race([inner.next(), broken]);
            if (next.done === true) return;
            yield next.value;
          }
        },
      },
    });
    breakOff(new Error('the disk is gone'));
    expect(await server.fatal).toMatchObject({ code: 'internal', message: 'the disk is gone' });
    await server.close();
  });

  test('its version is the package’s', () => {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
    expect(version).toBe((JSON.parse(manifest) as { version: string }).version);
  });
});
