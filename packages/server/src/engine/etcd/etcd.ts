/**
 * An engine over etcd, for several nodes on one store. What it is made of is loaded when it is opened (`open.ts`): the gRPC client
 * below it takes 86 ms of processor time to load, which other servers must not pay at each start.
 */

import type { Engine } from '../engine.ts';
import type { EtcdOptions } from './options.ts';

export type { EtcdOptions } from './options.ts';

/**
 * Connects to etcd and begins a registry there if there is none.
 * @throws RegistryError `invalid_argument` for options that cannot be; `unavailable` when no member serves; `failed_precondition`
 *   when etcd is too old, its limits are too low, or a newer Rollcall wrote the store
 */
export async function etcd(options: EtcdOptions): Promise<Engine> {
  const { openEtcd } = await import('./open.ts');
  return openEtcd(options);
}
