/** Two unmodified applications of Spring Cloud ZooKeeper (Spring Boot 4, Curator 5.9) on a real ZooKeeper and on Rollcall. */

import { describe, expect, it } from 'vitest';
import { openConnection } from '../../../packages/server/src/bridge/zookeeper/connection.ts';
import { systemClock } from '../../../packages/server/src/clock.ts';
import { springProblem, startSpring } from '../../spring/application.mjs';
import { describeSpringPair, printFigures, type SpringFigure, type SpringServer } from '../../spring/pair.case.ts';
import { startRealZooKeeper, startRollcall, zooKeeperProblem, type ZooKeeperServer } from '../start.mjs';

const problem = springProblem('zookeeper') ?? zooKeeperProblem();
it('the application and the server are built', () => expect(problem).toBeUndefined());

async function serverOf(start: () => Promise<ZooKeeperServer>): Promise<SpringServer> {
  const server = await start();
  return {
    startApplication: (name) =>
      startSpring('zookeeper', {
        name,
        argsFor: () => [
          `--spring.cloud.zookeeper.connect-string=${server.address}`,
          '--spring.cloud.zookeeper.session-timeout=4s',
          '--spring.cloud.zookeeper.discovery.instance-host=127.0.0.1',
        ],
      }),
    async restart() {
      await server.kill();
      await server.start();
    },
    stop: () => server.stop(),
    // Both servers keep sessions and znodes over a restart.
    async has(applications) {
      const client = await openConnection({ host: '127.0.0.1', port: server.port, timeoutMs: 4_000, clock: systemClock, onNotification: () => {} });
      const names = new Set(applications.map(({ id }) => id.split(':')[0]));
      const counts = await Promise.all([...names].map(async (name) => (await client.request('getChildren', { path: `/services/${name}`, watch: false })).body?.children.length ?? 0));
      await client.close();
      return counts.every((count) => count > 0);
    },
  };
}

describe.runIf(problem === undefined)('over ZooKeeper', () => {
  const figures: SpringFigure[] = [];
  describeSpringPair('ZooKeeper', () => serverOf(() => startRealZooKeeper({ tickMs: 500 })), figures);
  describeSpringPair('Rollcall', () => serverOf(() => startRollcall({ args: ['--zookeeper-tick', '500'] })), figures);

  it('prints the times', () => {
    printFigures(figures);
    expect(figures).toHaveLength(6);
  });
});
