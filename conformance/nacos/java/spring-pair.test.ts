/**
 * Two unmodified applications of Spring Cloud Alibaba 2025.1 (Spring Boot 4, nacos-client 3.1.1) on Rollcall, with the client's own timings.
 */

import { describe, expect, it } from 'vitest';
import { describeSpringPair, printFigures, type SpringFigure, type SpringServer } from '../../spring/pair.case.ts';
import { springProblem } from '../../spring/application.mjs';
import { startServer, startSpringApplication } from '../start.mjs';

const problem = springProblem('nacos');
it('the application is built', () => expect(problem).toBeUndefined());

async function ownServer(): Promise<SpringServer> {
  const server = await startServer();
  return {
    startApplication: (name) => startSpringApplication(server.address, name),
    async restart() {
      await server.kill();
      await server.start();
    },
    stop: () => server.stop(),
    // The store keeps the instances: they have come back when their clients hold connections again.
    async has(applications) {
      const metrics = await (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
      return metrics.includes(`\nrollcall_nacos_connections ${applications.length}\n`);
    },
  };
}

describe.runIf(problem === undefined)('over gRPC', () => {
  const figures: SpringFigure[] = [];
  describeSpringPair('Rollcall', ownServer, figures);

  it('prints the times', () => {
    printFigures(figures);
    expect(figures).toHaveLength(3);
  });
});
