/**
 * Consistent hashing without the rest of the client, as `@rollcall/client/hashing`: pure structures that
 * map the hash of a key to a node. README.md in this folder says when to use which.
 */

export { hash32, mix32 } from '@rollcall/protocol';
export { ketamaHash } from './ketama-points.ts';
export type { HashNode, HashNodes, HashTable, NodeFilter } from './hash-table.ts';
export { RingTable } from './ring-table.ts';
export type { RingOptions } from './ring-table.ts';
export { MaglevTable } from './maglev-table.ts';
export type { MaglevOptions } from './maglev-table.ts';
export { Rendezvous } from './rendezvous.ts';
export { jumpHash, JumpTable } from './jump.ts';
export type { BucketTable } from './jump.ts';
export { Memento } from './memento.ts';
export { BoundedLoads } from './bounded-loads.ts';
export type { BoundedLoadsOptions } from './bounded-loads.ts';
