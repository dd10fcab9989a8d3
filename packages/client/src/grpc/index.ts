/**
 * gRPC: `rollcall:///orders` in `@grpc/grpc-js`, and every balancer as one of its load-balancing policies.
 *
 *     registerRollcall(rollcall.source);
 *     new Orders('rollcall:///orders', credentials.createInsecure(), channelOptions('peak_ewma'));
 *
 * grpc-js keeps resolvers and policies by name for the whole process, so call this once, at the start. grpc-js marks
 * its interfaces for them as experimental; this was tested with grpc-js 1.14.7.
 */

import type { SnapshotSource } from '../source/snapshot-source.ts';
import { registerPolicies } from './load-balancer.ts';
import { registerScheme } from './resolver.ts';

export { channelOptions } from './channel-options.ts';
export type { MethodOptions, PolicyOptions } from './channel-options.ts';
export type { PolicyName } from './policies.ts';

/**
 * Registers the scheme `rollcall` and all policies for this process. Each call adds a source: a service has the instances
 * of all of them.
 * @param source of instances: `rollcall.source`, or a `StaticSource`
 * @returns removes the source again, for use before its client is closed; idempotent
 */
export function registerRollcall(source: SnapshotSource): () => void {
  registerPolicies();
  return registerScheme(source);
}
