/** What a subscription reads resources from: one type of resources as one client may see them. */

import type { Resource } from '../resources/resource.ts';

/** A resource; null for one that does not exist; undefined while that is not known. */
export type Found = Resource | null | undefined;

export interface Shelf {
  get(name: string): Found;
  /** All resources of a wildcard by name, a new map for each change; undefined while they are not known. */
  all(): ReadonlyMap<string, Resource> | undefined;
}

/** A response to send, but for what all responses have. */
export interface News {
  readonly nonce: string;
  readonly resources: Iterable<Resource>;
  /** Names of resources that are gone; empty for state of the world, which says it by leaving them out. */
  readonly removed: readonly string[];
  /** Names of resources that the client gets for the first time, or with another content. */
  readonly changed: readonly string[];
}

/** What a request said about the last response. */
export type Verdict = 'first' | 'ack' | 'nack' | 'stale';

/** Types of which a client may ask for all (`xds_protocol`, "How the client specifies what resources to return"). */
export function hasWildcard(type: string): boolean {
  return type === 'listener' || type === 'cluster';
}
