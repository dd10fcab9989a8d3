/**
 * Every setting of Consul's configuration files: its type and its effect here. A setting that is not in
 * this table does not exist in Consul either, so it is a mistake. `consul-agent-check.ts` applies the table;
 * `consul-agent.ts` interprets the settings that are read.
 *
 * Sources: the structs of `agent/config/config.go` and `deprecated.go` (Consul 1.16, MPL-2.0), and
 * https://developer.hashicorp.com/consul/docs/reference/agent/configuration-file for later settings.
 */

export type Kind = 'text' | 'bool' | 'int' | 'number' | 'texts' | 'text map' | 'objects' | 'any';

/**
 * - `read`: has a meaning here.
 * - `moot`: about parts of Consul that a single server does not need; no remark.
 * - `remark`: has no effect here, without any loss of protection.
 * - `protective`: asks for protection that Rollcall does not have: the agent does not start.
 */
export type Fate = 'read' | 'moot' | 'remark' | 'protective';

export interface Setting {
  readonly kind: Kind;
  readonly fate: Fate;
  /** Completes `… has no effect here: `, or gives the reason for the missing protection. */
  readonly why?: string | undefined;
  /** Values of a protective setting that ask for no protection, besides empty and false ones. */
  readonly harmless?: readonly unknown[];
}

export interface Section {
  readonly keys: Keys;
  /** One remark covers all settings of the section. */
  readonly remark?: string | true;
  /** Keys are free names; each has these settings. */
  readonly named?: Keys;
}

export type Keys = Readonly<Record<string, Setting | Section>>;

/** Settings of one type and effect; blanks separate their names. */
function all(fate: Fate, kind: Kind, names: string, why?: string): Keys {
  return Object.fromEntries(names.split(' ').map((name) => [name, { fate, kind, why }]));
}

function protective(kind: Kind, name: string, why: string, harmless: readonly unknown[] = []): Keys {
  return { [name]: { fate: 'protective', kind, why, harmless } };
}

/** A section whose settings all have no effect. */
function without(remark: string | true, keys: Keys): Section {
  return { remark, keys };
}

const gossip = 'this registry stands by itself and does not gossip';
const scripts = 'no program is ever run for a check; use a TTL check and let the program report';
const noUi = 'there is no user interface yet';
const noRpc = 'there are no connections between agents and servers; ports.https with certificates protects what clients send';
const noNetworks = 'every client sees everything that its token allows, whatever network it is in';

const keyLists = 'a list of keys needs no more than the permission to read them';

const tlsNames = 'cert_file key_file ca_file tls_min_version';
const unreadTls: Keys = {
  ...protective('text', 'tls_cipher_suites', 'the cipher suites of TLS are Node’s own'),
  ...all('remark', 'text', 'ca_path', 'name one file in ca_file'),
};

/** For connections that do not exist here; their certificates are not needed. */
const otherTls: Keys = {
  ...all('moot', 'text', `${tlsNames} ca_path tls_cipher_suites`),
  ...['verify_incoming', 'verify_outgoing', 'verify_server_hostname'].reduce((keys, name) => ({ ...keys, ...protective('bool', name, noRpc) }), {}),
  ...all('moot', 'bool', 'use_auto_cert'),
};

const gossipTuning: Keys = {
  ...all('moot', 'int', 'gossip_nodes suspicion_mult retransmit_mult'),
  ...all('moot', 'text', 'gossip_interval probe_interval probe_timeout'),
};

const acl: Keys = {
  ...all('read', 'bool', 'enabled'),
  ...all('read', 'text', 'default_policy'),
  ...all('moot', 'text', 'down_policy policy_ttl role_ttl token_ttl'),
  ...all('moot', 'bool', 'enable_token_persistence enable_token_replication'),
  ...protective('bool', 'enable_key_list_policy', keyLists),
  ...protective('bool', 'msp_disable_bootstrap', 'any client can make the first token, once, where no initial_management is set'),
  tokens: {
    keys: {
      ...all('read', 'text', 'initial_management master default'),
      ...all('moot', 'text', 'agent config_file_service_registration dns'),
      ...all('remark', 'text', 'agent_recovery agent_master', 'use the initial management token'),
      ...all('remark', 'text', 'replication'),
      ...all('remark', 'objects', 'managed_service_provider'),
    },
  },
};

const tls: Keys = {
  defaults: {
    keys: {
      ...all('read', 'text', tlsNames),
      ...all('read', 'bool', 'verify_incoming'),
      ...unreadTls,
      ...protective('bool', 'verify_outgoing', noRpc),
      ...protective('bool', 'verify_server_hostname', noRpc),
      ...all('moot', 'bool', 'use_auto_cert'),
    },
  },
  https: {
    keys: {
      ...all('read', 'text', tlsNames),
      ...all('read', 'bool', 'verify_incoming'),
      ...unreadTls,
      ...all('moot', 'bool', 'verify_outgoing verify_server_hostname use_auto_cert'),
    },
  },
  internal_rpc: { keys: otherTls },
  grpc: { keys: otherTls },
};

const limits: Keys = {
  ...all('read', 'int', 'kv_max_value_size http_max_conns_per_client'),
  ...all('remark', 'int', 'txn_max_req_len', 'use limits.bodyBytesMax of rollcall serve'),
  ...all('remark', 'text', 'https_handshake_timeout', 'a handshake may take ten seconds'),
  ...all('moot', 'text', 'rpc_client_timeout rpc_handshake_timeout'),
  ...protective('number', 'rpc_rate', 'how often one client may ask is not limited', [-1]),
  ...protective('int', 'rpc_max_burst', 'how often one client may ask is not limited', [-1]),
  ...protective('int', 'rpc_max_conns_per_client', 'use limits.http_max_conns_per_client', [-1]),
  request_limits: {
    keys: {
      ...protective('text', 'mode', 'how many requests all clients together may send is not limited', ['disabled', 'permissive']),
      ...all('moot', 'number', 'read_rate write_rate'),
    },
  },
};

/** Replaced keys on top level; `consul-agent-old-names.ts` has their new names. */
const oldNames: Keys = {
  ...all('read', 'text', 'acl_datacenter acl_default_policy acl_master_token acl_token acl_agent_token acl_agent_master_token'),
  ...all('read', 'text', 'acl_replication_token acl_down_policy acl_ttl'),
  ...all('read', 'bool', 'enable_acl_replication'),
  ...protective('bool', 'acl_enable_key_list_policy', keyLists),
  ...all('remark', 'text', 'acl_disabled_ttl'),
  ...all('read', 'text', tlsNames),
  ...all('read', 'bool', 'verify_incoming verify_incoming_https'),
  ...unreadTls,
  ...protective('bool', 'verify_outgoing', noRpc),
  ...protective('bool', 'verify_server_hostname', noRpc),
  ...protective('bool', 'verify_incoming_rpc', noRpc),
  ...all('moot', 'bool', 'tls_prefer_server_cipher_suites acl_enforce_version_8'),
  ...all('remark', 'texts', 'start_join start_join_wan', gossip),
  ...all('remark', 'bool', 'ui', noUi),
  ...all('remark', 'text', 'ui_dir ui_content_path', noUi),
  ...all('moot', 'any', 'raft_boltdb'),
};

/** About the traffic between Consul's servers, or about the operation of Consul itself. */
const servers: Keys = {
  ...all('moot', 'bool', 'server bootstrap leave_on_terminate skip_leave_on_interrupt rejoin_after_leave disable_host_node_id'),
  // None of these functions exists here, so the settings always hold.
  ...all('moot', 'bool', 'disable_update_check disable_anonymous_signature disable_remote_exec disable_keyring_file'),
  ...all('moot', 'bool', 'log_json use_streaming_backend raft_prevote_disabled'),
  ...all('moot', 'text', 'bind_addr primary_datacenter advertise_addr advertise_addr_ipv4 advertise_addr_ipv6'),
  ...all('moot', 'text', 'advertise_addr_wan advertise_addr_wan_ipv4 advertise_addr_wan_ipv6 serf_lan serf_wan server_name'),
  ...all('moot', 'text', 'reconnect_timeout reconnect_timeout_wan advertise_reconnect_timeout retry_interval retry_interval_wan'),
  ...all('moot', 'text', 'discovery_max_stale raft_snapshot_interval version version_prerelease version_metadata revision build_date'),
  ...all('moot', 'text', 'ae_interval check_reap_interval check_deregister_interval_min sync_coordinate_interval_min'),
  ...all('moot', 'text', 'license_path license_poll_base_time license_poll_max_time license_update_base_time license_update_max_time'),
  ...all('moot', 'text', 'server_rejoin_age_max primary_gateways_interval'),
  ...all('moot', 'int', 'raft_protocol protocol raft_snapshot_threshold raft_trailing_logs retry_max retry_max_wan'),
  ...all('moot', 'int', 'segment_limit segment_name_limit'),
  ...all('moot', 'number', 'sync_coordinate_rate_target'),
  ...all('moot', 'any', 'performance autopilot rpc raft_logstore cache consul snapshot_agent xds tagged_addresses locality'),
  ...all('remark', 'texts', 'retry_join retry_join_wan', gossip),
  ...all('remark', 'texts', 'primary_gateways'),
  gossip_lan: { keys: gossipTuning },
  gossip_wan: { keys: gossipTuning },
  peering: { keys: all('moot', 'bool', 'enabled test_allow_peer_registrations') },
  bootstrap_expect: { kind: 'int', fate: 'remark', why: gossip, harmless: [1] },
};

const protection: Keys = {
  ...protective('text', 'encrypt', noRpc),
  ...protective('bool', 'encrypt_verify_incoming', noRpc),
  ...protective('bool', 'encrypt_verify_outgoing', noRpc),
  ...protective('texts', 'serf_lan_allowed_cidrs', 'no list of networks is kept; let a firewall keep others away'),
  ...protective('texts', 'serf_wan_allowed_cidrs', 'no list of networks is kept; let a firewall keep others away'),
  ...protective('bool', 'discard_check_output', 'the output of checks is kept, and shown to those who may read the node'),
  ...protective('text', 'segment', noNetworks),
  ...protective('objects', 'segments', noNetworks),
  ...protective('text', 'partition', 'partitions are part of Consul Enterprise', ['default']),
  ...protective('text', 'default_intention_policy', 'there is no service mesh, and intentions are not enforced', ['allow']),
  auto_encrypt: {
    keys: {
      ...protective('bool', 'tls', 'no certificates are given out; name them in cert_file and key_file'),
      ...protective('bool', 'allow_tls', 'no certificates are given out; name them in cert_file and key_file'),
      ...all('moot', 'texts', 'dns_san ip_san'),
    },
  },
  auto_config: {
    keys: {
      ...protective('bool', 'enabled', 'no other server is asked for settings, tokens or certificates'),
      ...all('moot', 'text', 'intro_token intro_token_file'),
      ...all('moot', 'texts', 'server_addresses dns_sans ip_sans'),
      authorization: {
        keys: { ...protective('bool', 'enabled', 'settings, tokens and certificates are given to no agent'), ...all('moot', 'any', 'static') },
      },
    },
  },
  http_config: {
    keys: {
      ...protective('texts', 'block_endpoints', 'no path can be closed; let access control say who may use it'),
      ...protective('texts', 'allow_write_http_from', 'writes are not bound to addresses; let access control say who may write'),
      ...protective('text map', 'response_headers', 'no headers are added to answers'),
      ...all('read', 'int', 'max_header_bytes'),
      ...all('moot', 'bool', 'use_cache'),
    },
  },
  config_entries: {
    keys: protective('objects', 'bootstrap', 'there is no service mesh, and its entries, such as intentions, are not enforced'),
  },
};

/** Told apart by one remark for the whole section, or one for each. */
const others: Keys = {
  ...all('remark', 'bool', 'enable_script_checks enable_local_script_checks', scripts),
  ...all('remark', 'bool', 'enable_agent_tls_for_checks enable_central_service_config enable_debug enable_syslog'),
  ...all('remark', 'bool', 'auto_reload_config disable_coordinates disable_http_unprintable_char_filter translate_wan_addrs'),
  ...all('remark', 'bool', 'read_replica non_voting_server'),
  ...all('remark', 'text', 'alt_domain check_update_interval default_query_time max_query_time session_ttl_min syslog_facility'),
  ...all('remark', 'text', 'log_file log_rotate_duration'),
  ...all('remark', 'int', 'log_rotate_bytes log_rotate_max_files check_output_max_size'),
  ...all('remark', 'text map', 'log_sublevels'),
  ...all('remark', 'texts', 'experiments'),
  ...all('remark', 'objects', 'watches'),
  connect: {
    keys: {
      // A request for the mesh is refused, so no program runs as if there were one.
      ...all('remark', 'bool', 'enabled', 'there is no service mesh'),
      ...all('moot', 'any', 'ca_provider ca_config enable_mesh_gateway_wan_federation test_ca_leaf_root_change_spread'),
      ...all('moot', 'any', 'enable_serverless_plugin'),
    },
  },
  ui_config: {
    keys: {
      ...all('remark', 'bool', 'enabled', noUi),
      ...all('moot', 'text', 'dir content_path metrics_provider metrics_provider_options_json'),
      ...all('moot', 'any', 'metrics_provider_files metrics_proxy dashboard_url_templates hcp_enabled'),
    },
  },
  telemetry: without(true, {
    ...all('remark', 'text', 'circonus_api_app circonus_api_token circonus_api_url circonus_broker_id circonus_broker_select_tag'),
    ...all('remark', 'text', 'circonus_check_display_name circonus_check_force_metric_activation circonus_check_id'),
    ...all('remark', 'text', 'circonus_check_instance_id circonus_check_search_tag circonus_check_tags circonus_submission_interval'),
    ...all('remark', 'text', 'circonus_submission_url dogstatsd_addr metrics_prefix prometheus_retention_time statsd_address'),
    ...all('remark', 'text', 'statsite_address'),
    ...all('remark', 'bool', 'disable_hostname retry_failed_connection filter_default enable_host_metrics'),
    ...all('remark', 'bool', 'disable_per_tenancy_usage_metrics disable_compat_1.9'),
    ...all('remark', 'texts', 'dogstatsd_tags prefix_filter'),
  }),
  cloud: without(true, {
    ...all('remark', 'text', 'resource_id client_id client_secret hostname auth_url scada_address node_id node_name'),
    ...all('remark', 'any', 'management_token'),
  }),
  reporting: without(true, { ...all('remark', 'any', 'license snapshot_retention_time') }),
};

export const consulSettings: Keys = {
  acl: { keys: acl },
  tls: { keys: tls },
  limits: { keys: limits },
  ...all('read', 'text', 'data_dir node_name node_id datacenter domain client_addr log_level pid_file'),
  ...all('read', 'texts', 'recursors'),
  ...all('read', 'text map', 'node_meta'),
  // Their fields: `consul-agent-definitions.ts`.
  ...all('read', 'objects', 'service services check checks'),
  ports: {
    keys: {
      ...all('read', 'int', 'http https dns'),
      ...all('moot', 'int', 'serf_lan serf_wan server'),
      ...all('remark', 'int', 'grpc grpc_tls proxy_min_port proxy_max_port'),
      ...all('remark', 'int', 'sidecar_min_port sidecar_max_port expose_min_port expose_max_port'),
    },
  },
  addresses: { keys: { ...all('read', 'text', 'http https dns'), ...all('remark', 'text', 'grpc grpc_tls') } },
  unix_sockets: { keys: all('read', 'any', 'group mode user') },
  dns_config: {
    keys: {
      ...all('read', 'text', 'node_ttl'),
      ...all('read', 'text map', 'service_ttl'),
      ...all('read', 'bool', 'only_passing enable_truncate'),
      ...all('read', 'int', 'udp_answer_limit'),
      ...all('moot', 'bool', 'allow_stale use_cache'),
      ...all('moot', 'text', 'max_stale cache_max_age'),
      ...all('remark', 'int', 'a_record_limit'),
      ...all('remark', 'bool', 'disable_compression enable_additional_node_meta_txt prefer_namespace'),
      ...all('remark', 'text', 'recursor_strategy recursor_timeout'),
      ...all('remark', 'any', 'soa'),
    },
  },
  audit: {
    keys: {
      ...all('read', 'bool', 'enabled'),
      sink: {
        keys: {},
        named: {
          ...all('read', 'text', 'path'),
          ...all('moot', 'text', 'name type format delivery_guarantee mode rotate_duration'),
          ...all('moot', 'int', 'rotate_bytes rotate_max_files'),
        },
      },
    },
  },
  ...oldNames,
  ...servers,
  ...protection,
  ...others,
};

/** Settings that only flags set: `-dev`, for which Consul has no setting either, and flags that Rollcall adds. */
export const flagSettings: Keys = {
  ...consulSettings,
  ...all('read', 'bool', 'dev_mode unsafe_allow_unauthenticated unsafe_allow_plaintext'),
  ...all('read', 'texts', 'unsafe_without'),
};
