/**
 * The settings of `rollcall serve`, as a table: what each is called on the command line, in the
 * environment and in the configuration file, what it means, and how its value is read. Where a value
 * is taken from is decided in `resolve.ts`.
 */

import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Limits } from '@rollcall/server';
import { parseAddress, type Address } from './address.ts';
import { nearest } from './nearest.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface Settings {
  readonly http: Address;
  /** Undefined: DNS is not served. */
  readonly dns: Address | undefined;
  /** Absolute. */
  readonly dataDir: string;
  readonly dev: boolean;
  /** Undefined: the server takes the host name. */
  readonly nodeName: string | undefined;
  readonly datacenter: string;
  readonly logLevel: LogLevel;
  readonly unsafeAllowUnauthenticated: boolean;
  readonly agentNames: Readonly<Record<string, string>>;
  readonly limits: Partial<Limits>;
}

export interface Setting<T> {
  /** Absent: settable in the configuration file only. */
  readonly flag?: string;
  readonly env?: string;
  readonly description: string;
  /** Read like a value that was given as text. */
  readonly fallback: string | boolean | undefined;
  /**
   * @param value text from the command line or the environment, anything from a configuration file
   * @param folder what relative paths are relative to
   * @throws Error whose message completes `<where>: `
   */
  readonly read: (value: unknown, folder: string) => T;
}

export const settingsTable: { readonly [K in keyof Settings]: Setting<Settings[K]> } = {
  http: {
    flag: '--http <host:port>',
    env: 'ROLLCALL_HTTP',
    description: 'where to serve HTTP: the Consul API, the native stream, /metrics; port 0 takes a free one',
    fallback: '127.0.0.1:8500',
    read: (value) => parseAddress(text(value)),
  },
  dns: {
    flag: '--dns <host:port>',
    env: 'ROLLCALL_DNS',
    description: 'where to serve DNS, over UDP and TCP; off serves none',
    fallback: '127.0.0.1:8600',
    read: (value) => (value === 'off' ? undefined : parseAddress(text(value))),
  },
  dataDir: {
    flag: '--data-dir <dir>',
    env: 'ROLLCALL_DATA_DIR',
    description: 'where to keep what is registered; created when missing',
    fallback: './data',
    read: (value, folder) => resolve(folder, filled(text(value))),
  },
  dev: {
    flag: '--dev',
    env: 'ROLLCALL_DEV',
    description: 'keep everything in memory only: it is lost when the server stops',
    fallback: false,
    read: flag,
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
  logLevel: {
    flag: '--log-level <level>',
    env: 'ROLLCALL_LOG_LEVEL',
    description: `least severe log line to write to stderr: ${logLevels.join(', ')}`,
    fallback: 'info',
    read: (value) => oneOf(logLevels, text(value)),
  },
  unsafeAllowUnauthenticated: {
    flag: '--unsafe-allow-unauthenticated',
    env: 'ROLLCALL_UNSAFE_ALLOW_UNAUTHENTICATED',
    description: 'listen on addresses that other machines reach, though anyone there may then change everything',
    fallback: false,
    read: flag,
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

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`${JSON.stringify(value)} is not text`);
  return value;
}

function filled(value: string): string {
  if (value === '') throw new Error('it is empty');
  return value;
}

function flag(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0' || value === '') return false;
  throw new Error(`${JSON.stringify(value)} is neither true nor false`);
}

/** As the server takes it from clients (`net/agent-node.ts`). */
function nodeName(value: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(value)) return value;
  throw new Error(
    `${JSON.stringify(value)} is not a node name; use letters, digits, dots, dashes and underscores, at most 253`,
  );
}

/** As Consul allows it: it becomes a label of DNS names. */
function datacenter(value: string): string {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(value)) return value;
  throw new Error(
    `${JSON.stringify(value)} is not a datacenter; use lower-case letters, digits, dashes and underscores, at most 63`,
  );
}

function oneOf<T extends string>(allowed: readonly T[], value: string): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Error(`${JSON.stringify(value)} is not one of ${allowed.join(', ')}`);
  return found;
}

function entries(value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new Error(`${JSON.stringify(value)} is not an object`);
}

function agentName([address, name]: [string, unknown]): [string, string] {
  if (isIP(address) === 0) throw new Error(`${JSON.stringify(address)} is not an IP address`);
  return [address, nodeName(text(name))];
}

/** Which limits there are, the server knows: see `resolve.ts`. */
function limit([name, value]: [string, unknown]): [string, number] {
  if (Number.isSafeInteger(value) && (value as number) > 0) return [name, value as number];
  throw new Error(`${name} is ${JSON.stringify(value)}, but must be a whole number above 0`);
}

/** `unknown limit "parkedmax"; did you mean "parkedMax"?` */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
  return `unknown ${what} ${JSON.stringify(name)}; ${hint}`;
}
