/** Most or all instances of a service refuse connections: what its callers feel, with every balancer. */

import { once } from 'node:events';
import type { Dispatcher, Pool } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../server/src/manual-clock.case.ts';
import { Picker } from './routing/picker.ts';
import { SeededRandom } from './balancer/seeded-random.ts';
import { anInstance } from './balancer/simulation.case.ts';
import type { Endpoint } from './endpoint.ts';
import { policies, type PolicyName } from './grpc/policies.ts';
import { connectingOf } from './http/connecting.ts';
import { EndpointPools } from './http/endpoint-pools.ts';
import type { ExchangeContext } from './http/exchange-context.ts';
import { Exchange } from './http/exchange.ts';
import type { FetchHandler } from './http/try.ts';
import { type WebServer, webServer } from './http/web-server.case.ts';
import { Breakers } from './resilience/breaker.ts';
import { Guard } from './routing/guard.ts';
import { Hedging } from './resilience/hedging.ts';
import { RetryBudget } from './resilience/retry-budget.ts';
import { ServiceClient } from './service-client.ts';
import { StaticSource } from './source/static-source.ts';

const refusedMs = 0.3;
const servedMs = 5;
const everyMs = 10;

/** Endpoints on a driven clock: those that are down refuse, the others answer. */
class Network extends EndpointPools {
  readonly clock = manualClock();
  readonly down = new Set<string>();
  /** Outcomes of requests in the order in which they began. */
  readonly failures: { readonly at: number; readonly failed: boolean }[] = [];
  readonly #context: ExchangeContext;
  readonly #ids: readonly string[];
  #sent = 0;

  /** @param breakers undefined for none */
  constructor(policy: PolicyName, count: number, breakers?: Breakers) {
    super(connectingOf(1000));
    this.#ids = Array.from({ length: count }, (_, index) => `web-${index}`);
    const reach = (endpoint: Endpoint) =>
      new Promise<boolean>((resolve) => this.clock.timer(refusedMs, () => resolve(!this.down.has(endpoint.instance.id))));
    const picker = new Picker(policies[policy]({}), {}, new SeededRandom(7), 0, () => {}, reach);
    picker.update(this.#ids.map((id) => anInstance(id)), 0);
    const { clock } = this;
    this.#context = {
      ...{ service: 'web', picker: breakers === undefined ? picker : new Guard(picker, breakers, Infinity), pools: this, clock, budget: new RetryBudget(), hedging: new Hedging(clock) },
      ...{ requests: { current: 0, answering: 0, max: 10_000 }, triesMax: 3, tryTimeoutMs: Infinity },
      ...{ replayBytesMax: 0, retryAfterMaxMs: 0 },
    };
  }

  override get({ instance: { id } }: Endpoint): Pool {
    const dispatch = (_request: Dispatcher.DispatchOptions, handler: FetchHandler) => {
      this.clock.timer(refusedMs, () => {
        if (this.down.has(id)) {
          handler.onError(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
          return;
        }
        handler.onConnect(() => {});
        this.clock.timer(servedMs, () => {
          handler.onHeaders(200, [], () => {}, 'OK');
          handler.onComplete(null);
        });
      });
    };
    return { dispatch } as unknown as Pool;
  }

  fell(...ids: readonly number[]): void {
    for (const id of ids) this.down.add(`web-${id}`);
  }

  /** 100 requests a second, half of them POST: requests that were not sent may be sent again. */
  async load(ms: number): Promise<void> {
    for (const end = this.clock.monotonic() + ms; this.clock.monotonic() < end; ) {
      const at = this.clock.monotonic();
      const method = this.#sent++ % 2 === 0 ? 'GET' : 'POST';
      const ended = (failed: boolean) => this.failures.push({ at, failed });
      const handler: FetchHandler = {
        ...{ onConnect: () => {}, onHeaders: () => true, onData: () => true },
        ...{ onComplete: () => ended(false), onError: () => ended(true) },
      };
      const request = { method, path: '/', origin: 'http://web.rollcall' } as const;
      new Exchange(this.#context, request, handler, { hashKey: `key-${this.#sent}` }).start();
      this.clock.advance(everyMs);
      // Checks of endpoints end in promises.
      for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    }
  }

  /** Share of the requests since then that failed. */
  failedSince(ms: number): number {
    const since = this.failures.filter(({ at }) => at >= ms);
    expect(since.length).toBeGreaterThan(100);
    return since.filter(({ failed }) => failed).length / since.length;
  }
}

const breakersOf = {
  'without breakers': () => undefined,
  // Of requests that are sent, none fails here.
  'with breakers': () => new Breakers({}, ({ authority }, state) => expect.fail(`the breaker of ${authority} is ${state}`)),
};

describe.each(Object.keys(policies) as PolicyName[])('%s', (policy) => {
  describe.each(Object.entries(breakersOf))('%s', (_guard, breakers) => cases(policy, breakers));
});

function cases(policy: PolicyName, breakers: () => Breakers | undefined): void {
  it.each([2, 3, 5])('fails at most one request in a hundred when all but one of %i refuse', async (count) => {
    const network = new Network(policy, count, breakers());
    await network.load(1000);
    network.fell(...Array.from({ length: count - 1 }, (_, index) => index));
    await network.load(4000);
    expect(network.failedSince(2000)).toBeLessThanOrEqual(0.01);
    // No request fails in the first second either: refused connections mean that nothing was sent.
    expect(network.failedSince(0)).toBeLessThanOrEqual(0.01);
  });

  it.each([2, 3, 5])('finds the first of %i that is back at once', async (count) => {
    const network = new Network(policy, count, breakers());
    await network.load(1000);
    network.fell(...Array.from({ length: count }, (_, index) => index));
    await network.load(8000);
    const back = network.clock.monotonic();
    network.down.delete(`web-${count - 1}`);
    await network.load(3000);
    expect(network.failedSince(back)).toBeLessThanOrEqual(0.01);
    // The others follow, and share again.
    network.down.clear();
    await network.load(20_000);
    expect(network.failedSince(back)).toBeLessThanOrEqual(0.01);
  });
}

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function someServers(count: number): Promise<WebServer[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => webServer((_request, response) => response.end('ok'))));
  cleanups.push(async () => void (await Promise.all(servers.map((server) => server.kill()))));
  return servers;
}

function clientOf(servers: readonly WebServer[]): ServiceClient {
  const web = new ServiceClient(new StaticSource({ web: servers.map(({ authority }) => authority) }), 'web');
  cleanups.push(() => web.close());
  return web;
}

/** @returns how many of `count` requests in a row failed */
async function failuresOf(web: ServiceClient, count: number): Promise<number> {
  let failed = 0;
  for (let n = 0; n < count; n++) {
    await web.fetch('/', { method: n % 2 === 0 ? 'GET' : 'POST' }).then((response) => response.text(), () => (failed += 1));
  }
  return failed;
}

it('over real connections: four of five fail, then the last one, and one comes back', async () => {
  const servers = await someServers(5);
  const web = clientOf(servers);
  expect(await failuresOf(web, 100)).toBe(0);
  await Promise.all(servers.slice(0, 4).map((server) => server.kill()));
  // At most those that were sent over a connection that broke and may not be sent twice.
  expect(await failuresOf(web, 50)).toBeLessThanOrEqual(4);
  expect(await failuresOf(web, 200)).toBe(0);
  const last = servers[4] as WebServer;
  const port = Number(last.authority.split(':')[1]);
  await last.kill();
  expect(await failuresOf(web, 50)).toBe(50);
  const again = await webServer((_request, response) => response.end('ok'), port);
  cleanups.push(() => again.kill());
  expect(await failuresOf(web, 200)).toBe(0);
});

it('over real connections: a side request checks whether an instance is back, and no request fails for that', async () => {
  const servers = await someServers(2);
  const events: string[] = [];
  const source = new StaticSource({ web: servers.map(({ authority }) => authority) });
  const web = new ServiceClient(source, 'web', { ejection: { baseMs: 20, maxMs: 20 }, onEvent: ({ kind }) => events.push(kind) });
  cleanups.push(() => web.close());
  const [first] = servers as [WebServer, WebServer];
  const port = Number(first.authority.split(':')[1]);
  await first.kill();
  while (!events.includes('ejected')) await web.fetch('/').then((response) => response.text());
  const told = events.length;
  const again = await webServer((_request, response) => response.end('ok'), port);
  cleanups.push(() => again.kill());
  const bytes: Promise<number>[] = [];
  again.server.on('connection', (socket) => bytes.push(once(socket, 'close').then(() => socket.bytesRead)));
  while (again.requests === 0) await web.fetch('/').then((response) => response.text());
  // The first connection was the check, which sends nothing.
  expect(await bytes[0]).toBe(0);
  expect(events.slice(told)).not.toContain('retry');
});
