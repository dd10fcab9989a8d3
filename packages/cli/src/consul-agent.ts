/**
 * Converts Consul's agent flags and configuration files to settings of `rollcall serve`. Pure: the caller reads
 * the files. Names: https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file
 *
 * `consul-agent-check.ts` finds settings without a counterpart here: a warning names them, or they are refused.
 */

import { resolve } from 'node:path';
import type { ServerOptions } from '@rollcall/server';
import { definitionsOf, type Definitions } from './consul-agent-definitions.ts';
import { listOf, merge, parseFile, type ConfigFile, type ParseHcl } from './consul-agent-files.ts';
import { settingsOf, type GivenFlag } from './consul-agent-flags.ts';
import { checkSettings, checkWithout, isAmong, missing } from './consul-agent-check.ts';
import { withNewNames } from './consul-agent-old-names.ts';
import { consulSettings, flagSettings } from './consul-agent-schema.ts';
import { at, flag, isObject, port, text, textMap, texts, type Values } from './consul-agent-values.ts';
import { usage } from './failure.ts';
import { withoutVariable } from './settings/resolve.ts';
import type { Setting } from './settings/setting.ts';
import { logLevels, settingsTable, type LogLevel, type Settings } from './settings/table.ts';

export interface AgentInput {
  readonly flags: readonly GivenFlag[];
  readonly files: readonly ConfigFile[];
  /** The folder against which relative paths are resolved. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly parseHcl: ParseHcl;
  /** @throws Error that names the definition and its fault */
  readonly checkDefinitions: (definitions: Definitions) => void;
}

export interface AgentSettings {
  readonly settings: Settings;
  /** Settings of Consul's agent that `rollcall serve` does not have. */
  readonly more: Pick<ServerOptions, 'nodeId' | 'nodeMeta'> & { readonly dns: Partial<NonNullable<ServerOptions['dns']>> };
  readonly definitions: Definitions;
  readonly pidFile: string | undefined;
  /** One sentence each. */
  readonly warnings: readonly string[];
}

const levelNames: Readonly<Record<string, LogLevel>> = { err: 'error', warning: 'warn' };

/**
 * Flags override files, `-hcl` overrides flags, later files override earlier ones. Reads no file and starts nothing, so it
 * serves to check configuration as well.
 * @throws CommandFailure `usage` that names the files, the settings and their faults, a line each
 */
export function agentSettings(input: AgentInput): AgentSettings {
  const { folder } = input;
  const without = withoutList(input);
  const { config, remarks } = readSources(input, without);
  const pidFile = text(config, 'pid_file');
  assertAccessControlMeant(config);
  const { settings, unused } = inUse(settingsOfConfig(config, input), config, without);
  const definitions = definitionsOf(config);
  try {
    input.checkDefinitions(definitions);
  } catch (error) {
    throw usage((error as Error).message);
  }
  return {
    settings,
    more: {
      ...(at(config, 'node_id') === undefined ? {} : { nodeId: uuid(text(config, 'node_id') ?? '') }),
      nodeMeta: textMap(config, 'node_meta') ?? {},
      dns: dnsOptions(config),
    },
    definitions,
    pidFile: pidFile === undefined ? undefined : resolve(folder, pidFile),
    warnings: [...remarks, ...unused],
  };
}

/** From flags, and from the environment for agents whose flags another program chooses. */
function withoutList({ flags, env }: AgentInput): string[] {
  const given = flags.filter(([name]) => name === 'unsafe-without').map(([, value]) => String(value));
  return [...given, env[withoutVariable] ?? ''].flatMap((list) => list.split(',')).map((name) => name.trim()).filter(Boolean);
}

/** All sources as one. @throws CommandFailure `usage` */
function readSources({ flags, files, parseHcl }: AgentInput, without: readonly string[]): { config: Values; remarks: string[] } {
  const problems = checkWithout(without);
  const remarks: string[] = [];
  let config: Values = {};
  const add = (path: string, given: Values, keys = consulSettings): void => {
    const checked = checkSettings(given, path, keys, without);
    const renamed = withNewNames(checked.values);
    problems.push(...checked.problems);
    remarks.push(...checked.remarks, ...renamed.remarks.map((one) => `${path}: ${one}`));
    config = merge(config, renamed.values);
  };
  for (const file of files) {
    if (file.text.trim() === '') remarks.push(`${file.path}: the file is empty`);
    add(file.path, parseFile(file, parseHcl));
  }
  add('command line', settingsOf(flags), flagSettings);
  for (const [name, value] of flags) {
    if (name === 'hcl') add('-hcl', parseFile({ path: '-hcl', format: 'hcl', text: String(value) }, parseHcl));
  }
  if (problems.length > 0) throw usage(problems.join('\n'));
  return { config, remarks };
}

/** Refuses settings that mean access control while `acl.enabled` is missing; Consul would start without it. @throws CommandFailure `usage` */
function assertAccessControlMeant(config: Values): void {
  if (at(config, 'acl.enabled') !== undefined) return;
  const token = ['acl.tokens.initial_management', 'acl.tokens.master'].find((path) => at(config, path) !== undefined);
  const path = at(config, 'acl.default_policy') === 'deny' ? 'acl.default_policy' : token;
  if (path === undefined) return;
  throw usage(`${path} is set, but acl.enabled is not, so that nothing would be protected: set it to true, or to false for a registry that is open to all`);
}

/**
 * Consul accepts certificates without HTTPS, since its servers use them among themselves, HTTPS without
 * certificates, where no handshake succeeds, and tokens without access control. `rollcall serve` refuses
 * all three: here they are left out and reported.
 */
function inUse(given: Settings, config: Values, without: readonly string[]): { settings: Settings; unused: string[] } {
  const { acl, tlsCertFile, tlsKeyFile, tlsVerifyIncoming, aclInitialManagement, aclDefaultToken } = given;
  const port = given.https !== undefined && given.http !== undefined && (tlsCertFile === undefined || tlsKeyFile === undefined);
  const settings = port ? { ...given, https: undefined } : given;
  const certificates = settings.https === undefined && (tlsCertFile !== undefined || tlsVerifyIncoming);
  const asking = verifyIncoming.find((path) => flag(config, path) === true);
  if (settings.https === undefined && tlsVerifyIncoming && asking !== undefined && !isAmong(asking, without)) {
    throw usage(missing(asking, 'ports.https with cert_file and key_file is not set, and only HTTPS asks for certificates'));
  }
  const tokens = !acl && (aclInitialManagement !== undefined || aclDefaultToken !== undefined);
  return {
    settings: {
      ...settings,
      ...(certificates ? { tlsCertFile: undefined, tlsKeyFile: undefined, tlsCaFile: undefined, tlsVerifyIncoming: false } : {}),
      ...(tokens ? { aclInitialManagement: undefined, aclDefaultToken: undefined } : {}),
    },
    unused: [
      ...(port ? ['ports.https has no effect here without cert_file and key_file: HTTPS is off'] : []),
      ...(certificates ? ['certificates have no effect here without ports.https: only HTTPS uses them'] : []),
      ...(tokens ? ['acl.tokens have no effect: acl.enabled is not true'] : []),
    ],
  };
}

/** Reads each setting as `rollcall serve` would, from its path in Consul's files. */
function settingsOfConfig(config: Values, { folder, env }: AgentInput): Settings {
  const dev = flag(config, 'dev_mode') === true;
  const given = givenSettings(config, dev);
  if (given.http?.[1] === 'off' && given.https?.[1] === 'off') {
    throw usage('neither HTTP nor HTTPS has a port, and Rollcall serves nothing without them');
  }
  const entries = Object.entries(settingsTable).map(([key, setting]: [string, Setting<unknown>]) => {
    const variable = fromEnvironment.includes(key) ? (setting.env ?? '') : '';
    const own = given[key as keyof Settings];
    const [where, value] = own?.[1] === undefined ? [variable || own?.[0], env[variable]] : own;
    try {
      return [key, setting.read(value ?? setting.fallback, folder)];
    } catch (error) {
      throw usage(`${where}: ${(error as Error).message}`);
    }
  });
  return Object.fromEntries(entries) as Settings;
}

/** The first that is set counts. */
const verifyIncoming = ['tls.https.verify_incoming', 'tls.defaults.verify_incoming', 'verify_incoming_https', 'verify_incoming'];

/** Settings that Consul's agent does not have. */
const fromEnvironment = ['unsafeAllowUnauthenticated', 'unsafeAllowPlaintext', 'probeCaFile'];

type Given = readonly [where: string, value: unknown];

function givenSettings(config: Values, dev: boolean): { readonly [K in keyof Settings]?: Given } {
  /** The first of the paths that has a value. */
  const first = (...paths: string[]): Given => {
    const found = paths.find((path) => at(config, path) !== undefined) ?? paths[0] ?? '';
    return [found, at(config, found)];
  };
  const tls = (name: string) => first(`tls.https.${name}`, `tls.defaults.${name}`, name);
  const [tlsMin, version] = first('tls.https.tls_min_version', 'tls.defaults.tls_min_version', 'tls_min_version');
  const limits = Object.entries({
    kvValueBytesMax: at(config, 'limits.kv_max_value_size'),
    headerBytesMax: at(config, 'http_config.max_header_bytes'),
    connectionsPerAddressMax: connectionsMax(at(config, 'limits.http_max_conns_per_client')),
  }).filter(([, value]) => value !== undefined);
  return {
    http: ['addresses.http', listener(config, 'http', 8_500)],
    https: ['addresses.https', listener(config, 'https', 'off')],
    dns: ['addresses.dns', listener(config, 'dns', 8_600)],
    unixSockets: first('unix_sockets'),
    tlsCertFile: tls('cert_file'),
    tlsKeyFile: tls('key_file'),
    tlsCaFile: tls('ca_file'),
    tlsVerifyIncoming: first(...verifyIncoming),
    tlsMinVersion: [tlsMin, version === undefined ? undefined : tlsVersion(text(config, tlsMin) ?? '')],
    acl: first('acl.enabled'),
    // As in Consul, where access control that is enabled forbids nothing by itself.
    aclDefaultPolicy: ['acl.default_policy', text(config, 'acl.default_policy') ?? 'allow'],
    aclInitialManagement: first('acl.tokens.initial_management', 'acl.tokens.master'),
    aclDefaultToken: first('acl.tokens.default'),
    auditLog: ['audit', auditLog(config)],
    unsafeAllowUnauthenticated: first('unsafe_allow_unauthenticated'),
    unsafeAllowPlaintext: first('unsafe_allow_plaintext'),
    dataDir: first('data_dir'),
    dev: ['dev_mode', dev],
    nodeName: first('node_name'),
    datacenter: ['datacenter', text(config, 'datacenter')?.toLowerCase()],
    logLevel: ['log_level', level(text(config, 'log_level') ?? (dev ? 'debug' : 'info'))],
    limits: ['limits', Object.fromEntries(limits.map(([name, value]) => [name, Number(value)]))],
  };
}

/** Consul has no limit at -1, and its default limit at 0. */
function connectionsMax(value: unknown): unknown {
  return value === -1 ? Number.MAX_SAFE_INTEGER : value === 0 ? undefined : value;
}

/** In the form of `rollcall serve`; `off` when it has no port. */
function listener(config: Values, name: 'http' | 'https' | 'dns', usual: number | 'off'): string {
  const host = text(config, `addresses.${name}`) ?? text(config, 'client_addr') ?? '127.0.0.1';
  const number = port(config, `ports.${name}`) ?? usual;
  if (number === 'off') return 'off';
  if (host.startsWith('unix://')) return host;
  if (/[\s{]/.test(host)) {
    throw usage(`${JSON.stringify(host)} is not one address; name one, or 0.0.0.0 for all of this machine`);
  }
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${number}` : `${host}:${number}`;
}

/** Consul writes `TLSv1_2`; versions below 1.2 are not spoken here. */
function tlsVersion(name: string): string {
  const version = /^TLSv1_([0-3])$/i.exec(name)?.[1] ?? /^tls1([0-3])$/.exec(name)?.[1];
  if (version === undefined) throw usage(`tls_min_version: ${JSON.stringify(name)} is unknown; write TLSv1_2 or TLSv1_3`);
  return version === '3' ? '1.3' : '1.2';
}

function dnsOptions(config: Values): AgentSettings['more']['dns'] {
  const domain = text(config, 'domain')?.replace(/\.$/, '');
  const nodeTtl = seconds(config, 'dns_config.node_ttl');
  const serviceTtl = textMap(config, 'dns_config.service_ttl');
  const onlyPassing = flag(config, 'dns_config.only_passing');
  const truncate = flag(config, 'dns_config.enable_truncate');
  const records = at(config, 'dns_config.udp_answer_limit');
  const services = Object.fromEntries(
    Object.keys(serviceTtl ?? {}).map((name) => [name, duration(`dns_config.service_ttl.${name}`, serviceTtl?.[name])]),
  );
  return {
    ...(domain === undefined ? {} : { domain }),
    recursors: texts(config, 'recursors'),
    ttls: { ...(nodeTtl === undefined ? {} : { node: nodeTtl }), services },
    ...(onlyPassing === undefined ? {} : { onlyPassing }),
    ...(truncate === undefined ? {} : { truncate }),
    ...(records === undefined ? {} : { udpRecordsMax: whole('dns_config.udp_answer_limit', records) }),
  };
}

function seconds(config: Values, path: string): number | undefined {
  const value = text(config, path);
  return value === undefined ? undefined : duration(path, value);
}

/** Whole seconds, as in DNS; a started second does not count. */
function duration(path: string, value: string | undefined): number {
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?$/.exec(value ?? '');
  if (match === null || value === '') throw usage(`${path}: ${JSON.stringify(value)} is no duration; write 30s or 5m`);
  const [, hours = 0, minutes = 0, rest = 0, ms = 0] = match;
  return Math.floor(Number(hours) * 3_600 + Number(minutes) * 60 + Number(rest) + Number(ms) / 1_000);
}

/** The first sink; Consul names each. */
function auditLog(config: Values): string | undefined {
  if (flag(config, 'audit.enabled') !== true) return undefined;
  const sinks = Object.values(at(config, 'audit.sink') ?? {}).flatMap(listOf);
  const path = sinks.filter(isObject).map((sink) => text(sink, 'path')).find((each) => each !== undefined);
  if (path === undefined) throw usage('audit is enabled, but no sink has a path');
  return path;
}

function whole(path: string, value: unknown): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw usage(`${path} must be a whole number above 0, not ${JSON.stringify(value)}`);
}

function uuid(id: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id.toLowerCase();
  throw usage(`node_id: ${JSON.stringify(id)} is no UUID`);
}

function level(name: string): LogLevel {
  const lower = name.toLowerCase();
  const found = logLevels.find((each) => each === (levelNames[lower] ?? lower));
  if (found === undefined) throw usage(`log level ${JSON.stringify(name)} is unknown; use trace, debug, info, warn or err`);
  return found;
}
