import { describe, expect, it } from 'vitest';
import { defaultSettings, resolveSettings, type ResolveInput, type Source } from './resolve.ts';
import { settingsTable, type Settings } from './table.ts';

const resolved = (input: Partial<ResolveInput> & { file?: unknown }) =>
  resolveSettings({
    flags: {},
    env: {},
    folder: '/work',
    limitNames: ['parkedMax', 'bodyBytesMax'],
    configFile: input.file === undefined ? undefined : 'conf/rollcall.json',
    readFile: () => (typeof input.file === 'string' ? input.file : JSON.stringify(input.file)),
    ...input,
  });

describe('defaults', () => {
  it('are those of the manual', () => {
    expect(resolved({}).settings).toEqual({
      http: { host: '127.0.0.1', port: 8500 },
      https: undefined,
      dns: { host: '127.0.0.1', port: 8600 },
      eureka: undefined,
      eurekaTls: false,
      eurekaCompat: false,
      nacos: undefined,
      nacosTls: false,
      grpc: undefined,
      grpcTls: false,
      zookeeper: undefined,
      zookeeperTls: false,
      zookeeperNamespace: 'default',
      zookeeperTick: 2_000,
      zookeeperBase: '/services',
      zookeeperDubboBase: '/dubbo',
      zookeeperFamily: 'curator',
      zookeeperWords: ['srvr'],
      eurekaPeer: [],
      eurekaPeerCaFile: undefined,
      engine: undefined,
      enginePrefix: 'rollcall',
      engineCaFile: undefined,
      engineCertFile: undefined,
      engineKeyFile: undefined,
      engineUser: undefined,
      enginePasswordFile: undefined,
      engineRestored: false,
      engineTokenFile: undefined,
      dataDir: '/work/data',
      dev: false,
      followers: false,
      workers: undefined,
      peerUrl: undefined,
      peerCaFile: undefined,
      nodeName: undefined,
      datacenter: 'dc1',
      consoleEnvironment: undefined,
      logLevel: 'info',
      tlsCertFile: undefined,
      tlsKeyFile: undefined,
      tlsCaFile: undefined,
      tlsVerifyIncoming: false,
      tlsMinVersion: '1.2',
      acl: false,
      aclDefaultPolicy: 'deny',
      aclInitialManagement: undefined,
      aclDefaultToken: undefined,
      configKeyFile: undefined,
      configKeyCommand: undefined,
      apolloKeysFile: undefined,
      configurationsInKv: false,
      history: 67_108_864,
      auditLog: undefined,
      probeCaFile: undefined,
      unsafeAllowUnauthenticated: false,
      unsafeAllowPlaintext: false,
      allowedHosts: [],
      allowedOrigins: [],
      unixSockets: { mode: 0o600 },
      agentNames: {},
      limits: {},
    });
  });

  it('are marked as defaults', () => {
    expect(new Set(Object.values(resolved({}).sources))).toEqual(new Set(['default']));
    expect(defaultSettings('/work')).toEqual(resolved({}).settings);
  });
});

type Each = readonly [key: keyof Settings, flag: unknown, env: string, file: unknown, values: readonly unknown[]];

const fileOf = (key: keyof Settings): Each => [key, 'flag.pem', '/env.pem', '../file.pem', ['/work/flag.pem', '/env.pem', '/work/file.pem']];

/** For each setting that has all three sources: the text of each, and its value. */
const each: readonly Each[] = [
  ['http', '[::1]:1', '1.2.3.4:2', 'localhost:3', [{ host: '::1', port: 1 }, { host: '1.2.3.4', port: 2 }, { host: 'localhost', port: 3 }]],
  ['https', '127.0.0.1:1', 'off', '127.0.0.1:3', [{ host: '127.0.0.1', port: 1 }, undefined, { host: '127.0.0.1', port: 3 }]],
  ['dns', '127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3', [1, 2, 3].map((port) => ({ host: '127.0.0.1', port }))],
  ['eureka', '127.0.0.1:1', 'off', '127.0.0.1:3', [{ host: '127.0.0.1', port: 1 }, undefined, { host: '127.0.0.1', port: 3 }]],
  ['eurekaTls', true, 'false', true, [true, false, true]],
  ['eurekaCompat', true, 'false', true, [true, false, true]],
  ['nacos', '127.0.0.1:1', 'off', '127.0.0.1:3', [{ host: '127.0.0.1', port: 1 }, undefined, { host: '127.0.0.1', port: 3 }]],
  ['nacosTls', true, '0', true, [true, false, true]],
  ['grpc', '127.0.0.1:1', 'off', '127.0.0.1:3', [{ host: '127.0.0.1', port: 1 }, undefined, { host: '127.0.0.1', port: 3 }]],
  ['grpcTls', true, '0', true, [true, false, true]],
  ['eurekaPeer', ['http://a:1/eureka', 'http://b:2/eureka'], 'http://c:3/eureka,https://n:p@d:4/eureka', ['http://e:5/eureka'], [['http://a:1/eureka', 'http://b:2/eureka'], ['http://c:3/eureka', 'https://n:p@d:4/eureka'], ['http://e:5/eureka']]],
  fileOf('eurekaPeerCaFile'),
  ['zookeeper', '127.0.0.1:1', 'off', '127.0.0.1:3', [{ host: '127.0.0.1', port: 1 }, undefined, { host: '127.0.0.1', port: 3 }]],
  ['zookeeperTls', true, '0', true, [true, false, true]],
  ['zookeeperNamespace', 'a', 'b', 'c', ['a', 'b', 'c']],
  ['zookeeperTick', '100', '500', 60_000, [100, 500, 60_000]],
  ['zookeeperBase', '/a', '/b/c', '/d', ['/a', '/b/c', '/d']],
  ['zookeeperDubboBase', '/a', '/b/c', '/d', ['/a', '/b/c', '/d']],
  ['zookeeperFamily', 'curator', 'spring', 'dubbo', ['curator', 'spring', 'dubbo']],
  ['zookeeperWords', '*', 'srvr, stat', ['ruok'], [['*'], ['srvr', 'stat'], ['ruok']]],
  ['engine', 'memory', 'etcd:http://a:1,http://b:2', 'embedded:../file', [{ kind: 'memory' }, { kind: 'etcd', urls: ['http://a:1', 'http://b:2'] }, { kind: 'embedded', dir: '/work/file' }]],
  ['enginePrefix', 'a', 'b', 'c', ['a', 'b', 'c']],
  ...(['engineCaFile', 'engineCertFile', 'engineKeyFile'] as const).map(fileOf),
  ['engineUser', 'a', 'b', 'c', ['a', 'b', 'c']],
  fileOf('enginePasswordFile'),
  ['engineRestored', true, 'false', true, [true, false, true]],
  fileOf('engineTokenFile'),
  ['dataDir', 'flag', '/env', '../file', ['/work/flag', '/env', '/work/file']],
  ['dev', true, 'false', true, [true, false, true]],
  ['followers', true, 'false', true, [true, false, true]],
  ['peerUrl', 'https://a:1', 'https://b', 'http://c:3', ['https://a:1', 'https://b', 'http://c:3']],
  fileOf('peerCaFile'),
  ['workers', '1', '2', 3, [1, 2, 3]],
  ['nodeName', 'a', 'b', 'c', ['a', 'b', 'c']],
  ['datacenter', 'a', 'b', 'c', ['a', 'b', 'c']],
  ['consoleEnvironment', 'production', 'staging', 'test:blue', [{ name: 'production', colour: 'red' }, { name: 'staging', colour: 'grey' }, { name: 'test', colour: 'blue' }]],
  ['logLevel', 'debug', 'warn', 'error', ['debug', 'warn', 'error']],
  ...(['tlsCertFile', 'tlsKeyFile', 'tlsCaFile'] as const).map(fileOf),
  ['tlsVerifyIncoming', true, '0', true, [true, false, true]],
  ['tlsMinVersion', '1.3', '1.2', '1.3', ['1.3', '1.2', '1.3']],
  ['acl', true, '0', true, [true, false, true]],
  ['aclDefaultPolicy', 'allow', 'deny', 'allow', ['allow', 'deny', 'allow']],
  fileOf('configKeyFile'),
  ['configKeyCommand', 'a', 'b', 'c', ['a', 'b', 'c']],
  fileOf('apolloKeysFile'),
  ['configurationsInKv', true, '0', true, [true, false, true]],
  ['history', '64MiB', '0', 5, [67_108_864, 0, 5]],
  ...(['auditLog', 'probeCaFile'] as const).map(fileOf),
  ['unsafeAllowUnauthenticated', true, '0', true, [true, false, true]],
  ['unsafeAllowPlaintext', true, '0', true, [true, false, true]],
];

const order: readonly Source[] = ['command line', 'environment', 'configuration file'];

describe('precedence', () => {
  it.each(each)('of %s is command line, environment, file', (key, flag, env, file, values) => {
    const sources: (Partial<ResolveInput> & { file?: unknown })[] = [
      { flags: { [key]: flag } },
      { env: { [settingsTable[key].env ?? '']: env } },
      { file: { [key]: file } },
    ];
    for (let best = 0; best < sources.length; best++) {
      const result = resolved(Object.assign({}, ...sources.slice(best)) as Partial<ResolveInput>);
      expect([result.settings[key], result.sources[key]]).toEqual([values[best], order[best]]);
    }
  });

  it('covers every setting that the command line has', () => {
    const withFlags = Object.entries(settingsTable).flatMap(([key, { flag }]) => (flag === undefined ? [] : [key]));
    expect(each.map(([key]) => key)).toEqual(withFlags);
  });

  it('finds the file by --config before ROLLCALL_CONFIG', () => {
    const read: string[] = [];
    const readFile = (path: string) => {
      read.push(path);
      return '{}';
    };
    const env = { ROLLCALL_CONFIG: '/env.json' };
    resolved({ configFile: 'flag.json', env, readFile });
    resolved({ env, readFile });
    resolved({ env: { ROLLCALL_CONFIG: '' }, readFile });
    expect(read).toEqual(['/work/flag.json', '/env.json']);
  });
});

describe('settings that only the file can have', () => {
  it('are read', () => {
    const { settings } = resolved({ file: { agentNames: { '10.0.0.7': 'db-1' }, limits: { parkedMax: 7 } } });
    expect(settings.agentNames).toEqual({ '10.0.0.7': 'db-1' });
    expect(settings.limits).toEqual({ parkedMax: 7 });
  });

  it('are read for names, origins and Unix sockets', () => {
    const file = {
      http: 'unix:///run/rollcall.sock',
      allowedHosts: ['registry.internal', 'Registry'],
      allowedOrigins: ['https://console.example', 'http://127.0.0.1:3000'],
      unixSockets: { mode: '0660', user: '1000', group: 5 },
    };
    expect(resolved({ file }).settings).toMatchObject({
      http: { path: '/run/rollcall.sock' },
      allowedHosts: ['registry.internal', 'Registry'],
      allowedOrigins: ['https://console.example', 'http://127.0.0.1:3000'],
      unixSockets: { mode: 0o660, user: 1000, group: 5 },
    });
  });
});

describe('secrets', () => {
  it('come from the environment or the file, and no flag shows them to other users', () => {
    for (const key of ['aclInitialManagement', 'aclDefaultToken'] as const) {
      expect(settingsTable[key].flag).toBeUndefined();
      const env = { [settingsTable[key].env ?? '']: 'from-env' };
      expect(resolved({ env, file: { [key]: 'from-file' } }).settings[key]).toBe('from-env');
      expect(resolved({ file: { [key]: 'from-file' } }).settings[key]).toBe('from-file');
    }
  });
});

describe('mistakes', () => {
  it.each<[string, Partial<ResolveInput> & { file?: unknown }, string]>([
    ['an unknown setting', { file: { datadir: 'x' } }, '/work/conf/rollcall.json: unknown setting "datadir"; did you mean "dataDir"?'],
    ['a setting of the prototype', { file: '{"__proto__": {"dev": true}}' }, 'unknown setting "__proto__"; known are http, https, dns'],
    ['a swapped letter', { file: { htpp: 'x' } }, 'did you mean "http"?'],
    ['an unknown limit', { file: { limits: { parked_max: 1 } } }, 'limits: unknown limit "parked_max"; did you mean "parkedMax"?'],
    ['a limit of 0', { file: { limits: { parkedMax: 0 } } }, 'limits: parkedMax is 0, but must be a whole number above 0'],
    ['limits that are a list', { file: { limits: [] } }, 'limits: [] is not an object'],
    ['an origin with a path', { file: { allowedOrigins: ['https://a.test/x'] } }, 'allowedOrigins: "https://a.test/x" is not an origin'],
    ['a Eureka peer without a scheme, and its password is not shown', { env: { ROLLCALL_EUREKA_PEER: 'ftp://n:secret@a' } }, 'ROLLCALL_EUREKA_PEER: "ftp://***@a" is not the URL of a Eureka server'],
    ['every origin', { file: { allowedOrigins: ['*'] } }, 'allowedOrigins: "*" is not an origin'],
    ['an origin with its own port', { file: { allowedOrigins: ['https://a.test:443'] } }, 'is not an origin'],
    ['a host with a port', { file: { allowedHosts: ['a.test:8500'] } }, 'allowedHosts: "a.test:8500" is not a host name'],
    ['names that are no list', { file: { allowedHosts: 'a.test' } }, 'allowedHosts: "a.test" is not a list'],
    ['a mode that is no text', { file: { unixSockets: { mode: 660 } } }, 'unixSockets: 660 is not text'],
    ['a mode that is not octal', { file: { unixSockets: { mode: '689' } } }, 'mode "689" is not three octal digits'],
    ['a user by name', { file: { unixSockets: { user: 'root' } } }, 'user "root" is not an id'],
    ['an unknown key of a socket', { file: { unixSockets: { gruop: 1 } } }, 'unknown key "gruop"; did you mean "group"?'],
    ['an empty secret', { env: { ROLLCALL_ACL_INITIAL_MANAGEMENT: '' } }, 'ROLLCALL_ACL_INITIAL_MANAGEMENT: it is empty'],
    ['a wrong version', { flags: { tlsMinVersion: '1.1' } }, '--tls-min-version: "1.1" is not one of 1.2, 1.3'],
    ['an agent that is no address', { file: { agentNames: { db: 'db-1' } } }, 'agentNames: "db" is not an IP address'],
    ['an agent name that is none', { file: { agentNames: { '10.0.0.7': 'a b' } } }, 'agentNames: "a b" is not a node name'],
    ['no JSON', { file: '{\n  "dev": true,\n}' }, '/work/conf/rollcall.json: not JSON (line 3): '],
    ['JSON, but no object', { file: '[]' }, 'must hold a JSON object'],
    ['a wrong type', { file: { http: 8500 } }, '/work/conf/rollcall.json: http: 8500 is not text'],
    ['a wrong boolean', { env: { ROLLCALL_DEV: 'yes' } }, 'ROLLCALL_DEV: "yes" is neither true nor false'],
    ['a wrong level', { flags: { logLevel: 'loud' } }, '--log-level: "loud" is not one of fatal, error'],
    ['an empty directory', { flags: { dataDir: '' } }, '--data-dir: it is empty'],
    ['a node name with a slash', { flags: { nodeName: 'a/b' } }, '--node-name: "a/b" is not a node name'],
    ['a datacenter in upper case', { flags: { datacenter: 'DC1' } }, '--datacenter: "DC1" is not a datacenter'],
    ['a wrong value that is not used', { flags: { http: '127.0.0.1:1' }, env: { ROLLCALL_HTTP: 'x' } }, 'ROLLCALL_HTTP: "x" is not an address'],
  ])('%s', (_name, input, message) => {
    expect(() => resolved(input)).toThrow(message);
    expect(() => resolved(input)).toThrow(expect.objectContaining({ exitCode: 2 }));
  });

  it('a missing file', () => {
    const readFile = () => {
      throw Object.assign(new Error("ENOENT: no such file or directory, open '/work/x.json'"), { code: 'ENOENT' });
    };
    expect(() => resolved({ configFile: 'x.json', readFile })).toThrow('cannot read the configuration file: there is no /work/x.json');
  });

  it('in the environment only cause warnings, since other programs set variables, too', () => {
    const env = {
      ROLLCALL_DATADIR: '/x',
      ROLLCALL_HTTP_ADDR: 'http://127.0.0.1:8500',
      ROLLCALL_CA_FILE: '/ca.pem',
      ROLLCALL_TOKEN: 'x',
      ROLLCALL_PORT: 'tcp://10.0.0.1:8500',
      ROLLCALL_HTTP_SERVICE_PORT: '8500',
      ROLLCALL_BENCH_SECONDS: '10',
      HTTP: 'x',
    };
    expect(resolved({ env }).warnings).toEqual([
      'ROLLCALL_DATADIR in the environment has no effect; did you mean ROLLCALL_DATA_DIR?',
    ]);
  });
});
