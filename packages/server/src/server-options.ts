/** The options of `createServer`. */

import type { KeyRingOptions } from './config-content/key-ring.ts';
import type { Logger } from 'pino';
import type { Clock } from './clock.ts';
import type { Engine } from './engine/engine.ts';
import type { ConsoleEnvironment } from './frontend/console/environment.ts';
import type { DnsOptions } from './frontend/dns/frontend.ts';
import type { EurekaOptions } from './frontend/eureka/frontend.ts';
import type { ZookeeperOptions } from './frontend/zookeeper/options.ts';
import type { TlsFiles } from './net/listen-address.ts';
import type { Limits } from './options.ts';
import type { DefaultPolicy } from './security/authorizer.ts';

export interface TcpOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** A free port by default. */
  readonly port?: number;
}

/** A Unix socket. The socket file of a server that was killed is replaced. */
export interface SocketOptions {
  /** Absolute path. */
  readonly path: string;
  /** Permission bits; 0o600 by default, since access control is the only other protection of the socket. */
  readonly mode?: number;
  /** The owner; by default the user that runs the server. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Files as in `TlsFiles`. */
export interface HttpsOptions extends TcpOptions, TlsFiles {}

/** Access control; see `security/README.md`. */
export interface AccessOptions {
  /** What callers may do when no rule applies; `deny` by default. */
  readonly defaultPolicy?: DefaultPolicy;
  /** Secret of the first management token; without it, an operator calls `PUT /v1/acl/bootstrap`, once. */
  readonly initialManagement?: string;
  /** Secret of the token for requests without one; the anonymous token by default. */
  readonly defaultToken?: string;
}

export interface HistoryLimits {
  /** Most bytes of it; 64 MiB by default, some 200,000 changes of checks. The oldest are forgotten beyond that. 0: none. */
  readonly bytesMax?: number;
  /**
   * Folder where it survives a restart; created if it is missing, and this server's alone. By default it is in memory, and begins with each
   * start.
   */
  readonly folder?: string;
  /** Folder where past clients and their calls survive a restart, this process's alone; by default `clients` in `folder`. */
  readonly clientsFolder?: string;
}

export interface WorkerOptions {
  /** Name under which it is a member of the store. */
  readonly memberId: string;
  /** From 1: which of the workers it is, for people. */
  readonly number: number;
}

/** As in the table of front ends (`frontends.ts`). */
export type FrontendName = 'consul' | 'stream' | 'admin' | 'config' | 'peer' | 'eureka' | 'nacos' | 'prometheus' | 'locks' | 'keys' | 'routes' | 'actions' | 'catalog' | 'ofrep' | 'spring-config' | 'apollo' | 'console' | 'history' | 'clients' | 'access' | 'activity' | 'webhooks' | 'agents' | 'xds' | 'flagd' | 'dns' | 'zookeeper';

export interface ServerOptions {
  /** `memory()` by default; the server closes it. */
  readonly engine?: Engine | Promise<Engine>;
  /**
   * Whether other nodes may follow the log of this node's store and commit to it (`frontend/peer`); false by default. Not
   * needed for a store that several nodes open themselves.
   */
  readonly followers?: boolean;
  /**
   * URL at which the other nodes of the store reach this one: `https://10.0.0.1:8501`. By default it is derived from the
   * listener, which must then be bound to one address.
   */
  readonly peerUrl?: string;
  /**
   * File with the certificates (PEM) of the authorities that signed those of the other nodes of the store; the well-known ones by
   * default. This node sends them the cluster key, so it trusts no others then. Read at the start.
   */
  readonly peerCaFile?: string;
  /** Address of plain HTTP: 127.0.0.1 and a free port by default; false for none. */
  readonly http?: TcpOptions | SocketOptions | false;
  /** Address of HTTP over TLS; none by default. */
  readonly https?: HttpsOptions;
  /** Address of plain HTTP that serves only other nodes, beside the other listeners or alone; none by default. */
  readonly nodes?: TcpOptions;
  /** This process is a worker: it shares listeners by `node:cluster`, and its node id with the primary it follows. */
  readonly worker?: WorkerOptions;
  /** The history, which answers as of past times (`history/`). */
  readonly history?: HistoryLimits;
  /**
   * Address and options of DNS, over UDP and TCP; none by default. With `optional`, the server starts without DNS when the
   * address is taken, and logs a warning.
   */
  readonly dns?: DnsOptions & TcpOptions & { readonly optional?: boolean };
  /**
   * Options of Eureka's API. With a `port`, HTTP is served there, too: the same front ends as on the other listeners. Without one, the
   * paths of Eureka are served on those alone. With `tls` that port is over TLS.
   */
  readonly eureka?: EurekaOptions & TcpOptions & { readonly tls?: TlsFiles };
  /**
   * Address beside the other listeners for clients of Nacos, which expect its port (8848), and gRPC 1,000 ports above it; none by
   * default, and no gRPC then. Nacos' paths are served on every HTTP listener. With `tls` both are over TLS.
   */
  readonly nacos?: TcpOptions & { readonly tls?: TlsFiles };
  /**
   * Address of gRPC, which all front ends with gRPC methods share: xDS; none by default. With `tls` it is over TLS. With `optional`, the
   * server starts without gRPC when the address is taken, and logs a warning.
   */
  readonly grpc?: TcpOptions & { readonly tls?: TlsFiles; readonly optional?: boolean };
  /** Address and options for ZooKeeper's clients; none by default. Their port is 2181. With `tls` it is over TLS. */
  readonly zookeeper?: ZookeeperOptions & TcpOptions & { readonly tls?: TlsFiles };
  /**
   * Front ends that run; by default those that are served over HTTP, and `dns` when it has options. At least one must be
   * served over HTTP.
   */
  readonly frontends?: readonly FrontendName[];
  /** Access control; off by default: every caller may do everything. */
  readonly acl?: AccessOptions;
  /** Folder with the files of the web console; by default those that this package contains. */
  readonly consoleFolder?: string;
  /** Name and colour of the environment, which the console shows on top of every page; none by default. */
  readonly consoleEnvironment?: ConsoleEnvironment;
  /** Whether Consul's KV shows each configuration as a key `config/APP/NAME`, which then can only be read through every protocol; false by default. */
  readonly configurationsInKv?: boolean;
  /** File with the access keys of apps whose Apollo clients sign their requests (`frontend/apollo/access-keys.ts`); read at the start. */
  readonly apolloKeysFile?: string;
  /** File of the audit log (`security/audit.ts`); none by default. */
  readonly auditFile?: string;
  /** Where the keys that encrypt secrets in configurations come from; without them no content may have a secret. */
  readonly configKeys?: KeyRingOptions;
  /** Allows listeners beyond loopback although callers need no token. */
  readonly unsafeAllowUnauthenticated?: boolean;
  /**
   * Allows plain HTTP beyond loopback, where every machine on the path can read the tokens; still needs access control. Also allows
   * connections to other nodes at such addresses, although the cluster key can then be read.
   */
  readonly unsafeAllowPlaintext?: boolean;
  /** Names by which clients may call the server (`net/own-origin.ts`); any by default, except on loopback. */
  readonly allowedHosts?: readonly string[];
  /** Origins whose web pages may send requests: `https://console.example`; none by default. */
  readonly allowedOrigins?: readonly string[];
  /** File with certificates (PEM) that probes trust besides the well-known ones. */
  readonly probeCaFile?: string;
  /** Name of the server's own node; the host name by default. */
  readonly nodeName?: string;
  /**
   * UUID of the server's own node. By default it is created once and stored: the only node of a store has the store's id;
   * several nodes have an id for each `nodeName`.
   */
  readonly nodeId?: string;
  /** Metadata of the server's own node; unchanged in the store by default. */
  readonly nodeMeta?: Readonly<Record<string, string>>;
  /** Called when a client asks to reload the configuration files; a rejection becomes the answer. No effect by default. */
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
