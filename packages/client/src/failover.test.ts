/** No request of a caller fails when instances die under load. */

import { afterEach, expect, it } from 'vitest';
import { type WebProcess, type WebServer, webProcess, webServer } from './http/web-server.case.ts';
import { ServiceClient } from './service-client.ts';
import { StaticSource } from './source/static-source.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start<T extends WebServer | WebProcess>(one: () => Promise<T>): Promise<T[]> {
  const servers = await Promise.all(Array.from({ length: 5 }, one));
  cleanups.push(async () => void (await Promise.all(servers.map((server) => server.kill()))));
  return servers;
}

/** `count` requests, 20 at a time. @returns what those that failed threw */
async function load(web: ServiceClient, count: number, each: (done: number) => void): Promise<unknown[]> {
  const failures: unknown[] = [];
  let begun = 0;
  let done = 0;
  const worker = async () => {
    while (begun < count) {
      begun += 1;
      try {
        const response = await web.fetch('/');
        const text = await response.text();
        if (response.status !== 200 || !text.startsWith('ok')) failures.push(`${response.status} ${text}`);
      } catch (error) {
        failures.push(error);
      }
      each(++done);
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return failures;
}

function client(servers: readonly { authority: string }[]): ServiceClient {
  const web = new ServiceClient(new StaticSource({ web: servers.map(({ authority }) => authority) }), 'web');
  cleanups.push(() => web.close());
  return web;
}

it('fails no GET when one of five instances drops its connections and stops listening', async () => {
  const servers = await start(() => webServer((_request, response) => setImmediate(() => response.end('ok'))));
  let killed: Promise<void> | undefined;
  const failures = await load(client(servers), 2000, (done) => {
    if (done === 700) killed = servers[2]?.kill();
  });
  await killed;
  expect(failures).toEqual([]);
});

it('fails no GET when one of five processes is killed with SIGKILL', async () => {
  const servers = await start(webProcess);
  let killed: Promise<void> | undefined;
  const failures = await load(client(servers), 2000, (done) => {
    if (done === 700) killed = servers[2]?.kill();
  });
  await killed;
  expect(failures).toEqual([]);
});

it('fails no GET when two of five are killed at once', async () => {
  const servers = await start(() => webServer((_request, response) => setImmediate(() => response.end('ok'))));
  let killed: Promise<unknown> | undefined;
  const failures = await load(client(servers), 2000, (done) => {
    if (done === 700) killed = Promise.all([servers[0]?.kill(), servers[4]?.kill()]);
  });
  await killed;
  expect(failures).toEqual([]);
});
