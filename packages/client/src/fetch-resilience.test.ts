import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../server/src/manual-clock.case.ts';
import { inOrder } from './balancer/in-order.case.ts';
import { deadAuthority, serverOfTest } from './http/web-server.case.ts';
import { deadlineHeader, withDeadline } from './resilience/deadline.ts';
import type { ServiceEvent } from './resilience/service-event.ts';
import { ServiceClient } from './service-client.ts';
import type { ServiceOptions } from './service-options.ts';
import { StaticSource, type StaticInstance } from './source/static-source.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function client(instances: readonly StaticInstance[], options: ServiceOptions = {}) {
  const clock = manualClock();
  const events: ServiceEvent[] = [];
  const source = new StaticSource({ web: instances });
  const given = { balancer: inOrder, ejection: { maxShare: 0, unreachable: false }, onEvent: (event: ServiceEvent) => events.push(event), ...options };
  const web = new ServiceClient(source, 'web', given, { clock });
  cleanups.push(() => web.close());
  return { web, clock, events, kinds: () => events.map(({ kind }) => kind) };
}

/** A server that does not answer, and tells when a request has come and when it was given up. */
async function silent() {
  const server = await serverOfTest(() => {});
  return {
    authority: server.authority,
    asked: async () => {
      const [request] = await once(server.server, 'request');
      return request as { headers: Record<string, string>; once(event: 'close', listener: () => void): void };
    },
  };
}

const ok = () => serverOfTest((request, response) => response.end(request.url));
/** What `fetch` rejects with: a TypeError, whose cause has the code. */
const code = (expected: string) => expect.objectContaining({ name: 'TypeError', cause: expect.objectContaining({ code: expected }) as object });
const because = (message: RegExp) => expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringMatching(message) as string }) as object });

describe('a hedge', () => {
  it('is sent when an answer takes long, and its answer is used', async () => {
    const [slow, quick] = [await silent(), await ok()];
    const { web, clock, events } = client([slow.authority, quick.authority]);
    const asked = slow.asked();
    const response = web.fetch('/x');
    const request = await asked;
    const givenUp = new Promise<void>((resolve) => request.once('close', resolve));
    clock.advance(1_000);
    expect(await (await response).text()).toBe('/x');
    await givenUp;
    expect(events).toEqual([{ kind: 'hedge', endpoint: slow.authority, delayMs: 1_000 }]);
  });

  it('is not sent for a request that may not be applied twice, has a body, or has hedging off', async () => {
    const quick = await ok();
    for (const [init, options] of [
      [{ method: 'POST' }, {}],
      [{ method: 'PUT', body: 'x' }, {}],
      [{}, { hedging: false }],
      [{}, { triesMax: 1 }],
    ] as const) {
      const slow = await silent();
      const { web, clock, events } = client([slow.authority, quick.authority], options);
      const asked = slow.asked();
      const abort = new AbortController();
      const response = web.fetch('/x', { ...init, signal: abort.signal });
      await asked;
      clock.advance(60_000);
      expect(events).toEqual([]);
      abort.abort();
      await expect(response).rejects.toThrow();
    }
  });

  it('is sent for a small share of the requests, so that it adds little to an overload', async () => {
    const [slow, quick] = [await serverOfTest(() => {}), await ok()];
    const { web, clock, events } = client([slow.authority, quick.authority], { hedging: { maxShare: 0.1 } });
    const abort = new AbortController();
    const arrived = new Promise<void>((resolve) => {
      slow.server.on('request', () => slow.requests === 100 && resolve());
    });
    const responses = Array.from({ length: 100 }, () => web.fetch('/x', { signal: abort.signal }));
    await arrived;
    clock.advance(1_000);
    expect(events.filter(({ kind }) => kind === 'hedge')).toHaveLength(10);
    abort.abort();
    await Promise.allSettled(responses);
  });

  it('is not sent after a retry, which has just begun', async () => {
    const first = await serverOfTest((_, response) => setImmediate(() => response.destroy()));
    const gate = await silent();
    const spare = await ok();
    const { web, clock, kinds } = client([first.authority, gate.authority, spare.authority]);
    const asked = gate.asked();
    const abort = new AbortController();
    const response = web.fetch('/x', { signal: abort.signal });
    await asked;
    clock.advance(5_000);
    expect(kinds()).toEqual(['retry']);
    abort.abort();
    await expect(response).rejects.toThrow();
  });

  it('is sent after the 99th percentile of the answers, once there are enough', async () => {
    const [quick, other] = [await ok(), await ok()];
    const { web, clock, events } = client([quick.authority, other.authority]);
    for (let n = 0; n < 128; n++) await (await web.fetch('/')).text();
    quick.server.removeAllListeners('request');
    const asked = once(quick.server, 'request');
    const response = web.fetch('/late');
    await asked;
    clock.advance(10);
    expect(await (await response).text()).toBe('/late');
    expect(events).toEqual([{ kind: 'hedge', endpoint: quick.authority, delayMs: 10 }]);
  });
});

describe('the time for a request', () => {
  it('is sent with it, less the time of earlier tries', async () => {
    const dead = await deadAuthority();
    const seen = await silent();
    const { web, clock } = client([dead, seen.authority], { hedging: false });
    const asked = seen.asked();
    const response = web.fetch('/x', { timeoutMs: 800 });
    const { headers } = await asked;
    expect(headers[deadlineHeader]).toBe('800');
    clock.advance(800);
    await expect(response).rejects.toEqual(code('deadline_exceeded'));
  });

  it('is at most the remaining time of the request that is being served', async () => {
    const seen = await silent();
    const { web, clock } = client([seen.authority], { timeoutMs: 5_000 });
    const asked = seen.asked();
    const incoming = { headers: { [deadlineHeader]: '300' } };
    const response = withDeadline(incoming, () => (clock.advance(100), web.fetch('/x')), clock);
    expect((await asked).headers[deadlineHeader]).toBe('200');
    clock.advance(200);
    await expect(response).rejects.toEqual(code('deadline_exceeded'));
  });

  it('has passed: nothing is sent', async () => {
    const server = await ok();
    const { web, clock, kinds } = client([server.authority]);
    const incoming = { headers: { [deadlineHeader]: '10' } };
    const late = withDeadline(incoming, () => (clock.advance(10), web.fetch('/x')), clock);
    await expect(late).rejects.toEqual(code('deadline_exceeded'));
    expect([server.requests, kinds()]).toEqual([0, ['refused']]);
  });

  it('ends a POST with an error that it may have been applied', async () => {
    const seen = await silent();
    const { web, clock } = client([seen.authority], { timeoutMs: 100 });
    const asked = seen.asked();
    const response = web.fetch('/x', { method: 'POST' });
    await asked;
    clock.advance(100);
    await expect(response).rejects.toEqual(code('unknown_outcome'));
  });

  it('includes the body of the answer', async () => {
    const half = await serverOfTest((_, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half');
    });
    const { web, clock } = client([half.authority], { timeoutMs: 100 });
    const response = await web.fetch('/x');
    const text = response.text();
    clock.advance(100);
    await expect(text).rejects.toThrow();
  });

  it.each([0, -1, NaN])('of %d ms is refused', async (timeoutMs) => {
    const { web } = client(['127.0.0.1:1']);
    await expect(web.fetch('/', { timeoutMs })).rejects.toEqual(code('invalid_argument'));
    expect(() => client([], { timeoutMs })).toThrow(/timeoutMs/);
  });
});

describe('an instance that fails', () => {
  const failing = () => serverOfTest((_, response) => response.writeHead(500).end());

  it('is ejected after five failures in a row, with an event', async () => {
    const [bad, good] = [await failing(), await ok()];
    const { web, events } = client([bad.authority, good.authority], { ejection: {} });
    const statuses = [];
    for (let n = 0; n < 7; n++) {
      const response = await web.fetch('/');
      await response.text();
      statuses.push(response.status);
    }
    expect(statuses).toEqual([500, 500, 500, 500, 500, 200, 200]);
    expect(events).toEqual([{ kind: 'ejected', endpoint: bad.authority, reason: 'outlier', lengthMs: 1_000 }]);
  });

  it('gets no request while its circuit is open, even if it is the only one', async () => {
    const bad = await failing();
    const { web, clock, kinds } = client([bad.authority], { breaker: { requestsMin: 3 } });
    for (let n = 0; n < 3; n++) await (await web.fetch('/')).text();
    await expect(web.fetch('/')).rejects.toEqual(code('unavailable'));
    expect(() => web.pick()).toThrow(/failed too often/);
    expect(bad.requests).toBe(3);
    clock.advance(5_000);
    await (await web.fetch('/')).text();
    expect(kinds()).toEqual(['breaker', 'refused', 'breaker', 'breaker']);
  });
});

describe('requests in flight', () => {
  it('go to another instance when one has reached its limit, and fail when all have', async () => {
    const [first, second] = [await silent(), await silent()];
    const { web } = client([first.authority, second.authority], { endpointRequestsMax: 1, hedging: false });
    const abort = new AbortController();
    const asked = [first.asked(), second.asked()];
    const pending = [web.fetch('/', { signal: abort.signal }), web.fetch('/', { signal: abort.signal })];
    await Promise.all(asked);
    await expect(web.fetch('/')).rejects.toEqual(because(/2 have 1 requests in flight/));
    abort.abort();
    await Promise.allSettled(pending);
  });

  it('are limited by latency', async () => {
    const seen = await silent();
    const { web, kinds } = client([seen.authority], { concurrency: { min: 1, initial: 1 }, hedging: false });
    const asked = seen.asked();
    const abort = new AbortController();
    const pending = web.fetch('/', { signal: abort.signal });
    await asked;
    await expect(web.fetch('/')).rejects.toEqual(code('resource_exhausted'));
    expect(kinds()).toEqual(['refused']);
    abort.abort();
    await expect(pending).rejects.toThrow();
  });
});

it('sends requests with the canary’s header to the canary', async () => {
  const [stable, canary] = [await ok(), await serverOfTest((_, response) => response.end('canary'))];
  const [address, port] = canary.authority.split(':') as [string, string];
  const instances = [stable.authority, { address, port: Number(port), tags: ['canary'] }];
  const { web } = client(instances, { routing: { canary: { select: { tags: ['canary'] }, share: 0, header: 'x-canary' } } });
  expect(await (await web.fetch('/')).text()).toBe('/');
  expect(await (await web.fetch('/', { headers: { 'X-Canary': 'always' } })).text()).toBe('canary');
  expect(web.pick({ headers: { 'X-Canary': 'always' } }).port).toBe(Number(port));
});
