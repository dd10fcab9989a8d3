/**
 * What becomes of each setting of Consul's configuration files: read, passed over because it means
 * nothing to one server by itself, or named in a warning, so that nobody believes it is in force.
 */

import { at, isObject, type Values } from './consul-agent-values.ts';

/** Read by `consul-agent.ts` and `consul-agent-definitions.ts`. A name stands for all below it. */
const read = [
  ...['dev_mode', 'data_dir', 'node_name', 'node_id', 'node_meta', 'datacenter', 'domain', 'recursors', 'client_addr'],
  ...['ports.http', 'ports.https', 'ports.dns', 'addresses.http', 'addresses.https', 'addresses.dns', 'unix_sockets'],
  ...['log_level', 'pid_file', 'services', 'checks'],
  ...['acl.enabled', 'acl.default_policy', 'acl.tokens.initial_management', 'acl.tokens.master', 'acl.tokens.default'],
  ...['cert_file', 'key_file', 'ca_file', 'verify_incoming', 'verify_incoming_https', 'tls_min_version'],
  ...['cert_file', 'key_file', 'ca_file', 'verify_incoming', 'tls_min_version'].flatMap((name) => [`tls.defaults.${name}`, `tls.https.${name}`]),
  ...['node_ttl', 'service_ttl', 'only_passing', 'enable_truncate', 'udp_answer_limit'].map((name) => `dns_config.${name}`),
  ...['audit.enabled', 'audit.sink', 'limits.kv_max_value_size', 'limits.http_max_conns_per_client'],
  // Our own, for flags.
  ...['unsafe_allow_unauthenticated', 'unsafe_allow_plaintext'],
];

/** Between servers, between agents, or about how Consul itself is run: there is nothing of it here. */
const passedOver = [
  ...['server', 'bootstrap', 'bind_addr', 'primary_datacenter', 'raft_protocol', 'protocol', 'performance', 'autopilot'],
  ...['advertise_addr', 'advertise_addr_ipv4', 'advertise_addr_ipv6', 'advertise_addr_wan', 'serf_lan', 'serf_wan'],
  ...['ports.serf_lan', 'ports.serf_wan', 'ports.server', 'gossip_lan', 'gossip_wan', 'raft_logstore', 'rpc', 'version'],
  ...['leave_on_terminate', 'skip_leave_on_interrupt', 'rejoin_after_leave', 'disable_host_node_id', 'log_json'],
  ...['disable_update_check', 'disable_anonymous_signature', 'disable_remote_exec', 'disable_keyring_file'],
  ...['reconnect_timeout', 'reconnect_timeout_wan', 'retry_interval', 'retry_interval_wan', 'retry_max', 'retry_max_wan'],
  ...['acl.down_policy', 'acl.token_ttl', 'acl.policy_ttl', 'acl.role_ttl', 'acl.tokens.agent', 'acl.enable_token_replication'],
  ...['acl.tokens.config_file_service_registration', 'acl.enable_token_persistence', 'use_streaming_backend', 'cache'],
  ...['verify_outgoing', 'verify_incoming_rpc', 'verify_server_hostname', 'tls.internal_rpc', 'tls.grpc', 'tls.defaults.verify_outgoing'],
  ...['tls.defaults.verify_server_hostname', 'discovery_max_stale', 'discard_check_output', 'peering.enabled', 'segments'],
  ...['dns_config.allow_stale', 'dns_config.max_stale', 'dns_config.use_cache', 'dns_config.cache_max_age', 'xds', 'default_intention_policy'],
];

const gossip = 'this registry stands by itself, and gossips with nobody';
const scripts = 'no program is ever run for a check; use a TTL check and let the program report';

/** Why it has no effect, where that is not plain. */
const explained: Readonly<Record<string, string>> = {
  start_join: gossip,
  retry_join: gossip,
  start_join_wan: gossip,
  retry_join_wan: gossip,
  encrypt: `${gossip}; TLS protects what clients send`,
  enable_script_checks: scripts,
  enable_local_script_checks: scripts,
  'connect.enabled': 'there is no service mesh',
  'ui_config.enabled': 'there is no user interface yet',
  ui: 'there is no user interface yet',
  bootstrap_expect: gossip,
  'acl.tokens.agent_recovery': 'use the initial management token',
  'acl.tokens.agent_master': 'use the initial management token',
};

/** Without effect, and nobody is misled by that. */
function harmless(path: string, value: unknown): boolean {
  if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) return true;
  if (path.startsWith('ports.')) return Number(value) === -1 || Number(value) === 0;
  return path === 'bootstrap_expect' && Number(value) <= 1;
}

/** What `values` have that has no effect, one sentence each. */
export function withoutEffect(values: Values): string[] {
  return paths(values, '').flatMap((path) => {
    if (harmless(path, at(values, path))) return [];
    const why = explained[path];
    return [`${path} has no effect here${why === undefined ? '' : `: ${why}`}`];
  });
}

/** The longest paths that say enough: a section that is not known at all is named as one. */
function paths(values: Values, prefix: string): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = prefix + key;
    if (read.includes(path) || passedOver.includes(path)) return [];
    const below = [...read, ...passedOver, ...Object.keys(explained)].some((name) => name.startsWith(`${path}.`));
    return below && isObject(value) ? paths(value, `${path}.`) : [path];
  });
}
