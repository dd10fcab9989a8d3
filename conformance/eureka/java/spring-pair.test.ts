/**
 * Two unmodified Spring Cloud applications (Spring Cloud Netflix 5.0.3, RestClient transport) on Rollcall, and on a real Eureka server,
 * which shows that the tests are right.
 */

import { describe, expect, it } from 'vitest';
import { describeSpringPair, printFigures, type SpringFigure, type SpringServer } from '../../spring/pair.case.ts';
import { eurekaProblem, startEurekaApplication, startRealEureka } from '../start.mjs';
import { rollcall } from './rollcall.ts';

const problem = eurekaProblem();
it('the programs are built', () => expect(problem).toBeUndefined());

/** The parts that all servers of Eureka's protocol have in common. */
function clientsOf(url: string): Pick<SpringServer, 'startApplication' | 'has'> {
  return {
    startApplication: (name) => startEurekaApplication({ name, eurekaUrl: url }),
    async has(applications) {
      const apps = await (await fetch(`${url}/apps`, { headers: { accept: 'application/json' } })).text();
      return applications.every(({ id }) => apps.includes(id));
    },
  };
}

async function realEureka(): Promise<SpringServer> {
  let server = await startRealEureka();
  const { url, port } = server;
  return {
    ...clientsOf(url),
    async restart() {
      await server.kill();
      server = await startRealEureka({ port });
    },
    stop: () => server.stop(),
  };
}

async function ownServer(): Promise<SpringServer> {
  const server = await rollcall();
  await server.start();
  return {
    ...clientsOf(server.eurekaUrl),
    async restart() {
      await server.kill();
      await server.start();
    },
    stop: () => server.stop(),
  };
}

describe.runIf(problem === undefined)('with a lease of 3 s', () => {
  const figures: SpringFigure[] = [];
  describeSpringPair('a real Eureka server', realEureka, figures);
  describeSpringPair('Rollcall', ownServer, figures);

  // With the default settings add the periods of the client: 30 s of fetching and 35 s of the load balancer's cache.
  it('prints the times, with a client that fetches each second', () => {
    printFigures(figures);
    expect(figures).toHaveLength(6);
  });
});
