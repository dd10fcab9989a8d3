/**
 * The flags of `consul agent`, and two that Rollcall adds, each with its setting in Consul's configuration files.
 * `consul-agent.ts` interprets the settings.
 * Source: https://developer.hashicorp.com/consul/commands/agent
 */

import { usage } from './failure.ts';
import { truth } from './consul-style.ts';
import type { Values } from './consul-agent-values.ts';

interface AgentFlag {
  /** Path of the setting; absent for flags that name configuration files. */
  readonly sets?: string;
  /** A switch accepts no value but `=false`; a list may be repeated; a map accepts `key:value`. */
  readonly kind: 'text' | 'switch' | 'list' | 'map';
  /** Its value, for the help; flags without a description are accepted but not listed. */
  readonly value?: string;
  readonly description?: string;
}

const text = (sets: string): AgentFlag => ({ sets, kind: 'text' });
const list = (sets: string): AgentFlag => ({ sets, kind: 'list' });
const toggle = (sets: string): AgentFlag => ({ sets, kind: 'switch' });

export const agentFlags: Readonly<Record<string, AgentFlag>> = {
  dev: { ...toggle('dev_mode'), description: 'keep everything in memory only' },
  'config-file': { kind: 'list', value: '<file>', description: 'read settings from a file in HCL or JSON; may be given again' },
  'config-dir': { kind: 'list', value: '<dir>', description: 'read settings from the .hcl and .json files of a folder, by name' },
  'config-format': { kind: 'text', value: '<format>', description: 'hcl or json (default: by the ending of each file)' },
  hcl: { kind: 'list', value: '<text>', description: 'a setting in HCL, which wins over files and flags; may be given again' },
  'data-dir': { ...text('data_dir'), value: '<dir>', description: 'directory for the data (default ./data)' },
  node: { ...text('node_name'), value: '<name>', description: 'name of this node (default: the host name)' },
  'node-id': { ...text('node_id'), value: '<uuid>', description: 'id of this node (default: made once and kept)' },
  'node-meta': { sets: 'node_meta', kind: 'map', value: '<key:value>', description: 'metadata of this node; may be given again' },
  datacenter: { ...text('datacenter'), value: '<name>', description: 'name of the datacenter (default dc1)' },
  domain: { ...text('domain'), value: '<name>', description: 'domain of the DNS names (default consul)' },
  recursor: { ...list('recursors'), value: '<address>', description: 'DNS server for other domains; may be given again' },
  client: { ...text('client_addr'), value: '<address>', description: 'address of the listeners (default 127.0.0.1)' },
  'http-port': { ...text('ports.http'), value: '<port>', description: 'port of HTTP (default 8500); -1 serves none' },
  'https-port': { ...text('ports.https'), value: '<port>', description: 'port of HTTPS (default: none)' },
  'dns-port': { ...text('ports.dns'), value: '<port>', description: 'port of DNS (default 8600); -1 serves none' },
  'log-level': { ...text('log_level'), value: '<level>', description: 'trace, debug, info, warn or err (default info)' },
  'pid-file': { ...text('pid_file'), value: '<file>', description: 'write the id of the process there' },
  'unsafe-allow-unauthenticated': {
    ...toggle('unsafe_allow_unauthenticated'),
    description: 'listen on addresses that other machines reach, though every client there may then change everything',
  },
  'unsafe-allow-plaintext': {
    ...toggle('unsafe_allow_plaintext'),
    description: 'listen there without TLS, though tokens may then be read on their way',
  },
  'unsafe-without': {
    ...list('unsafe_without'),
    value: '<setting>',
    description: 'start although this setting asks for protection that is not given here; may be given again, or several with commas',
  },
  'default-query-time': text('default_query_time'),
  'max-query-time': text('max_query_time'),
  advertise: text('advertise_addr'),
  'advertise-wan': text('advertise_addr_wan'),
  'allow-write-http-from': list('http_config.allow_write_http_from'),
  'alt-domain': text('alt_domain'),
  'auto-reload-config': toggle('auto_reload_config'),
  bind: text('bind_addr'),
  bootstrap: toggle('bootstrap'),
  'bootstrap-expect': text('bootstrap_expect'),
  check_output_max_size: text('check_output_max_size'),
  'disable-host-node-id': toggle('disable_host_node_id'),
  'disable-keyring-file': toggle('disable_keyring_file'),
  'enable-local-script-checks': toggle('enable_local_script_checks'),
  'enable-script-checks': toggle('enable_script_checks'),
  encrypt: text('encrypt'),
  'grpc-port': text('ports.grpc'),
  'grpc-tls-port': text('ports.grpc_tls'),
  join: list('start_join'),
  'join-wan': list('start_join_wan'),
  'log-file': text('log_file'),
  'log-json': toggle('log_json'),
  'log-rotate-bytes': text('log_rotate_bytes'),
  'log-rotate-duration': text('log_rotate_duration'),
  'log-rotate-max-files': text('log_rotate_max_files'),
  'non-voting-server': toggle('read_replica'),
  'primary-gateway': list('primary_gateways'),
  protocol: text('protocol'),
  'raft-protocol': text('raft_protocol'),
  'read-replica': toggle('read_replica'),
  rejoin: toggle('rejoin_after_leave'),
  'retry-interval': text('retry_interval'),
  'retry-interval-wan': text('retry_interval_wan'),
  'retry-join': list('retry_join'),
  'retry-join-wan': list('retry_join_wan'),
  'retry-max': text('retry_max'),
  'retry-max-wan': text('retry_max_wan'),
  segment: text('segment'),
  'serf-lan-allowed-cidrs': list('serf_lan_allowed_cidrs'),
  'serf-lan-bind': text('serf_lan'),
  'serf-lan-port': text('ports.serf_lan'),
  'serf-wan-allowed-cidrs': list('serf_wan_allowed_cidrs'),
  'serf-wan-bind': text('serf_wan'),
  'serf-wan-port': text('ports.serf_wan'),
  server: toggle('server'),
  'server-port': text('ports.server'),
  syslog: toggle('enable_syslog'),
  ui: toggle('ui_config.enabled'),
  'ui-content-path': text('ui_config.content_path'),
  'ui-dir': text('ui_config.dir'),
};

/** Name and value, in the order of the command line; a switch has the value `true`. */
export type GivenFlag = readonly [name: string, value: string | true];

/**
 * Consul's flags have one dash or two and switches take a value only after `=`; the parser of this
 * command line wants two dashes, and no value for switches.
 */
export function acceptAgentStyle(args: readonly string[]): string[] {
  if (args[0] !== 'agent') return [...args];
  const accepted: string[] = [];
  let isValue = false;
  for (const arg of args) {
    const flag = isValue ? undefined : flagIn(arg);
    if (flag === undefined) {
      accepted.push(arg);
      isValue = false;
      continue;
    }
    isValue = takesNext(flag);
    const { name, value } = flag;
    const isSwitch = agentFlags[name]?.kind === 'switch';
    if (value === undefined) accepted.push(`--${name}`);
    else if (!isSwitch) accepted.push(`--${name}=${value}`);
    else if (truth(name, value)) accepted.push(`--${name}`);
  }
  return accepted;
}

interface FlagText {
  readonly name: string;
  /** After `=`. */
  readonly value: string | undefined;
}

function flagIn(arg: string): FlagText | undefined {
  const match = /^--?([a-z][a-z_-]*)(?:=([^]*))?$/.exec(arg);
  return match === null ? undefined : { name: match[1] ?? '', value: match[2] };
}

/** Whether its value is the next argument. */
function takesNext({ name, value }: FlagText): boolean {
  const kind = agentFlags[name]?.kind;
  return kind !== undefined && kind !== 'switch' && value === undefined;
}

/** The settings of the flags, in the form of a configuration file. */
export function settingsOf(given: readonly GivenFlag[]): Values {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of given) {
    const { sets, kind } = agentFlags[name] ?? { kind: 'text' };
    if (sets === undefined) continue;
    const path = sets.split('.');
    const last = path.pop() as string;
    const place = path.reduce((at, key) => (at[key] ??= {}) as Record<string, unknown>, settings);
    if (kind === 'list') place[last] = [...((place[last] ?? []) as unknown[]), value];
    else if (kind === 'map') place[last] = { ...(place[last] as object), ...pair(name, String(value)) };
    else place[last] = value;
  }
  return settings;
}

function pair(name: string, value: string): Values {
  const at = value.indexOf(':');
  if (at <= 0) throw usage(`-${name}: ${JSON.stringify(value)} is no key:value`);
  return { [value.slice(0, at)]: value.slice(at + 1) };
}
