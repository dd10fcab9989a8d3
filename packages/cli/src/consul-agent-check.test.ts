/** An agent refuses to start when its files ask for protection that it does not give, or have an unknown setting. */

import { checkDefinitions, parseHcl } from '@rollcall/server';
import { describe, expect, it } from 'vitest';
import { agentSettings, type AgentSettings } from './consul-agent.ts';
import type { GivenFlag } from './consul-agent-flags.ts';
import { consulSettings, type Keys } from './consul-agent-schema.ts';

function read(text: string, { flags = [], env = {} }: { flags?: GivenFlag[]; env?: Record<string, string> } = {}): AgentSettings {
  const format = text.startsWith('{') ? 'json' : 'hcl';
  return agentSettings({ flags, files: [{ path: `a.${format}`, format, text }], folder: '/srv', env, parseHcl, checkDefinitions });
}

function refusal(text: string, options?: Parameters<typeof read>[1]): string {
  try {
    read(text, options);
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2 });
    return (error as Error).message;
  }
  throw new Error(`not refused: ${text}`);
}

describe('a setting that Consul does not have is refused, with the probable intention', () => {
  it.each([
    ['acl { enable = true, default_policy = "deny" }', 'a.hcl: acl.enable is no setting of Consul; did you mean acl.enabled?'],
    ['{"acl": {"enabled": true, "default_polcy": "deny"}}', 'a.json: acl.default_polcy is no setting of Consul; did you mean acl.default_policy?'],
    ['default_policy = "deny"', 'a.hcl: default_policy is no setting of Consul; did you mean acl.default_policy?'],
    ['sevice { name = "web" }', 'a.hcl: sevice is no setting of Consul; did you mean service?'],
    ['Service { name = "web" }', 'a.hcl: Service is no setting of Consul; did you mean service?'],
    ['{"Services": [{"Name": "web"}]}', 'a.json: Services is no setting of Consul; did you mean services?'],
    ['nodeName = "x"', 'a.hcl: nodeName is no setting of Consul; did you mean node_name?'],
    ['tls { defaults { verify_incomming = true } }', 'a.hcl: tls.defaults.verify_incomming is no setting of Consul; did you mean tls.defaults.verify_incoming?'],
    ['audit { sink "a" { pth = "x" } }', 'a.hcl: audit.sink.a.pth is no setting of Consul; did you mean audit.sink.a.path?'],
    ['telemetry { metrics_prefx = "x" }', 'a.hcl: telemetry.metrics_prefx is no setting of Consul; did you mean telemetry.metrics_prefix?'],
    ['xyzzy_plugh = 1', 'a.hcl: xyzzy_plugh is no setting of Consul'],
    ['{"xyzzy_plugh": null}', 'a.json: xyzzy_plugh is no setting of Consul'],
    ['dev_mode = true', 'a.hcl: dev_mode is no setting of Consul'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  it('all of them at once, a line each', () => {
    expect(refusal('acl { enable = true }\nencrypt = "k"\nports { http = "x" }').split('\n')).toEqual([
      'a.hcl: acl.enable is no setting of Consul; did you mean acl.enabled?',
      expect.stringMatching(/^a\.hcl: encrypt asks for protection that is not given here: .*-unsafe-without=encrypt$/),
      'a.hcl: ports.http must be a whole number, not "x"',
    ]);
  });

  it('in -hcl as well', () => {
    expect(refusal('', { flags: [['hcl', 'acl { enable = true }']] })).toContain('-hcl: acl.enable is no setting of Consul');
  });
});

describe('a file with other content is recognised', () => {
  it.each([
    ['{"Node": "n", "Address": "10.0.0.1", "Service": {"Service": "web", "Port": 80}}', 'this is a body of /v1/catalog/register'],
    ['{"Name": "web", "Port": 80}', 'this is a service without a place; a file of the agent has {"service": {"name": …}}'],
    ['name = "web"\nport = 80', 'this is a service without a place'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toContain(message);
  });
});

describe('definitions are checked before anything starts', () => {
  it.each([
    ['service { nam = "web" }', 'service "": unknown field "nam"; did you mean "name"?'],
    ['service { name = "web", prot = 80 }', 'service "web": unknown field "prot"; did you mean "port"?'],
    ['service { name = "web", check { htp = "http://x", interval = "1s" } }', 'service "web": check "": unknown field "htp"; did you mean "http"?'],
    ['service { name = "web", weights { pasing = 1 } }', 'service "web": weights: unknown field "pasing"; did you mean "passing"?'],
    ['check { name = "x", ttll = "5s" }', 'check "x": unknown field "ttll"; did you mean "ttl"?'],
    ['service { name = "web", port = "eighty" }', 'service "web": json: cannot unmarshal string into field Port of type int'],
    ['service { port = 80 }', 'service number 1: Missing service name'],
    ['service { name = "a" }\nservice { name = "a" }', 'service "a": another definition has the same ID'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(message);
  });
});

describe('wrong types and repeated settings', () => {
  it.each([
    ['acl { enabled = "yes" }', 'a.hcl: acl.enabled must be true or false, not "yes"'],
    ['{"acl": {"enabled": 1}}', 'a.json: acl.enabled must be true or false, not 1'],
    ['acl = "deny"', 'a.hcl: acl is a section of settings, not "deny"'],
    ['disable_remote_exec = "yes"', 'a.hcl: disable_remote_exec must be true or false, not "yes"'],
    ['recursors = [1]', 'a.hcl: recursors must be a list of strings, not [1]'],
    ['ports { http = 80.5 }', 'a.hcl: ports.http must be a whole number, not 80.5'],
    ['datacenter = "a"\ndatacenter = "b"', 'a.hcl is not HCL: line 2, column 1: datacenter is given twice'],
    ['acl { enabled = true }\nacl { enabled = false }', 'a.hcl: acl.enabled is given twice'],
    ['acl = true\nacl { enabled = true }', 'a.hcl is not HCL: line 2, column 1: acl is given twice'],
    ['{"acl": {"enabled": true, "enabled": false}}', 'a.json is not JSON: enabled is given twice'],
    ['{"acl": {"enabled": true}, "\\u0061cl": {}}', 'a.json is not JSON: acl is given twice'],
  ])('%s', (text, message) => {
    expect(refusal(text)).toBe(message);
  });

  it('blocks with different settings are merged', () => {
    const { settings } = read('acl { enabled = true }\nacl { tokens { initial_management = "m" } tokens { default = "d" } }');
    expect(settings).toMatchObject({ acl: true, aclInitialManagement: 'm', aclDefaultToken: 'd' });
  });

  it('the settings of Consul’s own test servers and definitions are accepted', () => {
    const old = { acl_enforce_version_8: false, segments: null, disable_update_check: true, performance: { raft_multiplier: 1 }, version: '1.4.0' };
    expect(read(JSON.stringify({ ...old, connect: { enabled: true, ca_config: { cluster_id: 'x' } } })).settings.datacenter).toBe('dc1');
    const { services } = read('service { name = "a", token = "t", checks = [{ ttl = "1s", token = "t" }] }').definitions;
    expect(services).toEqual([{ name: 'a', token: 't', checks: [{ ttl: '1s' }] }]);
  });

  it('the same key in several objects of a list is not repeated, nor is text in a string that looks like a key', () => {
    const text = JSON.stringify({ services: [{ name: 'a', tags: ['"x":', '{'] }, { name: 'b' }], log_level: 'info', domain: '{"a":1,"a":2}' });
    expect(read(text).definitions.services).toHaveLength(2);
  });
});

describe('a setting that asks for protection that Rollcall does not have', () => {
  const asking: readonly (readonly [text: string, path: string])[] = [
    ['encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="', 'encrypt'],
    ['encrypt_verify_incoming = true', 'encrypt_verify_incoming'],
    ['verify_outgoing = true', 'verify_outgoing'],
    ['verify_server_hostname = true', 'verify_server_hostname'],
    ['verify_incoming_rpc = true', 'verify_incoming_rpc'],
    ['verify_incoming = true', 'verify_incoming'],
    ['tls { https { verify_incoming = true } }', 'tls.https.verify_incoming'],
    ['tls { internal_rpc { verify_incoming = true } }', 'tls.internal_rpc.verify_incoming'],
    ['tls { grpc { verify_incoming = true } }', 'tls.grpc.verify_incoming'],
    ['tls { defaults { tls_cipher_suites = "TLS_RSA_WITH_AES_128_CBC_SHA" } }', 'tls.defaults.tls_cipher_suites'],
    ['auto_encrypt { tls = true }', 'auto_encrypt.tls'],
    ['auto_encrypt { allow_tls = true }', 'auto_encrypt.allow_tls'],
    ['auto_config { enabled = true }', 'auto_config.enabled'],
    ['auto_config { authorization { enabled = true, static { bound_issuer = "x" } } }', 'auto_config.authorization.enabled'],
    ['http_config { block_endpoints = ["/v1/agent/"] }', 'http_config.block_endpoints'],
    ['http_config { allow_write_http_from = ["127.0.0.0/8"] }', 'http_config.allow_write_http_from'],
    ['http_config { response_headers { X-Frame-Options = "DENY" } }', 'http_config.response_headers'],
    ['limits { rpc_rate = 100 }', 'limits.rpc_rate'],
    ['limits { rpc_max_conns_per_client = 100 }', 'limits.rpc_max_conns_per_client'],
    ['limits { request_limits { mode = "enforcing", read_rate = 5 } }', 'limits.request_limits.mode'],
    ['serf_lan_allowed_cidrs = ["10.0.0.0/8"]', 'serf_lan_allowed_cidrs'],
    ['discard_check_output = true', 'discard_check_output'],
    ['segment = "alpha"', 'segment'],
    ['segments = [{ name = "alpha", port = 8303 }]', 'segments'],
    ['partition = "team"', 'partition'],
    ['acl { enable_key_list_policy = true }', 'acl.enable_key_list_policy'],
    ['acl_enable_key_list_policy = true', 'acl_enable_key_list_policy'],
    ['config_entries { bootstrap = [{ kind = "service-intentions", name = "*" }] }', 'config_entries.bootstrap'],
    ['default_intention_policy = "deny"', 'default_intention_policy'],
  ];

  it.each(asking)('prevents the start: %s', (text, path) => {
    expect(refusal(text)).toMatch(new RegExp(`${path} asks for protection that is not given here: .+-unsafe-without=${path}$`));
  });

  it.each(asking)('is allowed by name: %s', (text, path) => {
    const byFlag = read(text, { flags: [['unsafe-without', path]] }).warnings.join('\n');
    const byEnvironment = read(text, { env: { ROLLCALL_UNSAFE_WITHOUT: `acl.msp_disable_bootstrap, ${path}` } }).warnings.join('\n');
    for (const warnings of [byFlag, byEnvironment]) expect(warnings).toMatch(/does not protect anything here|certificates have no effect/);
  });

  it('is allowed by the section that it is in, and not by the name of another', () => {
    expect(() => read('auto_encrypt { tls = true }', { flags: [['unsafe-without', 'encrypt,auto_encrypt']] })).not.toThrow();
    expect(refusal('auto_encrypt { tls = true }', { flags: [['unsafe-without', 'encrypt']] })).toContain('auto_encrypt.tls asks');
  });

  it('is allowed only where there is such a setting', () => {
    expect(refusal('', { flags: [['unsafe-without', 'encript']] })).toBe(
      '-unsafe-without: encript is no setting that asks for protection in vain; did you mean encrypt?',
    );
    expect(refusal('', { flags: [['unsafe-without', 'node_name']] })).toContain('node_name is no setting that asks for protection in vain');
  });

  it('is refused from flags, too', () => {
    expect(refusal('', { flags: [['encrypt', 'key']] })).toContain('command line: encrypt asks for protection');
  });

  it.each([
    'encrypt = ""',
    'verify_outgoing = false',
    'http_config { allow_write_http_from = [] }',
    'limits { rpc_rate = -1, rpc_max_burst = 0, request_limits { mode = "permissive" } }',
    'partition = "default"',
    'disable_remote_exec = true\ndisable_update_check = true\ndisable_anonymous_signature = true\ndisable_keyring_file = true',
    '{"segments": null, "auto_encrypt": {}}',
  ])('means nothing where it asks for nothing, or for what always holds: %s', (text) => {
    expect(read(text).warnings).toEqual([]);
  });
});

describe('access control', () => {
  it.each([
    ['acl { default_policy = "deny" }', 'acl.default_policy is set, but acl.enabled is not'],
    ['acl { tokens { initial_management = "x" } }', 'acl.tokens.initial_management is set, but acl.enabled is not'],
    ['acl_default_policy = "deny"', 'acl.default_policy is set, but acl.enabled is not'],
    ['acl_master_token = "x"', 'acl.tokens.initial_management is set, but acl.enabled is not'],
  ])('that is described and not enabled keeps it from starting: %s', (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  it('may be switched off explicitly, also beside its other options', () => {
    expect(read('acl { enabled = false, default_policy = "deny" }').settings.acl).toBe(false);
  });

  it('is switched on by its old names, as in Consul, and each is reported', () => {
    const { settings, warnings } = read(`
      acl_datacenter = "dc1"
      acl_default_policy = "deny"
      acl_master_token = "root"
      acl_token = "default-token"
      acl_agent_token = "agent"
      acl_down_policy = "extend-cache"
      acl_ttl = "30s"
    `);
    expect(settings).toMatchObject({ acl: true, aclDefaultPolicy: 'deny', aclInitialManagement: 'root', aclDefaultToken: 'default-token' });
    expect(warnings).toEqual([
      'a.hcl: acl_datacenter is the old name of primary_datacenter, and switches access control on',
      'a.hcl: acl_default_policy is the old name of acl.default_policy',
      'a.hcl: acl_master_token is the old name of acl.tokens.initial_management',
      'a.hcl: acl_token is the old name of acl.tokens.default',
      'a.hcl: acl_agent_token is the old name of acl.tokens.agent',
      'a.hcl: acl_down_policy is the old name of acl.down_policy',
      'a.hcl: acl_ttl is the old name of acl.token_ttl',
    ]);
  });

  it('prefers its new names to the old ones', () => {
    const { settings } = read('acl_datacenter = "dc1"\nacl_default_policy = "deny"\nacl { default_policy = "allow", enabled = false }');
    expect(settings).toMatchObject({ acl: true, aclDefaultPolicy: 'allow' });
  });
});

describe('the table', () => {
  it('has a reason for each missing protection', () => {
    const missing = (keys: Keys, prefix: string): string[] =>
      Object.entries(keys).flatMap(([key, entry]) => {
        if ('keys' in entry) return missing(entry.keys, `${prefix}${key}.`);
        return entry.fate === 'protective' && (entry.why ?? '') === '' ? [prefix + key] : [];
      });
    expect(missing(consulSettings, '')).toEqual([]);
  });
});
