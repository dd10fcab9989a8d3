/**
 * The port of a front end: one wire protocol on the shared HTTP listener.
 *
 * A front end is a folder with `frontend.ts` (lifecycle), `routes.ts` (the visible surface as a
 * table), `translate.ts` (pure mapping both ways), `wire.ts` (bytes), `errors.ts` (codes to
 * statuses) and a README. It never imports an engine or another front end.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { Health } from '../health/health.ts';
import type { Wheel } from '../health/wheel.ts';
import type { Limits } from '../options.ts';
import type { Registry } from '../registry/registry.ts';
import type { Security } from '../security/security.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Answers } from './answers.ts';
import type { Origins } from './own-origin.ts';

/** Who this server is, as front ends present it. */
export interface Identity {
  readonly datacenter: string;
  readonly nodeName: string;
  /** A UUID, kept in the store. */
  readonly nodeId: string;
  /** Metadata of the server's own node; undefined leaves it as it is. */
  readonly nodeMeta?: Readonly<Record<string, string>>;
  /** The version of the package. */
  readonly version: string;
  /** Address that the server's own node is registered with. */
  readonly address: string;
  /** Port of the HTTP listener, known once it listens; 0 when there is none, or it is a Unix socket. */
  httpPort: number;
  /** Port of the HTTP listener with TLS; 0 likewise. */
  httpsPort: number;
  /** Node names for client addresses that shall not get the derived one (`net/agent-node.ts`). */
  readonly agentNames: Readonly<Record<string, string>>;
}

/** Everything a front end is given. */
export interface Context {
  readonly registry: Registry;
  readonly health: Health;
  readonly clock: Clock;
  /** For every timeout of a request or connection: one timer serves them all. */
  readonly wheel: Wheel;
  readonly answers: Answers;
  readonly identity: Identity;
  readonly limits: Limits;
  /** Who asks and what they may do: every request goes through its gate. */
  readonly security: Security;
  /** Keeps web pages of others out: asked before anything else about a request. */
  readonly origins: Origins;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Reads configuration files again; absent when there are none. */
  readonly reload?: () => Promise<void>;
  /** Random bytes as a UUID (v4). */
  readonly uuid: () => string;
}

/** One HTTP request and its response, with the target split but not decoded. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path as sent: percent-encoded, without the query. */
  readonly path: string;
  /** The query as sent, without the `?`; empty when there is none. */
  readonly query: string;
}

export interface Frontend {
  /** For logs and metrics: `consul`, `stream`, `admin`. */
  readonly name: string;
  /** Paths that start with one of these are this front end's. */
  readonly prefixes: readonly string[];
  /** Answers a request; must not throw and must not reject: errors are answered in its protocol. */
  handle(exchange: Exchange): void;
  /** Called once, when the listener has its port and before `createServer` resolves. */
  start?(): Promise<void>;
  /** Takes over a WebSocket handshake on one of its prefixes. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Answers parked requests and tells streams to go elsewhere; resolves when all are gone. */
  close(): Promise<void>;
}
