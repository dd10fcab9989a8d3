/**
 * Two unmodified Spring Cloud applications (Spring Cloud Netflix 5.0.3, RestClient transport) register, find each other by Spring Cloud
 * LoadBalancer, and outlive a restart of the server. The same tests run against a real Eureka server, which shows that they are right.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eurekaProblem, startRealEureka, startSpringApplication, type SpringApplication } from '../start.mjs';
import { rollcall } from './rollcall.ts';
import { instancesSeen, untilTrue } from './seen.ts';

const later = (ms: number) => new Promise<false>((done) => void setTimeout(() => done(false), ms));

const problem = eurekaProblem();
it('the programs are built', () => expect(problem).toBeUndefined());

interface ServerUnderTest {
  readonly url: string;
  /** SIGKILL, then a start at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

async function realEureka(): Promise<ServerUnderTest> {
  let server = await startRealEureka();
  const { url, port } = server;
  return {
    url,
    async restart() {
      await server.kill();
      server = await startRealEureka({ port });
    },
    stop: () => server.stop(),
  };
}

async function ownServer(): Promise<ServerUnderTest> {
  const server = await rollcall();
  await server.start();
  return {
    url: server.eurekaUrl,
    async restart() {
      await server.kill();
      await server.start();
    },
    stop: () => server.stop(),
  };
}

/** What each server took, for the line that the last test prints. */
const figures: { readonly server: string; readonly what: string; readonly ms: number }[] = [];

describe.runIf(problem === undefined).each([
  ['a real Eureka server', realEureka],
  ['Rollcall', ownServer],
])('a pair of Spring applications on %s', (serverName, start) => {
  let server: ServerUnderTest;
  let orders: SpringApplication;
  let billing: SpringApplication;

  beforeAll(async () => {
    server = await start();
    orders = await startSpringApplication({ name: 'orders', eurekaUrl: server.url });
    billing = await startSpringApplication({ name: 'billing', eurekaUrl: server.url });
  }, 300_000);

  afterAll(async () => {
    await billing?.stop();
    await orders?.stop();
    await server?.stop();
  }, 60_000);

  const ask = async (from: SpringApplication, name: string) => {
    const answer = await fetch(`${from.url}/ask/${name}`);
    return answer.ok ? answer.text() : '';
  };
  const findEachOther = async () => {
    await untilTrue('billing finds orders', async () => (await ask(billing, 'orders')) === orders.instanceId);
    await untilTrue('orders finds billing', async () => (await ask(orders, 'billing')) === billing.instanceId);
  };

  it('finds each other by name, with address and port', { timeout: 120_000 }, async () => {
    await findEachOther();
    expect(await instancesSeen(billing, 'orders')).toEqual([`${orders.instanceId} ${orders.url}`]);
  });

  it('goes on while the server is restarted, and registers again', { timeout: 300_000 }, async () => {
    const answers = new Set<string>();
    const over = server.restart().then(() => true);
    do answers.add(await ask(billing, 'orders'));
    while (!(await Promise.race([over, later(100)])));
    expect([...answers]).toEqual([orders.instanceId]);
    await untilTrue('both are registered again', async () => {
      const apps = await (await fetch(`${server.url}/apps`, { headers: { accept: 'application/json' } })).text();
      return apps.includes(orders.instanceId) && apps.includes(billing.instanceId);
    });
    await findEachOther();
  });

  it('loses an application that ends, and one that is killed', { timeout: 300_000 }, async () => {
    const measure = async (what: string, count: number) => {
      const ms = await untilTrue(what, async () => (await instancesSeen(billing, 'orders')).length === count);
      figures.push({ server: serverName, what, ms });
    };
    const other = await startSpringApplication({ name: 'orders', eurekaUrl: server.url });
    // It answers as soon as it has registered.
    await measure('registered: seen by the other application', 2);
    const stopped = other.stop();
    await measure('told to stop: gone', 1);
    await stopped;
    await orders.kill();
    await measure('killed, with a lease of 3 s: gone', 0);
  });
});

// With the default settings add the periods of the client: 30 s of fetching and 35 s of the load balancer's cache.
it.runIf(problem === undefined)('prints the times, with a client that fetches each second', () => {
  for (const { server, what, ms } of figures) process.stdout.write(`${what}: ${(ms / 1_000).toFixed(1)} s on ${server}\n`);
  expect(figures).toHaveLength(6);
});
