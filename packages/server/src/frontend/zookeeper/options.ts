/** Options of the front end. */

import type { InstanceBases } from '../../registry/kind/znode/commands.ts';
import type { ZnodeFamily } from '../../registry/kind/znode/curator.ts';

export interface ZookeeperOptions {
  /** The namespace whose znodes, sessions and instances clients see; `default` by default. */
  readonly namespace?: string;
  /** Unit of the time-outs of sessions, which are 2 to 20 of them; 2,000 ms by default, as in ZooKeeper. */
  readonly tickMs?: number;
  /** Path below which Curator's service discovery registers instances; `/services` by default. */
  readonly base?: string;
  /** The same of Dubbo's interfaces; `/dubbo` by default. */
  readonly dubboBase?: string;
  /** In whose words instances of other protocols are shown; `curator` by default. */
  readonly family?: ZnodeFamily;
  /** Commands of four letters that the port answers, `*` for all; `srvr` by default, as in ZooKeeper. */
  readonly fourLetterWords?: readonly string[];
}

export type Settled = Required<ZookeeperOptions>;

export function settled(options: ZookeeperOptions): Settled {
  return { namespace: 'default', tickMs: 2_000, base: '/services', dubboBase: '/dubbo', family: 'curator', fourLetterWords: ['srvr'], ...options };
}

/** Where znodes are instances as well. */
export function basesOf({ base: curator, dubboBase: dubbo }: Pick<Settled, 'base' | 'dubboBase'>): InstanceBases {
  return { curator, dubbo };
}

/** A session lasts at least so many ticks without a sign of life, and at most so many (`ZooKeeperServer.java`). */
const ticksMin = 2;
const ticksMax = 20;

export const timeoutMsMin = ({ tickMs }: Pick<Settled, 'tickMs'>) => tickMs * ticksMin;
export const timeoutMsMax = ({ tickMs }: Pick<Settled, 'tickMs'>) => tickMs * ticksMax;

/** The time-out that a session gets. @param asked by the client, in milliseconds */
export function negotiated(asked: number, options: Pick<Settled, 'tickMs'>): number {
  return Math.min(Math.max(asked, timeoutMsMin(options)), timeoutMsMax(options));
}
