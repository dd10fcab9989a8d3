/** A DNS front end on real sockets over a real registry in memory, for the tests of this folder and of conformance. */

import { pino } from 'pino';
import type { CheckStatus } from '@rollcall/protocol';
import { systemClock, type Clock } from '../../clock.ts';
import { memory } from '../../engine/memory/memory.ts';
import { Clients } from '../../clients/clients.ts';
import { Configurations } from '../../configurations/configurations.ts';
import { Locks } from '../../locks/locks.ts';
import { idleHealth } from '../../health/idle-health.case.ts';
import { History } from '../../history/history.ts';
import { Wheel } from '../../health/wheel.ts';
import { Answers } from '../../net/answers.ts';
import { ConnectionGuard } from '../../net/connection-guard.ts';
import type { Context, Frontend, Listener } from '../../net/frontend.ts';
import type { TcpAddress } from '../../net/listen-address.ts';
import { OriginPolicy } from '../../net/own-origin.ts';
import { defaultLimits } from '../../options.ts';
import { Replica } from '../../replica.ts';
import { openSecurity } from '../../security/open-security.case.ts';
import { Metrics } from '../../telemetry/metrics.ts';
import { dns, type DnsOptions } from './frontend.ts';

/** One instance on a separate node, as tests register it. */
export interface Sample {
  /** Node and instance id; the node's address unless `node` says otherwise. */
  readonly id: string;
  readonly namespace?: string;
  readonly service?: string;
  readonly nodeAddress?: string;
  /** The instance's own address. */
  readonly address?: string;
  readonly port?: number;
  readonly tags?: readonly string[];
  readonly weight?: number;
  readonly warningWeight?: number;
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
  const context: Context = {
    registry: replica,
    configurations: new Configurations({ registry: replica }),
    clients: new Clients({ clock: systemClock, historyCharactersMax: 0, nodeName: 'here', memberId: 'here', describe: () => undefined }),
    health: idleHealth,
    locks: new Locks({ registry: replica, health: idleHealth, wheel }),
    history: new History({ state: replica.state, clock, bytesMax: 0, log: pino({ level: 'silent' }) }),
    clock,
    wheel,
    answers: new Answers(0),
    identity: {
      datacenter: 'dc1',
      nodeName: 'here',
      registryId: '22222222-2222-4222-8222-222222222222',
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
    activity: { find: async () => ({ lines: [], nodes: [], missing: [] }) },
    uuid: () => '22222222-2222-4222-8222-222222222222',
  };
  return {
    context,
    replica,
    /** Creates the namespace if it is missing. */
    register: async (sample: Sample) => {
      const { namespace: name = 'default' } = sample;
      if (name !== 'default') await replica.submit({ kind: 'namespace-put', name });
      return replica.submit(registration(sample));
    },
    deregister: (id: string) => replica.submit({ kind: 'deregister-instance', namespace: 'default', node: id, id }),
    async close() {
      wheel.close();
      await replica.close();
    },
  };
}

export async function startDns({ host, port, ...options }: DnsOptions & Partial<TcpAddress> = {}, clock: Clock = systemClock) {
  const registry = await startRegistry(clock);
  const frontend = dns(registry.context, options);
  await frontend.start?.();
  const listener = await listenOn(registry.context, frontend, { host, port });
  return {
    ...registry,
    port: listener.port,
    stopServing: () => listener.close(() => frontend.close()),
    async close() {
      await listener.close(() => frontend.close());
      await registry.close();
    },
  };
}

interface MaybeAt {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** Opens the front end's listener as the composition root would; on loopback and a free port by default. */
export function listenOn({ clock, limits, log }: Context, frontend: Frontend, { host = '127.0.0.1', port = 0 }: MaybeAt): Promise<Listener> {
  const guard = new ConnectionGuard({ limits, clock, log });
  const opened = frontend.listen?.({ name: 'dns', at: { host, port }, tokens: false }, { guard });
  return opened ?? Promise.reject(new Error('this front end has no listener'));
}

function registration(sample: Sample) {
  const { id, namespace = 'default', service = 'web', nodeAddress = '10.0.0.1', address = '', port = 80, tags = [], weight = 1 } = sample;
  const { warningWeight = weight } = sample;
  return {
    kind: 'register',
    namespace,
    node: { name: id, address: nodeAddress, meta: sample.nodeMeta ?? {} },
    nodeMode: 'update',
    instances: [{ id, service, address, port, tags, weight, warningWeight }],
    checks: [
      { id: `of ${id}`, name: id, instance: id, status: sample.status ?? 'passing' },
      { id: 'node', name: 'node', status: sample.nodeStatus ?? 'passing' },
    ],
  } as const;
}
