/** A DNS front end on real sockets over a real registry in memory, for the tests of this folder and of conformance. */

import { pino } from 'pino';
import type { CheckStatus } from '@rollcall/protocol';
import { systemClock, type Clock } from '../../clock.ts';
import { memory } from '../../engine/memory/memory.ts';
import type { Health } from '../../health/health.ts';
import { Wheel } from '../../health/wheel.ts';
import { Answers } from '../../net/answers.ts';
import type { Context } from '../../net/frontend.ts';
import { OriginPolicy } from '../../net/own-origin.ts';
import { defaultLimits } from '../../options.ts';
import { Replica } from '../../replica.ts';
import { openSecurity } from '../../security/open-security.case.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { dns, type DnsOptions } from './frontend.ts';

/** One instance on a node of its own, as tests register it. */
export interface Sample {
  /** Node and instance id; the node's address unless `node` says otherwise. */
  readonly id: string;
  readonly service?: string;
  readonly nodeAddress?: string;
  /** The instance's own address. */
  readonly address?: string;
  readonly port?: number;
  readonly tags?: readonly string[];
  readonly weights?: { readonly passing: number; readonly warning: number };
  readonly status?: CheckStatus;
  readonly nodeStatus?: CheckStatus;
  readonly nodeMeta?: Readonly<Record<string, string>>;
}

const raise = (error: unknown) => {
  throw error;
};

export async function startRegistry(clock: Clock = systemClock) {
  const replica = new Replica({ engine: memory(), clock, onFatal: raise });
  await replica.start();
  const wheel = new Wheel({ clock, onError: raise });
  const health: Health = {
    beat: () => Promise.resolve(false),
    restart: () => undefined,
    output: () => undefined,
    renewSession: () => false,
    streamOpened: () => Promise.resolve(),
    streamClosed: () => Promise.resolve(),
  };
  const context: Context = {
    registry: replica,
    health,
    clock,
    wheel,
    answers: new Answers(0),
    identity: {
      datacenter: 'dc1',
      nodeName: 'here',
      nodeId: '11111111-1111-4111-8111-111111111111',
      version: '1.2.3',
      address: '127.0.0.1',
      httpPort: 0,
      httpsPort: 0,
      agentNames: {},
    },
    limits: defaultLimits,
    security: openSecurity(replica, clock),
    origins: new OriginPolicy(),
    metrics: new Metrics(),
    log: pino({ level: 'silent' }),
    uuid: () => '22222222-2222-4222-8222-222222222222',
  };
  return {
    context,
    replica,
    register: (sample: Sample) => replica.submit(registration(sample)),
    deregister: (id: string) => replica.submit({ kind: 'deregister-instance', node: id, id }),
    async close() {
      wheel.close();
      await replica.close();
    },
  };
}

export async function startDns(options: Partial<DnsOptions> = {}, clock: Clock = systemClock) {
  const registry = await startRegistry(clock);
  const frontend = dns(registry.context, { host: '127.0.0.1', port: 0, ...options });
  const { port } = await frontend.start();
  return {
    ...registry,
    port,
    frontend,
    async close() {
      await frontend.close();
      await registry.close();
    },
  };
}

function registration(sample: Sample) {
  const { id, service = 'web', nodeAddress = '10.0.0.1', address = '', port = 80, tags = [], weights } = sample;
  return {
    kind: 'register',
    node: { name: id, address: nodeAddress, meta: sample.nodeMeta ?? {} },
    nodeMode: 'update',
    instances: [{ id, service, address, port, tags, ...(weights === undefined ? {} : { weights }) }],
    checks: [
      { id: `of ${id}`, name: id, instance: id, status: sample.status ?? 'passing' },
      { id: 'node', name: 'node', status: sample.nodeStatus ?? 'passing' },
    ],
  } as const;
}
