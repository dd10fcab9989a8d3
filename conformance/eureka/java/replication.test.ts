/**
 * Rollcall and a real Eureka server replicate with each other, with one Spring application at each. Then the real server goes for good, and
 * the application that used it moves.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SpringApplication } from '../../spring/application.mjs';
import { eurekaProblem, startEurekaApplication, startRealEureka, type RealEureka } from '../start.mjs';
import { rollcall, type Rollcall } from './rollcall.ts';
import { instancesSeen, untilTrue } from '../../spring/seen.ts';

const problem = eurekaProblem();
it('the programs are built', () => expect(problem).toBeUndefined());

interface Shown {
  readonly status: string;
  readonly overriddenStatus: string;
  readonly leaseInfo: { readonly lastRenewalTimestamp: number };
}

async function shownBy(eurekaUrl: string, app: string, id: string): Promise<Shown | undefined> {
  const answer = await fetch(`${eurekaUrl}/apps/${app}/${encodeURIComponent(id)}`, { headers: { accept: 'application/json' } });
  if (answer.status === 404) return undefined;
  return ((await answer.json()) as { instance: Shown }).instance;
}

describe.runIf(problem === undefined)('a Eureka server and Rollcall', { timeout: 300_000 }, () => {
  let eureka: RealEureka;
  let own: Rollcall;
  /** At the Eureka server first, then at Rollcall. */
  let orders: SpringApplication;
  /** At Rollcall. */
  let billing: SpringApplication;

  beforeAll(async () => {
    own = await rollcall();
    eureka = await startRealEureka({ peers: [own.eurekaUrl] });
    await own.start([eureka.url]);
    orders = await startEurekaApplication({ name: 'orders', eurekaUrl: `${eureka.url},${own.eurekaUrl}`, leaseSeconds: 9 });
    billing = await startEurekaApplication({ name: 'billing', eurekaUrl: own.eurekaUrl, leaseSeconds: 9 });
  }, 600_000);

  afterAll(async () => {
    await billing?.stop();
    await orders?.stop();
    await eureka?.stop();
    await own?.stop();
  });

  const ask = async (from: SpringApplication, name: string) => {
    const answer = await fetch(`${from.url}/ask/${name}`);
    return answer.ok ? answer.text() : `nothing among ${JSON.stringify(await instancesSeen(from, name))}`;
  };
  const findEachOther = async () => {
    await untilTrue('billing, at Rollcall, finds orders', async () => (await ask(billing, 'orders')) === orders.id);
    await untilTrue('orders, at Eureka, finds billing', async () => (await ask(orders, 'billing')) === billing.id);
  };
  const keepFinding = async (during: Promise<unknown>) => {
    const seen = new Set<string>();
    const over = during.then(() => true);
    do seen.add(`${await ask(billing, 'orders')} ${await ask(orders, 'billing')}`);
    while (!(await Promise.race([over, new Promise<false>((done) => void setTimeout(() => done(false), 200))])));
    expect([...seen]).toEqual([`${orders.id} ${billing.id}`]);
  };
  const beats = (ms: number) => new Promise((done) => void setTimeout(done, ms));

  it('let applications of both find each other', findEachOther);

  it('keep each other’s instances alive for longer than their leases', async () => {
    await keepFinding(beats(20_000));
  });

  it('show what Consul’s API registers to applications of Eureka', async () => {
    await fetch(`${own.url}/v1/agent/service/register`, { method: 'PUT', body: JSON.stringify({ Name: 'db', ID: 'db-1', Address: '127.0.0.1', Port: 5432 }) });
    await untilTrue('orders sees db', async () => (await instancesSeen(orders, 'db')).join().includes('http://127.0.0.1:5432'));
    await fetch(`${own.url}/v1/agent/service/deregister/db-1`, { method: 'PUT' });
    await untilTrue('orders sees db no more', async () => (await instancesSeen(orders, 'db')).length === 0);
    expect(await (await fetch(`${own.url}/v1/catalog/services`)).json()).toHaveProperty('orders');
  });

  it.each([
    ['the Eureka server', () => eureka.url, () => own.eurekaUrl],
    ['Rollcall', () => own.eurekaUrl, () => eureka.url],
  ])('take an override that was set at %s, for instances of both', async (_at, here, there) => {
    for (const [app, { id }] of [['ORDERS', orders], ['BILLING', billing]] as const) {
      const path = `${here()}/apps/${app}/${encodeURIComponent(id)}/status`;
      expect((await fetch(`${path}?value=OUT_OF_SERVICE`, { method: 'PUT' })).status).toBe(200);
      await untilTrue(`${app} is out of service there`, async () => (await shownBy(there(), app, id))?.status === 'OUT_OF_SERVICE');
      expect((await fetch(`${path}?value=UP`, { method: 'DELETE' })).status).toBe(200);
      await untilTrue(`${app} is up there`, async () => (await shownBy(there(), app, id))?.status === 'UP');
      // Nothing sends it back.
      await beats(2_000);
      expect((await shownBy(here(), app, id))?.overriddenStatus).toBe('UNKNOWN');
    }
  });

  it('lose a killed application: Rollcall in its lease, the Eureka server in twice that', async () => {
    const other = await startEurekaApplication({ name: 'orders', eurekaUrl: eureka.url, leaseSeconds: 6 });
    await untilTrue('Rollcall has it', async () => (await shownBy(own.eurekaUrl, 'ORDERS', other.id)) !== undefined);
    // Renewed at least once: a lease of Eureka that never was lasts half as long.
    await beats(3_000);
    await other.kill();
    const killed = performance.now();
    const goneAt = async (url: string) => {
      await untilTrue('it is gone', async () => (await shownBy(url, 'ORDERS', other.id)) === undefined);
      return (performance.now() - killed) / 1_000;
    };
    const [here, there] = await Promise.all([goneAt(own.eurekaUrl), goneAt(eureka.url)]);
    process.stdout.write(`killed, with a lease of 6 s: gone after ${here.toFixed(1)} s at Rollcall, ${there.toFixed(1)} s at the Eureka server\n`);
    // The lease, the second before a verdict, the half second of the peer's batches, and a busy machine.
    expect(here).toBeLessThan(10);
    expect(there).toBeLessThan(20);
    // So that no application asks the dead one in the next test.
    for (const each of [billing, orders]) await untilTrue('applications forget it', async () => (await instancesSeen(each, 'orders')).length === 1);
  });

  it('lose nothing when Rollcall is killed and started again', async () => {
    await own.kill();
    const again = own.start([eureka.url]);
    await keepFinding(again.then(() => beats(8_000)));
    await findEachOther();
  });

  it('lose nothing when the Eureka server is killed and started again', async () => {
    await eureka.kill();
    const { port } = eureka;
    const again = startRealEureka({ port, peers: [own.eurekaUrl] }).then((started) => (eureka = started));
    await keepFinding(again.then(() => beats(8_000)));
    await untilTrue('both are registered at the new Eureka server', async () => {
      const both = await Promise.all([shownBy(eureka.url, 'ORDERS', orders.id), shownBy(eureka.url, 'BILLING', billing.id)]);
      return both.every((each) => each?.status === 'UP');
    });
    await findEachOther();
  });

  it('let the applications go on with Rollcall alone when the Eureka server has gone for good', async () => {
    await eureka.stop();
    await keepFinding(beats(20_000));
    await own.kill();
    const without = own.start();
    await keepFinding(without.then(() => beats(8_000)));
    await findEachOther();
    expect((await shownBy(own.eurekaUrl, 'ORDERS', orders.id))?.status).toBe('UP');
  });
});

describe.runIf(problem === undefined)('a Eureka server that does not list Rollcall', { timeout: 300_000 }, () => {
  let eureka: RealEureka;
  let own: Rollcall;
  let orders: SpringApplication;

  beforeAll(async () => {
    own = await rollcall();
    eureka = await startRealEureka();
    orders = await startEurekaApplication({ name: 'orders', eurekaUrl: eureka.url, leaseSeconds: 9 });
    await own.start([eureka.url]);
  }, 600_000);

  afterAll(async () => {
    await orders?.kill();
    await eureka?.stop();
    await own?.stop();
  });

  it('is asked for its instances, which live here as long as their clients', async () => {
    const isShown = async () => (await shownBy(own.eurekaUrl, 'ORDERS', orders.id)) !== undefined;
    const until = performance.now() + 30_000;
    while (performance.now() < until) {
      expect(await isShown()).toBe(true);
      await new Promise((done) => void setTimeout(done, 200));
    }
    await orders.kill();
    const ms = await untilTrue('it is gone', async () => !(await isShown()));
    expect(ms).toBeLessThan(25_000);
  });
});
