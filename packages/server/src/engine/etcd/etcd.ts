/**
 * An engine over etcd, for several nodes on one store. Its parts are loaded when it is opened (`open.ts`): loading the gRPC
 * client takes 86 ms of processor time, which would slow the start of every server without etcd.
 */

import type { Engine } from '../engine.ts';
import type { EtcdOptions } from './options.ts';

export type { EtcdOptions } from './options.ts';

/**
 * Connects to etcd and begins a registry there if there is none.
 * @throws RegistryError `invalid_argument` for invalid options; `unavailable` when no member serves; `failed_precondition`
 *   when etcd is too old, its limits are too low, or a newer Rollcall wrote the store
 */
export async function etcd(options: EtcdOptions): Promise<Engine> {
  const { openEtcd } = await import('./open.ts');
  return openEtcd(options);
}
