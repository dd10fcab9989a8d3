/**
 * The port of a front end: one wire protocol, served on the shared HTTP listeners, the shared gRPC listener, its own listeners, or several of these.
 * A front end says what it serves where; the composition root checks the addresses, opens them and closes them.
 *
 * A front end is a folder with `frontend.ts` (lifecycle), `routes.ts` (the visible surface as a
 * table), `translate.ts` (pure mapping both ways), `wire.ts` (bytes), `errors.ts` (codes to
 * statuses) and a README. It never imports an engine or another front end.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Clients } from '../clients/clients.ts';
import type { Clock } from '../clock.ts';
import type { Configurations } from '../configurations/configurations.ts';
import type { Health } from '../health/health.ts';
import type { Wheel } from '../health/wheel.ts';
import type { History } from '../history/history.ts';
import type { Locks } from '../locks/locks.ts';
import type { Limits } from '../options.ts';
import type { Registry } from '../registry/registry.ts';
import type { Security } from '../security/security.ts';
import type { LogLines } from '../telemetry/log-tap.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ActivityLog } from './activity-log.ts';
import type { Answers } from './answers.ts';
import type { Certificates } from './certificates.ts';
import type { ConnectionGuard } from './connection-guard.ts';
import type { GrpcMethod } from './grpc/method.ts';
import type { ListenAddress } from './listen-address.ts';
import type { Origins } from './own-origin.ts';

/** The identity of this server, as front ends present it. */
export interface Identity {
  readonly datacenter: string;
  /** A UUID that names the store: the same on every node of it. */
  readonly registryId: string;
  readonly nodeName: string;
  /** A UUID that names this node; the only node of a store has the store's. */
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
  /** Node names for client addresses in place of the derived ones (`net/agent-node.ts`). */
  readonly agentNames: Readonly<Record<string, string>>;
}

/** Everything a front end is given. */
export interface Context {
  readonly registry: Registry;
  /** Reads and writes configurations, for every protocol. */
  readonly configurations: Configurations;
  /** The clients that are connected: front ends with lasting connections add theirs. */
  readonly clients: Clients;
  readonly health: Health;
  /** Locks and their sessions, for every protocol. */
  readonly locks: Locks;
  /** The registry as it was at a past time. */
  readonly history: History;
  readonly clock: Clock;
  /** For every timeout of a request or connection: one timer serves them all. */
  readonly wheel: Wheel;
  readonly answers: Answers;
  readonly identity: Identity;
  readonly limits: Limits;
  /** Finds callers and their permissions: every request goes through its gate. */
  readonly security: Security;
  /** The newest lines of the audit logs of all nodes. */
  readonly activity: ActivityLog;
  /** Keeps web pages of others out: asked before anything else about a request. */
  readonly origins: Origins;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** The lines of the log of all processes of this server; absent when they cannot be followed. */
  readonly logLines?: LogLines;
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

/** The part of a front end that it serves on the shared HTTP listeners: plain HTTP, TLS and a Unix socket alike. */
export interface HttpService {
  /** Paths that start with one of these belong to this front end. */
  readonly prefixes: readonly string[];
  /** The path of the page for people, to which a request for `/` is redirected; one front end has one. */
  readonly home?: string | undefined;
  /** Answers a request; must not throw and must not reject: errors are answered in its protocol. */
  handle(exchange: Exchange): void;
  /** Takes over a WebSocket handshake on one of the prefixes. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** The parts of a listener that the composition root has prepared. */
export interface Opening {
  /** Each TCP connection must be admitted before it is served, unless the front end has its own limit. */
  readonly guard: ConnectionGuard;
  /** Present when the address has TLS files. The listener follows `onChange` until it closes. */
  readonly certificates?: Certificates | undefined;
}

/** An open listener: HTTP, or one of a front end. */
export interface Listener {
  /** 0 for a Unix socket. */
  readonly port: number;
  /**
   * Accepts nothing more, lets the front ends answer what waits, then closes every connection.
   * @param answerWaiting closes all front ends, whichever listener calls it first
   */
  close(answerWaiting: () => Promise<unknown>): Promise<void>;
}

export interface Frontend {
  /** For logs and metrics: `consul`, `stream`, `admin`, `dns`. */
  readonly name: string;
  readonly http?: HttpService;
  /**
   * The methods that it serves on the gRPC listener that all front ends share. Called only by a server that has this listener, once, before
   * it is opened: a front end may load there what only gRPC needs. No other front end may have the same path.
   */
  grpc?(): Promise<readonly GrpcMethod[]>;
  /** Called once, when the HTTP listeners are open and before its own are. */
  start?(): Promise<void>;
  /**
   * Opens one of its own listeners: UDP, TCP, HTTP/2 or another protocol. Called once for each address that the table of front
   * ends declares for it (`frontends.ts`); the bind policy has allowed the address.
   * @throws RegistryError `failed_precondition` when another program has the address
   */
  listen?(address: ListenAddress, opening: Opening): Promise<Listener>;
  /** Called when the nodes of the store have changed; never on a store that one node has for itself. */
  membersChanged?(): void;
  /** Sends clients with lasting connections to other servers, a few at a time, and takes no new ones; resolves when they are gone. */
  drain?(): Promise<void>;
  /** Answers parked requests and tells streams to go elsewhere; resolves when all are gone. Called once, even if it never started. */
  close(): Promise<void>;
}
