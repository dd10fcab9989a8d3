/**
 * The settings of `rollcall serve`, as a table: the name of each on the command line, in the
 * environment and in the configuration file, its meaning, and how its value is read. `resolve.ts`
 * decides which source counts.
 */

import { resolve } from 'node:path';
import type { ConsoleEnvironment, Limits } from '@rollcall/server';
import { parseAddress, parseAddressOrSocket, type Address, type SocketPath } from './address.ts';
import { configSettings, type ConfigSettings } from './config-table.ts';
import { consoleEnvironment } from './console-environment.ts';
import { engineSettings, type EngineSettings } from './engine-table.ts';
import { protocolSettings, type ProtocolSettings } from './protocol-table.ts';
import type { Setting } from './setting.ts';
import {
  agentName,
  byteSize,
  datacenter,
  entries,
  file,
  filled,
  flag,
  hostName,
  limit,
  list,
  nodeName,
  oneOf,
  origin,
  socketFile,
  text,
  workerCount,
  type SocketFile,
} from './values.ts';
import { zookeeperSettings, type ZookeeperSettings } from './zookeeper-table.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const defaultPolicies = ['allow', 'deny'] as const;
export const tlsVersions = ['1.2', '1.3'] as const;

export interface Settings extends EngineSettings, ConfigSettings, ProtocolSettings, ZookeeperSettings {
  /** Undefined: plain HTTP is not served. */
  readonly http: Address | SocketPath | undefined;
  /** Undefined: HTTP over TLS is not served. */
  readonly https: Address | undefined;
  /** Undefined: DNS is not served. */
  readonly dns: Address | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly dev: boolean;
  readonly followers: boolean;
  /** Undefined: a number that suits this machine. */
  readonly workers: number | undefined;
  /** Undefined: derived from the server's address. */
  readonly peerUrl: string | undefined;
  readonly peerCaFile: string | undefined;
  /** Undefined: the host name. */
  readonly nodeName: string | undefined;
  readonly datacenter: string;
  /** Undefined: the console shows no environment. */
  readonly consoleEnvironment: ConsoleEnvironment | undefined;
  readonly logLevel: LogLevel;
  /** PEM; absolute, as all files. */
  readonly tlsCertFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
  /** The authority that must have signed client certificates. */
  readonly tlsCaFile: string | undefined;
  readonly tlsVerifyIncoming: boolean;
  readonly tlsMinVersion: (typeof tlsVersions)[number];
  readonly acl: boolean;
  readonly aclDefaultPolicy: (typeof defaultPolicies)[number];
  /** A secret. */
  readonly aclInitialManagement: string | undefined;
  /** A secret. */
  readonly aclDefaultToken: string | undefined;
  /** Bytes; 0: no history. */
  readonly history: number;
  /** Undefined: no audit log. */
  readonly auditLog: string | undefined;
  readonly probeCaFile: string | undefined;
  readonly unsafeAllowUnauthenticated: boolean;
  readonly unsafeAllowPlaintext: boolean;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly unixSockets: SocketFile;
  readonly agentNames: Readonly<Record<string, string>>;
  readonly limits: Partial<Limits>;
}

export const settingsTable: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
  http: {
    flag: '--http <host:port>',
    env: 'ROLLCALL_HTTP',
    description: 'where to serve HTTP: the Consul API, the native stream, /metrics; port 0 takes a free one, unix:///PATH is a Unix socket, off serves none',
    fallback: '127.0.0.1:8500',
    read: (value) => (value === 'off' ? undefined : parseAddressOrSocket(text(value))),
  },
  https: {
    flag: '--https <host:port>',
    env: 'ROLLCALL_HTTPS',
    description: 'where to serve the same over TLS, such as 0.0.0.0:8501',
    fallback: 'off',
    read: (value) => (value === 'off' ? undefined : parseAddress(text(value))),
  },
  dns: {
    flag: '--dns <host:port>',
    env: 'ROLLCALL_DNS',
    description: 'where to serve DNS, over UDP and TCP; off serves none',
    fallback: '127.0.0.1:8600',
    read: (value) => (value === 'off' ? undefined : parseAddress(text(value))),
  },
  ...protocolSettings,
  ...zookeeperSettings,
  ...engineSettings,
  dataDir: {
    flag: '--data-dir <dir>',
    env: 'ROLLCALL_DATA_DIR',
    description: 'directory of the data, short for --engine embedded:DIR; created when missing',
    fallback: './data',
    read: (value, folder) => resolve(folder, filled(text(value))),
  },
  dev: {
    flag: '--dev',
    env: 'ROLLCALL_DEV',
    description: 'keep everything in memory only, short for --engine memory: it is lost when the server stops',
    fallback: false,
    read: flag,
  },
  followers: {
    flag: '--followers',
    env: 'ROLLCALL_FOLLOWERS',
    description: 'let other nodes follow the log of this one and commit to it',
    fallback: false,
    read: flag,
  },
  peerUrl: {
    flag: '--peer-url <url>',
    env: 'ROLLCALL_PEER_URL',
    description: 'URL at which the other nodes of the store reach this one; made of its own address when not given',
    fallback: undefined,
    read: (value) => (value === undefined ? undefined : origin(value)),
  },
  peerCaFile: {
    flag: '--peer-ca-file <file>',
    env: 'ROLLCALL_PEER_CA_FILE',
    description: 'certificates, in PEM, of the authorities that sign those of the other nodes of the store; the well-known ones when not given',
    fallback: undefined,
    read: file,
  },
  workers: {
    flag: '--workers <count>',
    env: 'ROLLCALL_WORKERS',
    description: 'processes that serve clients beside the one that keeps the log; one less than the cores, and 3 at most, unless there are 2 cores or fewer',
    fallback: undefined,
    read: (value) => (value === undefined ? undefined : workerCount(value)),
  },
  nodeName: {
    flag: '--node-name <name>',
    env: 'ROLLCALL_NODE_NAME',
    description: 'name of the node that clients on this machine register on; the host name when not given',
    fallback: undefined,
    read: (value) => (value === undefined ? undefined : nodeName(text(value))),
  },
  datacenter: {
    flag: '--datacenter <name>',
    env: 'ROLLCALL_DATACENTER',
    description: 'name of the datacenter, as Consul clients see it',
    fallback: 'dc1',
    read: (value) => datacenter(text(value)),
  },
  consoleEnvironment: {
    flag: '--console-environment <name>',
    env: 'ROLLCALL_CONSOLE_ENVIRONMENT',
    description: 'name of the environment that the web console shows on every page, or NAME:COLOUR; production is red',
    fallback: undefined,
    read: (value) => (value === undefined ? undefined : consoleEnvironment(text(value))),
  },
  logLevel: {
    flag: '--log-level <level>',
    env: 'ROLLCALL_LOG_LEVEL',
    description: `least severe log line to write to stderr: ${logLevels.join(', ')}`,
    fallback: 'info',
    read: (value) => oneOf(logLevels, text(value)),
  },
  tlsCertFile: {
    flag: '--tls-cert-file <file>',
    env: 'ROLLCALL_TLS_CERT_FILE',
    description: 'certificate of --https, in PEM, followed by its intermediate certificates',
    fallback: undefined,
    read: file,
  },
  tlsKeyFile: {
    flag: '--tls-key-file <file>',
    env: 'ROLLCALL_TLS_KEY_FILE',
    description: 'private key of that certificate, in PEM',
    fallback: undefined,
    read: file,
  },
  tlsCaFile: {
    flag: '--tls-ca-file <file>',
    env: 'ROLLCALL_TLS_CA_FILE',
    description: 'certificates, in PEM, of the authorities that sign those of clients',
    fallback: undefined,
    read: file,
  },
  tlsVerifyIncoming: {
    flag: '--tls-verify-incoming',
    env: 'ROLLCALL_TLS_VERIFY_INCOMING',
    description: 'refuse TLS clients without a certificate signed by --tls-ca-file',
    fallback: false,
    read: flag,
  },
  tlsMinVersion: {
    flag: '--tls-min-version <version>',
    env: 'ROLLCALL_TLS_MIN_VERSION',
    description: `oldest version of TLS to speak: ${tlsVersions.join(' or ')}`,
    fallback: '1.2',
    read: (value) => oneOf(tlsVersions, text(value)),
  },
  acl: {
    flag: '--acl',
    env: 'ROLLCALL_ACL',
    description: 'ask clients for tokens, as Consul with access control',
    fallback: false,
    read: flag,
  },
  aclDefaultPolicy: {
    flag: '--acl-default-policy <policy>',
    env: 'ROLLCALL_ACL_DEFAULT_POLICY',
    description: `the policy where no rule of a token decides: ${defaultPolicies.join(' or ')}`,
    fallback: 'deny',
    read: (value) => oneOf(defaultPolicies, text(value)),
  },
  aclInitialManagement: {
    env: 'ROLLCALL_ACL_INITIAL_MANAGEMENT',
    description: 'secret of the first token, which may do everything; without it, an operator creates it with "rollcall acl bootstrap"',
    fallback: undefined,
    read: (value) => (value === undefined ? undefined : filled(text(value))),
  },
  aclDefaultToken: {
    env: 'ROLLCALL_ACL_DEFAULT_TOKEN',
    description: 'secret of the token for requests without one',
    fallback: undefined,
    read: (value) => (value === undefined ? undefined : filled(text(value))),
  },
  ...configSettings,
  history: {
    flag: '--history <bytes>',
    env: 'ROLLCALL_HISTORY',
    description: 'bytes of the history, which answers as of past times, such as 256MiB; 0: none',
    fallback: '64MiB',
    read: byteSize,
  },
  auditLog: {
    flag: '--audit-log <file>',
    env: 'ROLLCALL_AUDIT_LOG',
    description: 'file for every change and every denial, as JSON lines that are chained by hashes',
    fallback: undefined,
    read: file,
  },
  probeCaFile: {
    flag: '--probe-ca-file <file>',
    env: 'ROLLCALL_PROBE_CA_FILE',
    description: 'certificates, in PEM, that HTTPS and gRPC checks trust besides the well-known ones',
    fallback: undefined,
    read: file,
  },
  unsafeAllowUnauthenticated: {
    flag: '--unsafe-allow-unauthenticated',
    env: 'ROLLCALL_UNSAFE_ALLOW_UNAUTHENTICATED',
    description: 'listen on addresses that other machines reach, although every client there may then change everything',
    fallback: false,
    read: flag,
  },
  unsafeAllowPlaintext: {
    flag: '--unsafe-allow-plaintext',
    env: 'ROLLCALL_UNSAFE_ALLOW_PLAINTEXT',
    description: 'listen there without TLS, and connect without it to nodes on other machines, although tokens can then be read on their way; still needs --acl',
    fallback: false,
    read: flag,
  },
  allowedHosts: {
    description: 'names by which clients may call the server, `["registry.internal"]`; any when empty, except on loopback',
    fallback: undefined,
    read: (value) => list(value).map(hostName),
  },
  allowedOrigins: {
    description: 'origins whose web pages may send requests, `["https://console.example"]`',
    fallback: undefined,
    read: (value) => list(value).map(origin),
  },
  unixSockets: {
    description: 'permissions of a Unix socket, `{"mode": "660", "group": 1000}`; only the user who runs the server by default',
    fallback: undefined,
    read: socketFile,
  },
  agentNames: {
    description: 'node names for client addresses, `{"10.0.0.7": "db-1"}`; others are named after their address',
    fallback: undefined,
    read: (value) => Object.fromEntries(entries(value).map(agentName)),
  },
  limits: {
    description: 'limits that differ from the defaults, `{"bodyBytesMax": 2097152}`',
    fallback: undefined,
    read: (value) => Object.fromEntries(entries(value).map(limit)),
  },
};
