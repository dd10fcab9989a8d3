import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { webServer } from './http/web-server.case.ts';
import { ServiceClient } from './service-client.ts';
import { StaticSource } from './source/static-source.ts';

/** Longer than undici's own limits, in milliseconds. */
const long = 400_000;
const cleanups: (() => Promise<void>)[] = [];

/** Undici's timers are those of the program, so this drives them; the sockets' are not. */
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));

afterEach(async () => {
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function streaming(silenceMs?: number) {
  const server = await webServer((_request, response) => response.write('data: 1\n\n'));
  cleanups.push(() => server.kill());
  const connections = silenceMs === undefined ? {} : { silenceMs };
  const web = new ServiceClient(new StaticSource({ web: [server.authority] }), 'web', { connections });
  cleanups.push(() => web.close());
  const asked = once(server.server, 'request');
  const answer = web.fetch('/events');
  const [, response] = (await asked) as [unknown, ServerResponse];
  const reader = (await answer).body!.getReader();
  const next = async () => Buffer.from((await reader.read()).value ?? []).toString();
  expect(await next()).toBe('data: 1\n\n');
  return { response, next };
}

it('an event stream that is silent for longer than its limit ends with an error, which shows that the clock drives undici', async () => {
  const { next } = await streaming(300_000);
  const ended = expect(next()).rejects.toMatchObject({ cause: { name: 'BodyTimeoutError' } });
  await vi.advanceTimersByTimeAsync(long);
  await ended;
});

it('an event stream without a limit may be silent for any time', async () => {
  const { response, next } = await streaming();
  const second = next();
  await vi.advanceTimersByTimeAsync(long);
  response.write('data: 2\n\n');
  expect(await second).toBe('data: 2\n\n');
});

it('an answer may begin at any time, unless tryTimeoutMs limits it', async () => {
  const server = await webServer(() => {});
  cleanups.push(() => server.kill());
  const web = new ServiceClient(new StaticSource({ web: [server.authority] }), 'web', { hedging: false });
  cleanups.push(() => web.close());
  const asked = once(server.server, 'request');
  const answer = web.fetch('/poll');
  const [, response] = (await asked) as [unknown, ServerResponse];
  await vi.advanceTimersByTimeAsync(long);
  response.end('at last');
  expect(await (await answer).text()).toBe('at last');
});
