/**
 * The clients that are connected to this node, as its front ends know them, and as lists show them. What a client watches is read when a list
 * is asked for, so a connection pays nothing for being listed.
 */

import type { ClientInstance, ClientPicks, ClientRelease, ClientWatch } from '@rollcall/protocol';

/** A client of one front end. The lists are read at most once for each answer. */
export interface ConnectedClient {
  /** Stands for the connection for as long as it lives; a text if the front end knows no connection. */
  readonly key: object | string;
  /** Name of the client, for people. */
  readonly client: string;
  /** Namespace of names that the client gives without one. */
  readonly namespace: string;
  /** Program and version of its library: `@rollcall/client/0.1.0`, `envoy/1.31.0`. */
  readonly version?: string | undefined;
  readonly address?: string | undefined;
  /** Public id of its token; absent for a client without one. */
  readonly accessorId?: string | undefined;
  /** Protocol: `stream`, `xds`, `zookeeper`, `nacos`, `flagd`, `apollo`, `consul`. */
  readonly via: string;
  /** When it connected, in milliseconds since the Unix epoch; absent when that is not known. */
  readonly sinceMs?: number | undefined;
  instances?(): Iterable<ClientInstance>;
  watches?(): Iterable<ClientWatch>;
  releases?(): Iterable<ClientRelease>;
  picks?(): Iterable<ClientPicks>;
}

/** The clients of a front end; undefined is a step without a client, so that a long search can be interrupted. */
export type ClientSource = () => Iterable<ConnectedClient | undefined>;

/** Entries of each list of one client that an answer shows; a client may watch 10,000 views. */
export const listedMax = 100;
