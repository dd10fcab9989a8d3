/**
 * What a pair of unmodified Spring applications must do with a server of their registry: register, find each other by Spring Cloud
 * LoadBalancer, outlive a restart of the server, and lose applications that end.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SpringApplication } from './application.mjs';
import { instancesSeen, untilTrue } from './seen.ts';

export interface SpringServer {
  /** SIGKILL, then a start at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  /** Starts an application that uses it. */
  startApplication(name: string): Promise<SpringApplication>;
  /** Whether these have come back after a restart. */
  has(applications: readonly SpringApplication[]): Promise<boolean>;
}

/** One time of one server. */
export interface SpringFigure {
  readonly server: string;
  readonly what: string;
  readonly ms: number;
}

const later = (ms: number) => new Promise<false>((done) => void setTimeout(() => done(false), ms));

/**
 * Describes the tests.
 * @param serverName for their titles
 * @param start starts the server
 * @param figures gets three times
 */
export function describeSpringPair(serverName: string, start: () => Promise<SpringServer>, figures: SpringFigure[]): void {
  describe(`a pair of Spring applications on ${serverName}`, () => {
    let server: SpringServer;
    let orders: SpringApplication;
    let billing: SpringApplication;

    beforeAll(async () => {
      server = await start();
      orders = await server.startApplication('orders');
      billing = await server.startApplication('billing');
    }, 300_000);

    afterAll(async () => {
      await billing?.stop();
      await orders?.stop();
      await server?.stop();
    });

    const ask = async (from: SpringApplication, name: string) => {
      const answer = await fetch(`${from.url}/ask/${name}`);
      return answer.ok ? answer.text() : '';
    };
    const findEachOther = async () => {
      await untilTrue('billing finds orders', async () => (await ask(billing, 'orders')) === orders.id);
      await untilTrue('orders finds billing', async () => (await ask(orders, 'billing')) === billing.id);
    };

    it('finds each other by name, with address and port', async () => {
      await findEachOther();
      const seen = await instancesSeen(billing, 'orders');
      expect(seen.map((line) => line.split(' ')[1])).toEqual([orders.url]);
    });

    it('goes on while the server is restarted, and registers again', { timeout: 300_000 }, async () => {
      const answers = new Set<string>();
      const over = server.restart().then(() => true);
      do answers.add(await ask(billing, 'orders'));
      while (!(await Promise.race([over, later(100)])));
      expect([...answers]).toEqual([orders.id]);
      await untilTrue('both are registered again', () => server.has([orders, billing]));
      await findEachOther();
    });

    it('loses an application that ends, and one that is killed', { timeout: 300_000 }, async () => {
      const measure = async (what: string, count: number) => {
        const ms = await untilTrue(what, async () => (await instancesSeen(billing, 'orders')).length === count);
        figures.push({ server: serverName, what, ms });
      };
      const other = await server.startApplication('orders');
      // It answers as soon as it has registered.
      await measure('registered: seen by the other application', 2);
      const stopped = other.stop();
      await measure('told to stop: gone', 1);
      await stopped;
      await orders.kill();
      await measure('killed: gone', 0);
    });
  });
}

export function printFigures(figures: readonly SpringFigure[]): void {
  for (const { server, what, ms } of figures) process.stdout.write(`${what}: ${(ms / 1_000).toFixed(1)} s on ${server}\n`);
}
