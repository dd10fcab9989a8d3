/** What a server can be told when it is made. */

import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Engine } from './engine/engine.ts';
import type { DnsOptions } from './frontend/dns/frontend.ts';
import type { TlsFiles } from './net/listen-address.ts';
import type { Limits } from './options.ts';
import type { DefaultPolicy } from './security/authorizer.ts';

export interface TcpOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** A free one by default. */
  readonly port?: number;
}

/** A Unix socket; a file that is left there from a server that is gone is replaced. */
export interface SocketOptions {
  /** Absolute. */
  readonly path: string;
  /** Permission bits; 0o600 by default, since a program that can open it needs only the token that access control demands. */
  readonly mode?: number;
  /** The owner; by default the user that runs the server. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Files as in `TlsFiles`. */
export interface HttpsOptions extends TcpOptions, TlsFiles {}

/** Who may do what; see `security/README.md`. */
export interface AccessOptions {
  /** What callers may do where no rule says anything; `deny` by default. */
  readonly defaultPolicy?: DefaultPolicy;
  /** Secret of the first management token; without it, an operator calls `PUT /v1/acl/bootstrap`, once. */
  readonly initialManagement?: string;
  /** Secret of the token that stands in for requests without one; the anonymous token's otherwise. */
  readonly defaultToken?: string;
}

/** As in the table of front ends (`frontends.ts`). */
export type FrontendName = 'consul' | 'stream' | 'admin' | 'dns';

export interface ServerOptions {
  /** `memory()` by default; the server closes it. */
  readonly engine?: Engine | Promise<Engine>;
  /** Where plain HTTP is served: 127.0.0.1 and a free port by default; false serves none. */
  readonly http?: TcpOptions | SocketOptions | false;
  /** Where HTTP over TLS is served; not at all by default. */
  readonly https?: HttpsOptions;
  /**
   * Where and how DNS is served, over UDP and TCP; not at all by default. `optional`: when the
   * address is taken, the server starts without DNS and says so in its log.
   */
  readonly dns?: DnsOptions & TcpOptions & { readonly optional?: boolean };
  /**
   * Front ends that run; by default those that are served over HTTP, and `dns` when it has options. At least one must be
   * served over HTTP.
   */
  readonly frontends?: readonly FrontendName[];
  /** Access control; off by default: every caller may do everything. */
  readonly acl?: AccessOptions;
  /** File of the audit log (`security/audit.ts`); none by default. */
  readonly auditFile?: string;
  /** Allows listeners beyond loopback although callers need no token. */
  readonly unsafeAllowUnauthenticated?: boolean;
  /** Allows plain HTTP beyond loopback, where every machine on the path can read the tokens; needs access control all the same. */
  readonly unsafeAllowPlaintext?: boolean;
  /** Names by which clients may call the server (`net/own-origin.ts`); by default any, but on loopback. */
  readonly allowedHosts?: readonly string[];
  /** Origins whose web pages may send requests: `https://console.example`; none by default. */
  readonly allowedOrigins?: readonly string[];
  /** File with certificates (PEM) that probes trust besides the well-known ones. */
  readonly probeCaFile?: string;
  /** Name of the server's own node; the host name by default. */
  readonly nodeName?: string;
  /** A UUID for the server's own node; one that is made once and kept in the store by default. */
  readonly nodeId?: string;
  /** Metadata of the server's own node; as it stands in the store by default. */
  readonly nodeMeta?: Readonly<Record<string, string>>;
  /** Reads configuration files again, when a client asks for that; does nothing by default. A rejection is its answer. */
  readonly reload?: () => Promise<void>;
  /** `dc1` by default, as in Consul. */
  readonly datacenter?: string;
  /** Node names of client addresses; see `net/agent-node.ts`. */
  readonly agentNames?: Readonly<Record<string, string>>;
  readonly limits?: Partial<Limits>;
  /** Silent by default. */
  readonly log?: Logger;
  readonly clock?: Clock;
}
