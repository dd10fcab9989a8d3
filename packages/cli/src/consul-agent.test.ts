import { checkDefinitions, parseHcl } from '@rollcall/server';
import { describe, expect, it } from 'vitest';
import { agentSettings, type AgentSettings } from './consul-agent.ts';
import { acceptAgentStyle, type GivenFlag } from './consul-agent-flags.ts';
import type { ConfigFile } from './consul-agent-files.ts';

const json = (content: unknown, path = 'consul.json'): ConfigFile => ({ path, format: 'json', text: JSON.stringify(content) });
const hcl = (text: string): ConfigFile => ({ path: 'consul.hcl', format: 'hcl', text });

function read(flags: readonly GivenFlag[], files: readonly ConfigFile[] = [], env = {}): AgentSettings {
  return agentSettings({ flags, files, folder: '/srv', env, parseHcl, checkDefinitions });
}
const of = (...contents: unknown[]) => read([], contents.map((each) => json(each)));
const inHcl = (text: string) => read([], [hcl(text)]);

describe('flags and files of a Consul agent', () => {
  it('listen where Consul would, and keep data below the folder', () => {
    const { settings, warnings, pidFile, more, definitions } = read([]);
    expect(settings).toMatchObject({
      http: { host: '127.0.0.1', port: 8_500 },
      https: undefined,
      dns: { host: '127.0.0.1', port: 8_600 },
      dataDir: '/srv/data',
      dev: false,
      nodeName: undefined,
      datacenter: 'dc1',
      logLevel: 'info',
      acl: false,
    });
    expect(warnings).toEqual([]);
    expect(pidFile).toBeUndefined();
    expect(more).toMatchObject({ nodeMeta: {} });
    expect(definitions).toEqual({ services: [], checks: [] });
  });

  it('prefer flags to files, later files before earlier ones, and -hcl before all', () => {
    const { settings, pidFile } = read(
      [['node', 'flag'], ['http-port', '1'], ['datacenter', 'flag'], ['hcl', 'datacenter = "DC7"']],
      [
        json({ node_name: 'a', ports: { http: 2, dns: 3 }, log_level: 'ERR' }),
        json({ node_name: 'b', datacenter: 'b', data_dir: 'd', pid_file: 'p', addresses: { http: '127.0.0.2' } }),
      ],
    );
    expect(settings).toMatchObject({ nodeName: 'flag', datacenter: 'dc7', dataDir: '/srv/d', logLevel: 'error' });
    expect(settings.http).toEqual({ host: '127.0.0.2', port: 1 });
    expect(settings.dns).toEqual({ host: '127.0.0.1', port: 3 });
    expect(pidFile).toBe('/srv/p');
  });

  it('are the same in HCL and JSON', () => {
    const { settings, more, warnings } = inHcl(`
      # a server
      datacenter = "east"
      client_addr = "::1"
      ports { http = 8510, dns = -1 }
      ports { https = 8511 }
      tls {
        defaults { ca_file = "ca.pem", verify_incoming = true, tls_min_version = "TLSv1_3" }
        https { cert_file = "/etc/cert.pem", key_file = "key.pem", verify_incoming = false }
      }
      acl = {
        enabled = true
        default_policy = "deny"
        tokens { initial_management = "root", default = "default-token", agent = "x" }
      }
      node_meta { rack = "r1" }
      recursors = ["10.0.0.53"]
      dns_config { service_ttl { "*" = "5s", "web" = "1m30s" }, node_ttl = "10s", only_passing = true }
    `);
    expect(settings).toMatchObject({
      datacenter: 'east',
      http: { host: '::1', port: 8_510 },
      https: { host: '::1', port: 8_511 },
      dns: undefined,
      tlsCertFile: '/etc/cert.pem',
      tlsKeyFile: '/srv/key.pem',
      tlsCaFile: '/srv/ca.pem',
      tlsVerifyIncoming: false,
      tlsMinVersion: '1.3',
      acl: true,
      aclDefaultPolicy: 'deny',
      aclInitialManagement: 'root',
      aclDefaultToken: 'default-token',
    });
    expect(more).toEqual({
      nodeMeta: { rack: 'r1' },
      dns: { recursors: ['10.0.0.53'], ttls: { node: 10, services: { '*': 5, web: 90 } }, onlyPassing: true },
    });
    expect(warnings).toEqual([]);
  });

  it('allow everything unless access control is configured, as in Consul', () => {
    expect(of({ acl: { enabled: true, tokens: { master: 'm' } } }).settings).toMatchObject({
      ...{ acl: true, aclDefaultPolicy: 'allow', aclInitialManagement: 'm' },
    });
  });

  it('name Unix sockets and their permissions', () => {
    const { settings } = of({ addresses: { http: 'unix:///run/r.sock' }, unix_sockets: { mode: '0770', group: '20' } });
    expect(settings).toMatchObject({ http: { path: '/run/r.sock' }, unixSockets: { mode: 0o770, group: 20 } });
  });

  it('may be empty files', () => {
    expect(read([], [hcl(''), { path: 'a.json', format: 'json', text: '\n' }]).settings.datacenter).toBe('dc1');
  });

  it('can switch listeners off', () => {
    expect(read([['dns-port', '-1']]).settings.dns).toBeUndefined();
    expect(of({ ports: { http: -1, https: 8_501, dns: -1 } }).settings).toMatchObject({ http: undefined, dns: undefined });
  });

  it('take from the environment only settings that Consul does not have', () => {
    const env = { ROLLCALL_UNSAFE_ALLOW_UNAUTHENTICATED: 'true', ROLLCALL_DATACENTER: 'other' };
    expect(read([], [], env).settings).toMatchObject({ unsafeAllowUnauthenticated: true, datacenter: 'dc1' });
    expect(read([['unsafe-allow-plaintext', true]]).settings).toMatchObject({ unsafeAllowPlaintext: true });
  });

  it('log more in development mode', () => {
    expect(read([['dev', true]]).settings).toMatchObject({ dev: true, logLevel: 'debug' });
    expect(read([['dev', true], ['log-level', 'warn']]).settings).toMatchObject({ logLevel: 'warn' });
  });

  it('write the audit log to the first sink', () => {
    const audit = { enabled: true, sink: { mine: { type: 'file', path: 'audit.json' } } };
    expect(of({ audit }).settings.auditLog).toBe('/srv/audit.json');
    expect(of({ audit: { ...audit, enabled: false } }).settings.auditLog).toBeUndefined();
  });
});

describe('definitions in files', () => {
  it('add up over files, in single form and lists, and get the names of the API', () => {
    const { definitions } = read(
      [],
      [
        hcl(`
          service {
            id = "web-1"
            name = "web"
            enable_tag_override = true
            tagged_addresses { lan { address = "10.0.0.1", port = 80 } }
            meta { some_key = "v" }
            checks = [{ id = "up", http = "http://10.0.0.1/", interval = "10s", header { x_y = ["z"] }, tls_skip_verify = true }]
          }
          service { name = "db" }
          check { id = "disk", name = "disk", ttl = "30s", deregister_critical_service_after = "1h", service_id = "db" }
        `),
        json({ services: [{ name: 'c', check: { ttl: '1m' } }], check: { name: 'load', ttl: '5s' } }),
      ],
    );
    expect(definitions).toEqual({
      services: [
        {
          ...{ id: 'web-1', name: 'web', enabletagoverride: true, meta: { some_key: 'v' } },
          taggedaddresses: { lan: { address: '10.0.0.1', port: 80 } },
          checks: [{ checkid: 'up', http: 'http://10.0.0.1/', interval: '10s', header: { x_y: ['z'] }, tlsskipverify: true }],
        },
        { name: 'db' },
        { name: 'c', checks: [{ ttl: '1m' }] },
      ],
      checks: [
        { id: 'disk', name: 'disk', ttl: '30s', deregistercriticalserviceafter: '1h', serviceid: 'db' },
        { name: 'load', ttl: '5s' },
      ],
    });
  });
});

describe('a setting without effect', () => {
  it('is reported with its source, a sufficient path, and a reason', () => {
    const { warnings } = read(
      [['retry-join', '10.0.0.1'], ['ui', true], ['bootstrap-expect', '3']],
      [json({ telemetry: { disable_hostname: true, metrics_prefix: 'x' }, acl: { tokens: { replication: 'x' } }, enable_script_checks: true })],
    );
    expect(warnings.map((warning) => warning.replace(/( here): .*$/, '$1'))).toEqual([
      'consul.json: telemetry has no effect here',
      'consul.json: acl.tokens.replication has no effect here',
      'consul.json: enable_script_checks has no effect here',
      'command line: retry_join has no effect here',
      'command line: ui_config.enabled has no effect here',
      'command line: bootstrap_expect has no effect here',
    ]);
    expect(warnings.find((warning) => warning.includes('script'))).toContain('use a TTL check');
  });

  it('is left out and reported when Consul uses it and this registry does not', () => {
    const { settings, warnings } = of({
      ...{ cert_file: 'c', key_file: 'k', ca_file: 'a' },
      ...{ acl: { enabled: false, tokens: { initial_management: 'root', default: 'x' } }, limits: { http_max_conns_per_client: 9 } },
    });
    expect(settings).toMatchObject({
      ...{ tlsCertFile: undefined, tlsVerifyIncoming: false, aclInitialManagement: undefined, aclDefaultToken: undefined },
      limits: { connectionsPerAddressMax: 9 },
    });
    expect(warnings).toEqual([
      'certificates have no effect here without ports.https: only HTTPS uses them',
      'acl.tokens have no effect: acl.enabled is not true',
    ]);
  });

  it('does not prevent the start: HTTPS without a certificate, as Go’s test servers have it', () => {
    const config = {
      ...{ node_name: 'n', node_id: '9E0FD6F0-1C3C-4D7F-8D1B-3F6D1A9C7E11', data_dir: 'd', bootstrap: true, server: true },
      ...{ segments: null, disable_update_check: true, log_level: 'debug', bind_addr: '127.0.0.1', addresses: {} },
      ...{ ports: { dns: 1, http: 2, https: 3, serf_lan: 4, serf_wan: 5, server: 6, grpc_tls: 7 }, performance: { raft_multiplier: 1 } },
      ...{ acl: { tokens: {} }, skip_leave_on_interrupt: true, peering: { enabled: true }, version: '1.21.0' },
    };
    const { settings, warnings, more } = of(config);
    expect(settings).toMatchObject({ http: { port: 2 }, https: undefined, dns: { port: 1 }, acl: false });
    expect(more.nodeId).toBe('9e0fd6f0-1c3c-4d7f-8d1b-3f6d1a9c7e11');
    expect(warnings).toEqual([
      'consul.json: ports.grpc_tls has no effect here',
      'ports.https has no effect here without cert_file and key_file: HTTPS is off',
    ]);
    expect(of({ limits: { http_max_conns_per_client: -1 } }).settings.limits).toEqual({ connectionsPerAddressMax: 2 ** 53 - 1 });
  });

  it('is not reported when a single server does not need it', () => {
    const config = {
      ...{ server: true, bootstrap: true, bootstrap_expect: 1, bind_addr: '10.0.0.1', retry_join: [], encrypt: '' },
      ...{ ports: { serf_lan: 8301, grpc: -1 }, connect: { enabled: false }, performance: { raft_multiplier: 1 }, ui: false },
    };
    expect(of(config).warnings).toEqual([]);
  });
});

describe('flags in Consul’s style', () => {
  it('may have one dash, and a value after = for switches', () => {
    const args = ['agent', '-dev', '-ui=false', '-server=true', '-node', '-odd', '-config-file=a b', '-unknown-flag', '--client=::1'];
    expect(acceptAgentStyle(args)).toEqual([
      ...['agent', '--dev', '--server', '--node', '-odd', '--config-file=a b', '--unknown-flag', '--client=::1'],
    ]);
    expect(() => acceptAgentStyle(['agent', '-dev=maybe'])).toThrow('-dev: "maybe" is neither true nor false');
  });

  it('of other commands are unchanged', () => {
    expect(acceptAgentStyle(['kv', '-x'])).toEqual(['kv', '-x']);
  });
});

describe('it refuses', () => {
  it.each([
    ['text that is not HCL', () => inHcl('server = '), 'consul.hcl is not HCL: line 1, column 10: '],
    ['text that is not JSON', () => read([], [{ path: 'a.json', format: 'json', text: '{' }]), 'a.json is not JSON'],
    ['JSON without an object', () => of([]), 'holds no JSON object'],
    ['a wrong type', () => of({ node_name: 5 }), 'consul.json: node_name must be a string, not 5'],
    ['a wrong port', () => read([['http-port', '70000']]), '"70000" is no port for ports.http'],
    ['HTTP off without HTTPS', () => read([['http-port', '-1']]), 'neither HTTP nor HTTPS has a port'],
    ['a wrong level', () => of({ log_level: 'loud' }), 'log level "loud" is unknown'],
    ['a wrong policy', () => of({ acl: { default_policy: 'maybe' } }), 'acl.default_policy: "maybe" is not one of allow, deny'],
    ['several addresses', () => of({ client_addr: '127.0.0.1 10.0.0.1' }), 'is not one address'],
    ['a template for an address', () => of({ client_addr: '{{ GetPrivateIP }}' }), 'is not one address'],
    ['a socket for DNS', () => of({ addresses: { dns: 'unix:///x' } }), 'addresses.dns'],
    ['a wrong id', () => of({ node_id: 'x' }), 'node_id: "x" is no UUID'],
    ['metadata that is no text', () => of({ node_meta: { a: 1 } }), 'node_meta must be an object of strings'],
    ['a wrong TTL', () => of({ dns_config: { node_ttl: 'soon' } }), 'dns_config.node_ttl: "soon" is no duration'],
    ['an old version of TLS by another name', () => of({ tls_min_version: 'ssl3' }), 'tls_min_version: "ssl3" is unknown'],
    ['a definition that is no object', () => of({ services: ['web'] }), 'services must be objects, not ["web"]'],
    ['metadata without a colon', () => read([['node-meta', 'x']]), '-node-meta: "x" is no key:value'],
    ['an audit log without a file', () => of({ audit: { enabled: true } }), 'audit is enabled, but no sink has a path'],
  ])('%s', (_what, action, message) => {
    expect(action).toThrow(message);
    expect(action).toThrow(expect.objectContaining({ exitCode: 2 }));
  });
});
