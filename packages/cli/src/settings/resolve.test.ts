import { describe, expect, it } from 'vitest';
import { resolveSettings, type ResolveInput, type Source } from './resolve.ts';
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
      dns: { host: '127.0.0.1', port: 8600 },
      dataDir: '/work/data',
      dev: false,
      nodeName: undefined,
      datacenter: 'dc1',
      logLevel: 'info',
      unsafeAllowUnauthenticated: false,
      agentNames: {},
      limits: {},
    });
  });

  it('are known as such', () => {
    expect(new Set(Object.values(resolved({}).sources))).toEqual(new Set(['default']));
  });
});

/** For each setting that has all three sources: what each says, and what that means. */
const each: readonly [key: keyof Settings, flag: unknown, env: string, file: unknown, values: readonly unknown[]][] = [
  ['http', '[::1]:1', '1.2.3.4:2', 'localhost:3', [{ host: '::1', port: 1 }, { host: '1.2.3.4', port: 2 }, { host: 'localhost', port: 3 }]],
  ['dns', '127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3', [1, 2, 3].map((port) => ({ host: '127.0.0.1', port }))],
  ['dataDir', 'flag', '/env', '../file', ['/work/flag', '/env', '/work/file']],
  ['dev', true, 'false', true, [true, false, true]],
  ['nodeName', 'a', 'b', 'c', ['a', 'b', 'c']],
  ['datacenter', 'a', 'b', 'c', ['a', 'b', 'c']],
  ['logLevel', 'debug', 'warn', 'error', ['debug', 'warn', 'error']],
  ['unsafeAllowUnauthenticated', true, '0', true, [true, false, true]],
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

describe('what only the file can say', () => {
  it('is read', () => {
    const { settings } = resolved({ file: { agentNames: { '10.0.0.7': 'db-1' }, limits: { parkedMax: 7 } } });
    expect(settings.agentNames).toEqual({ '10.0.0.7': 'db-1' });
    expect(settings.limits).toEqual({ parkedMax: 7 });
  });
});

describe('mistakes', () => {
  it.each<[string, Partial<ResolveInput> & { file?: unknown }, string]>([
    ['an unknown setting', { file: { datadir: 'x' } }, '/work/conf/rollcall.json: unknown setting "datadir"; did you mean "dataDir"?'],
    ['a setting of the prototype', { file: '{"__proto__": {"dev": true}}' }, 'unknown setting "__proto__"; known are http, dns'],
    ['a swapped letter', { file: { htpp: 'x' } }, 'did you mean "http"?'],
    ['an unknown limit', { file: { limits: { parked_max: 1 } } }, 'limits: unknown limit "parked_max"; did you mean "parkedMax"?'],
    ['a limit of 0', { file: { limits: { parkedMax: 0 } } }, 'limits: parkedMax is 0, but must be a whole number above 0'],
    ['limits that are a list', { file: { limits: [] } }, 'limits: [] is not an object'],
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

  it('a file that is not there', () => {
    const readFile = () => {
      throw new Error("ENOENT: no such file or directory, open '/work/x.json'");
    };
    expect(() => resolved({ configFile: 'x.json', readFile })).toThrow(
      "cannot read the configuration file: ENOENT: no such file or directory, open '/work/x.json'",
    );
  });

  it('in the environment are only warned of, since others put variables there, too', () => {
    const env = {
      ROLLCALL_DATADIR: '/x',
      ROLLCALL_HTTP_ADDR: 'http://127.0.0.1:8500',
      ROLLCALL_PORT: 'tcp://10.0.0.1:8500',
      ROLLCALL_HTTP_SERVICE_PORT: '8500',
      ROLLCALL_BENCH_SECONDS: '10',
      HTTP: 'x',
    };
    expect(resolved({ env }).warnings).toEqual([
      'ROLLCALL_DATADIR in the environment means nothing; did you mean ROLLCALL_DATA_DIR?',
    ]);
  });
});
