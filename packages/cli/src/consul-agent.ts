/**
 * Consul's agent flags and configuration files, as settings of `rollcall serve`. Pure: files are read
 * by the caller. Names: https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file
 *
 * What has no counterpart here (gossip, Raft, mesh, telemetry …) is named in a warning, so that nobody
 * believes it is in force.
 */

import { resolve } from 'node:path';
import { usage } from './failure.ts';
import { defaultSettings } from './settings/resolve.ts';
import { logLevels, type LogLevel, type Settings } from './settings/table.ts';

/** By the names of commander. */
export interface AgentFlags {
  readonly dev?: true;
  readonly dataDir?: string;
  readonly node?: string;
  readonly datacenter?: string;
  readonly client?: string;
  readonly httpPort?: string;
  readonly dnsPort?: string;
  readonly logLevel?: string;
  readonly pidFile?: string;
}

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

export interface AgentSettings {
  readonly settings: Settings;
  readonly pidFile: string | undefined;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

type Values = Readonly<Record<string, unknown>>;

/** Read here, or without meaning for one server by itself. */
const known = new Set([
  ...['data_dir', 'node_name', 'datacenter', 'primary_datacenter', 'client_addr', 'ports', 'addresses', 'log_level'],
  ...['pid_file', 'server', 'bootstrap', 'bootstrap_expect', 'bind_addr', 'advertise_addr', 'disable_update_check'],
]);

const levelNames: Readonly<Record<string, LogLevel>> = { err: 'error', warning: 'warn' };

/**
 * Flags win over files, later files over earlier ones.
 * @param folder what relative paths are relative to
 * @throws CommandFailure `usage` that names the file or flag and what is wrong with it
 */
export function agentSettings(flags: AgentFlags, files: readonly ConfigFile[], folder: string): AgentSettings {
  const parsed = files.map((file) => parse(file));
  const config: Record<string, unknown> = Object.assign(Object.create(null) as object, ...parsed.map(({ values }) => values));
  const ports = section(config, 'ports');
  const addresses = section(config, 'addresses');
  const client = flags.client ?? text(config, 'client_addr') ?? '127.0.0.1';
  const dataDir = flags.dataDir ?? text(config, 'data_dir') ?? './data';
  const pidFile = flags.pidFile ?? text(config, 'pid_file');
  const httpPort = port('HTTP', flags.httpPort ?? ports['http'], 8_500);
  const dnsPort = port('DNS', flags.dnsPort ?? ports['dns'], 8_600);
  if (httpPort === undefined) throw usage('the HTTP port is off (-1), and Rollcall serves nothing without it');
  return {
    settings: {
      ...defaultSettings(folder),
      http: { host: text(addresses, 'http') ?? client, port: httpPort },
      dns: dnsPort === undefined ? undefined : { host: text(addresses, 'dns') ?? client, port: dnsPort },
      dataDir: resolve(folder, dataDir),
      dev: flags.dev === true,
      nodeName: flags.node ?? text(config, 'node_name'),
      datacenter: flags.datacenter ?? text(config, 'datacenter') ?? 'dc1',
      logLevel: level(flags.logLevel ?? text(config, 'log_level') ?? 'info'),
    },
    pidFile: pidFile === undefined ? undefined : resolve(folder, pidFile),
    warnings: parsed.flatMap(({ path, values }) =>
      Object.keys(values)
        .filter((name) => !known.has(name))
        .map((name) => `${path}: ${name} has no effect here`),
    ),
  };
}

function parse({ path, text: json }: ConfigFile): { path: string; values: Values } {
  let values: unknown;
  try {
    values = JSON.parse(json);
  } catch (error) {
    throw usage(`${path} is not JSON (HCL files are not read yet): ${(error as Error).message}`);
  }
  if (!isObject(values)) throw usage(`${path} holds no JSON object`);
  return { path, values };
}

function section(config: Values, name: string): Values {
  const value = config[name] ?? {};
  if (!isObject(value)) throw usage(`${name} must be an object`);
  return value;
}

function text(values: Values, name: string): string | undefined {
  const value = values[name];
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw usage(`${name} must be a string, not ${JSON.stringify(value)}`);
  return value;
}

/** Undefined for -1, by which Consul means: off. */
function port(name: string, value: unknown, fallback: number): number | undefined {
  if (value === undefined) return fallback;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (number === -1) return undefined;
  if (!Number.isInteger(number) || (number as number) < 0 || (number as number) > 65_535) {
    throw usage(`${JSON.stringify(value)} is no port for ${name}: use 0 to 65535, or -1 for off`);
  }
  return number as number;
}

function level(name: string): LogLevel {
  const lower = name.toLowerCase();
  const found = logLevels.find((each) => each === (levelNames[lower] ?? lower));
  if (found === undefined) throw usage(`log level ${JSON.stringify(name)} is unknown; use trace, debug, info, warn or err`);
  return found;
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
