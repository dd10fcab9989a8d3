/**
 * Nacos' own Java client 3.2.1, unmodified: it registers, subscribes, outlives restarts of the server, watches services by pattern, and
 * publishes and listens to configurations.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilSeen } from '../seen.ts';
import { javaProblem, startJavaClient, startServer, type NacosClient, type NacosServer } from '../start.mjs';

const problem = javaProblem();
it('the client is built', () => expect(problem).toBeUndefined());

const timeout = { timeout: 240_000 };

describe.runIf(problem === undefined)('the Java client', () => {
  let server: NacosServer;
  let owner: NacosClient;
  let reader: NacosClient;

  beforeAll(async () => {
    server = await startServer();
    owner = await startJavaClient(server.address);
    reader = await startJavaClient(server.address);
  }, 300_000);

  afterAll(async () => {
    await owner?.kill();
    await reader?.kill();
    await server?.stop();
  });

  const sees = (service: string, lines: string[]) => untilSeen(reader, '/seen', { service }, lines);

  it('finds instances that another client registers, by a push', timeout, async () => {
    await reader.ask('/subscribe', { service: 'web' });
    await owner.ask('/register', { service: 'web', port: '80', zone: 'z1' });
    await sees('web', ['10.0.0.1:80 healthy']);
    await owner.ask('/deregister', { service: 'web', port: '80' });
    await sees('web', []);
    expect(await owner.ask('/register', { service: 'web', port: '81' })).toBe('ok');
    await sees('web', ['10.0.0.1:81 healthy']);
  });

  it('registers a batch, and an instance that outlives it', timeout, async () => {
    await owner.ask('/batch', { service: 'batch', ports: '1,2,3' });
    expect(await reader.lines('/all', { service: 'batch' })).toEqual([1, 2, 3].map((port) => `10.0.0.1:${port} healthy`));
    await owner.ask('/register', { service: 'database', port: '5432', ephemeral: 'false' });
    expect(await reader.lines('/all', { service: 'database' })).toEqual(['10.0.0.1:5432 healthy']);
    expect(await reader.lines('/services')).toEqual(expect.arrayContaining(['batch', 'database', 'web']));
  });

  it('watches services by pattern', timeout, async () => {
    await reader.ask('/fuzzy', { pattern: 'w*' });
    await untilSeen(reader, '/matched', { pattern: 'w*' }, ['web']);
    await owner.ask('/register', { service: 'worker', port: '90' });
    await untilSeen(reader, '/matched', { pattern: 'w*' }, ['web', 'worker']);
    await owner.ask('/deregister', { service: 'worker', port: '90' });
    await untilSeen(reader, '/matched', { pattern: 'w*' }, ['web']);
  });

  it('publishes, reads, listens to and removes configurations', timeout, async () => {
    const id = 'app.txt';
    expect(await owner.ask('/publish', { id, content: 'one' })).toBe('true');
    expect(await reader.ask('/get', { id })).toBe('one');
    await reader.ask('/listen', { id });
    await owner.ask('/publish', { id, content: 'two' });
    // A listener may be called with the content that was there first.
    const last = async () => (await reader.lines('/heard', { id })).at(-1);
    const until = async (content: string) => {
      while ((await last()) !== content) await new Promise((next) => setTimeout(next, 20));
    };
    await until('two');
    expect(await owner.ask('/publish-cas', { id, content: 'three', cas: 'wrong' })).toBe('false');
    expect(await owner.ask('/publish-cas', { id, content: 'three', cas: 'b8a9f715dbb64fd5c56e7783c6820a61' })).toBe('true');
    await until('three');
    expect(await owner.ask('/remove', { id })).toBe('true');
    expect(await reader.ask('/get', { id })).toBe('null');
  });

  it('sees instances unhealthy when their client is killed, and healthy when it is back', timeout, async () => {
    await owner.kill();
    await sees('web', ['10.0.0.1:81 unhealthy']);
    owner = await startJavaClient(server.address);
    await owner.ask('/register', { service: 'web', port: '81' });
    await sees('web', ['10.0.0.1:81 healthy']);
  });

  it.each(['restart', 'kill'] as const)('%s of the server: clients come back, and no list shows less meanwhile', timeout, async (how) => {
    if (how === 'restart') await server.restart();
    else {
      await server.kill();
      await server.start();
    }
    await owner.ask('/ready');
    await expectSteady(['10.0.0.1:81 healthy'], 40_000);
    // Only a connection of the owner keeps it for longer than the grace.
    await owner.ask('/register', { service: how, port: '7' });
    await reader.ask('/subscribe', { service: how });
    await sees(how, ['10.0.0.1:7 healthy']);
  });

  /** What the reader asks for stays the same for so long: longer than the grace in which instances wait for their client. */
  async function expectSteady(lines: string[], ms: number): Promise<void> {
    const end = performance.now() + ms;
    await untilSeen(reader, '/all', { service: 'web' }, lines);
    while (performance.now() < end) {
      expect(await reader.lines('/seen', { service: 'web' })).toEqual(lines);
      expect(await reader.lines('/all', { service: 'web' })).toEqual(lines);
      await new Promise((next) => setTimeout(next, 200));
    }
  }
});

describe.runIf(problem === undefined)('the Java client of a registry with access control', () => {
  it('logs in with a token as its password, and can do nothing without one', timeout, async () => {
    const token = '2c6e9a0e-6a3c-4a55-8f0c-2a8d6a1f7e10';
    const server = await startServer(['--acl'], { ROLLCALL_ACL_INITIAL_MANAGEMENT: token });
    const clients: NacosClient[] = [];
    try {
      const known = await startJavaClient(server.address, ['username=any', `password=${token}`]);
      const unknown = await startJavaClient(server.address, ['username=any', 'password=wrong']);
      clients.push(known, unknown);
      expect(await known.ask('/register', { service: 'web', port: '80' })).toBe('ok');
      await expect(unknown.ask('/register', { service: 'web', port: '81' })).rejects.toThrow('ErrCode:403');
      await expect(unknown.ask('/all', { service: 'web' })).rejects.toThrow('ErrCode:403');
      expect(await known.lines('/all', { service: 'web' })).toEqual(['10.0.0.1:80 healthy']);
    } finally {
      for (const client of clients) await client.kill();
      await server.stop();
    }
  });
});
