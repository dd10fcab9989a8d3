/** An admin front end on a real listener over a real registry in memory, for the tests of this folder. */

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { pino } from 'pino';
import { memory } from '../../engine/memory/memory.ts';
import { Clients } from '../../clients/clients.ts';
import { Configurations } from '../../configurations/configurations.ts';
import { Locks } from '../../locks/locks.ts';
import { idleHealth } from '../../health/idle-health.case.ts';
import { History } from '../../history/history.ts';
import { Wheel } from '../../health/wheel.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { Answers } from '../../net/answers.ts';
import { ConnectionGuard } from '../../net/connection-guard.ts';
import { listen } from '../../net/listener.ts';
import { OriginPolicy } from '../../net/own-origin.ts';
import { defaultLimits } from '../../options.ts';
import { Replica } from '../../replica.ts';
import { openSecurity } from '../../security/open-security.case.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import type { AdminDeps, ProcessStatus } from './deps.ts';
import { admin } from './frontend.ts';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** False when the connection broke before the body ended. */
  readonly complete: boolean;
}

/** A server in one process. */
export const oneProcess = (more: Partial<ProcessStatus> = {}): readonly ProcessStatus[] => [
  { process: 'primary', pid: 1, ready: true, revision: 0, liveness: { frozen: false, held: 0, share: 0 }, ...more },
];

const idle: Omit<AdminDeps, 'metricsPage'> = {
  async *backup() {},
  restore: () => Promise.resolve({ records: 0, revision: 0 }),
  notReady: () => undefined,
  leave: () => Promise.resolve(),
  cluster: async () => ({ own: 'n1', engine: 'memory', facts: [], missing: [] }),
  processes: async () => oneProcess(),
  overrideExpiry: () => Promise.resolve({ expired: 0, missing: [] }),
};

export async function startAdmin(deps: Partial<AdminDeps> = {}) {
  const clock = manualClock();
  const log = pino({ level: 'silent' });
  const metrics = new Metrics();
  const replica = new Replica({
    engine: memory(),
    clock,
    onFatal: (error) => {
      throw error;
    },
  });
  await replica.start();
  const identity = {
    datacenter: 'dc1',
    nodeName: 'here',
    registryId: '22222222-2222-4222-8222-222222222222',
    nodeId: '11111111-1111-4111-8111-111111111111',
    version: '1.2.3',
    address: '127.0.0.1',
    httpPort: 0,
    httpsPort: 0,
    agentNames: {},
  };
  const wheel = new Wheel({
    clock,
    onError: (error) => {
      throw error;
    },
  });
  const frontend = admin(
    {
      registry: replica,
      configurations: new Configurations({ registry: replica }),
      clients: new Clients({ clock: manualClock(), historyCharactersMax: 0, nodeName: 'here', memberId: 'here', describe: () => undefined }),
      health: idleHealth,
      locks: new Locks({ registry: replica, health: idleHealth, wheel }),
      history: new History({ state: replica.state, clock, bytesMax: 0, log }),
      clock,
      wheel,
      answers: new Answers(0),
      identity,
      limits: defaultLimits,
      security: openSecurity(replica, clock),
      origins: new OriginPolicy(),
      metrics,
      log,
      activity: { find: async () => ({ lines: [], nodes: [], missing: [] }) },
      uuid: () => '22222222-2222-4222-8222-222222222222',
    },
    { ...idle, metricsPage: () => metrics.registry.metrics(), ...deps },
  );
  const listener = await listen({
    at: { host: '127.0.0.1', port: 0 },
    services: frontend.http === undefined ? [] : [frontend.http],
    guard: new ConnectionGuard({ limits: defaultLimits, clock, log }),
    origins: new OriginPolicy(),
    limits: defaultLimits,
    clock,
    log,
  });
  identity.httpPort = listener.port;
  const { port } = listener;

  const call = (
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: Buffer } = {},
  ): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => {});
        response.on('close', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            complete: response.complete,
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });

  return {
    call,
    clock,
    frontend,
    replica,
    port,
    async close() {
      await listener.close(() => frontend.close());
      await replica.close();
    },
  };
}

/** The body as JSON. */
export function parsed(reply: Reply): Record<string, unknown> {
  return JSON.parse(reply.body.toString()) as Record<string, unknown>;
}
