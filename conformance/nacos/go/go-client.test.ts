/** Nacos' client in Go (nacos-sdk-go v2), unmodified, beside a Java client of the same registry. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilSeen } from '../seen.ts';
import { goProblem, startGoClient, startServer, type NacosClient, type NacosServer } from '../start.mjs';

const problem = goProblem();
it('the client is built', () => expect(problem).toBeUndefined());

const timeout = { timeout: 120_000 };

describe.runIf(problem === undefined)('the Go client', () => {
  let server: NacosServer;
  let owner: NacosClient;
  let reader: NacosClient;

  beforeAll(async () => {
    server = await startServer();
    owner = await startGoClient(server.address);
    reader = await startGoClient(server.address);
  });

  afterAll(async () => {
    await owner?.kill();
    await reader?.kill();
    await server?.stop();
  });

  const sees = (lines: string[]) => untilSeen(reader, '/seen', { service: 'web' }, lines);

  it('registers, is pushed to, and is gone when killed', timeout, async () => {
    await reader.ask('/subscribe', { service: 'web' });
    await owner.ask('/register', { service: 'web', port: '80' });
    await sees(['10.0.0.2:80 healthy']);
    await owner.ask('/register', { service: 'web', port: '81' });
    await sees(['10.0.0.2:81 healthy']);
  });

  it('publishes and listens to configurations', timeout, async () => {
    const id = 'app.txt';
    expect(await owner.ask('/publish', { id, content: 'one' })).toBe('true');
    expect(await reader.ask('/get', { id })).toBe('one');
    await reader.ask('/listen', { id });
    await owner.ask('/publish', { id, content: 'two' });
    while ((await reader.lines('/heard', { id })).at(-1) !== 'two') await new Promise((next) => setTimeout(next, 20));
  });

  it('comes back after a restart of the server, with its registration', timeout, async () => {
    await server.restart();
    const later = performance.now() + 35_000;
    while (performance.now() < later) await new Promise((next) => setTimeout(next, 500));
    await owner.ask('/register', { service: 'other', port: '82' });
    await reader.ask('/subscribe', { service: 'other' });
    await untilSeen(reader, '/seen', { service: 'other' }, ['10.0.0.2:82 healthy']);
    await sees(['10.0.0.2:81 healthy']);
  });
});
