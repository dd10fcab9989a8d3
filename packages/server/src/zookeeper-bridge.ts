/** The bridge between a ZooKeeper and a Rollcall, with the clock of this machine. It is loaded when it is asked for. */

import type { BridgeEnd, BridgeOptions } from './bridge/zookeeper/bridge.ts';
import type { CleanOptions } from './bridge/zookeeper/clean.ts';
import { systemClock } from './clock.ts';

export type { BridgeEnd, BridgeNews } from './bridge/zookeeper/bridge.ts';
export type ZooKeeperBridgeOptions = Omit<BridgeOptions, 'clock'>;

export interface ZooKeeperBridge {
  /** Works until `stop`; resolves when all connections are closed. */
  run(): Promise<void>;
  stop(): Promise<void>;
}

/** Mirrors registrations between a ZooKeeper and a Rollcall. */
export async function zooKeeperBridge(options: ZooKeeperBridgeOptions): Promise<ZooKeeperBridge> {
  const { Bridge } = await import('./bridge/zookeeper/bridge.ts');
  return new Bridge({ ...options, clock: systemClock });
}

/**
 * Removes from one of the servers all that a bridge has put there.
 * @returns how many mirrored registrations were removed
 * @throws RegistryError `failed_precondition` while a bridge of this name works, `unavailable` when the server cannot be reached
 */
export async function cleanZooKeeperBridge(end: BridgeEnd, options: Omit<CleanOptions, 'clock'>): Promise<number> {
  const { cleanBridge } = await import('./bridge/zookeeper/clean.ts');
  return cleanBridge(end, { ...options, clock: systemClock });
}
