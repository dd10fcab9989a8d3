/** Where keys are in a text that is being written, and what a schema offers there. */

import { describe, expect, test } from 'vitest';
import { keyAt, keysOf, spotAt, type Structured } from './outline.ts';
import { parseRule, parseStages, planText, printStages, ruleText } from './plan.ts';
import { hintAt, keysAt, parseSchema, valuesAt } from './schema.ts';

const texts: Readonly<Record<Structured, string>> = {
  properties: '# about\nserver.port = 80\nlong = a\\\n  b\n\nname: x\n',
  json: '{"server": {"port": 80, "hosts": [{"name": "a"}, {"name": "b:{"}]}, "name": "x"}',
  yaml: 'server:\n  port: 80 # web\n  note: |\n    a: b\n  hosts:\n    - name: a\n      zone: z\n    - name: b\nname: x\nflat:\n- one: 1\n- two: 2\n',
  toml: 'name = "x"\n[server]\nport = 80\ntls.on = true\n[[server.hosts]]\nname = "a"\n[[server.hosts]]\nname = "b"\n',
};

describe.each<[Structured, readonly string[]]>([
  ['properties', ['/server.port', '/long', '/name']],
  ['json', ['/server', '/server/port', '/server/hosts', '/server/hosts/0/name', '/server/hosts/1/name', '/name']],
  ['yaml', ['/server', '/server/port', '/server/note', '/server/hosts', '/server/hosts/0/name', '/server/hosts/0/zone', '/server/hosts/1/name', '/name', '/flat', '/flat/0/one', '/flat/1/two']],
  ['toml', ['/name', '/server', '/server/port', '/server/tls/on', '/server/hosts/0', '/server/hosts/0/name', '/server/hosts/1', '/server/hosts/1/name']],
])('%s', (format, paths) => {
  const text = texts[format];

  test('has its keys where they stand', () => {
    const keys = keysOf(text, format);
    expect(keys.map(({ path }) => `/${path.join('/')}`)).toEqual(paths);
    for (const { path, from, to } of keys) if (!text.slice(from, to).startsWith('[')) expect(text.slice(from, to)).toContain(path.at(-1)?.replace(/^\d+$/, '') ?? '');
  });

  test('finds the place of a fault, or the nearest one above it', () => {
    const keys = keysOf(text, format);
    expect(paths.map((path) => keyAt(keys, path)?.path.join('/'))).toEqual(paths.map((path) => path.slice(1)));
    const name = keyAt(keys, '/name/missing');
    expect(text.slice(name?.from, name?.to)).toMatch(/^"?name"?$/);
    expect(keyAt(keys, '/none')).toBeUndefined();
  });

  test('never fails, wherever it is cut', () => {
    for (let at = 0; at <= text.length; at++) expect(spotAt(text, at, format).from).toBeLessThanOrEqual(at);
  });
});

test.each<[Structured, string, 'key' | 'value', string, string]>([
  ['properties', 'a = 1\nser', 'key', '', 'ser'],
  ['properties', 'a = 1\nserver.port = 8', 'value', 'server.port', '8'],
  ['json', '{"server": {"po', 'key', 'server', '"po'],
  ['json', '{"server": {"port": 8', 'value', 'server/port', '8'],
  ['json', '{"a": 1, ', 'key', '', ''],
  ['json', '{"hosts": [{"name": "a"}, {"', 'key', 'hosts/1', '"'],
  ['yaml', 'server:\n  po', 'key', 'server', 'po'],
  ['yaml', 'server:\n  ', 'key', 'server', ''],
  ['yaml', 'server:\n  port: ', 'value', 'server/port', ''],
  ['yaml', 'server:\n  port: 80\nna', 'key', '', 'na'],
  ['yaml', 'hosts:\n  - name: a\n    zo', 'key', 'hosts/0', 'zo'],
  ['yaml', 'hosts:\n  - name: a\n  - na', 'key', 'hosts/1', 'na'],
  ['toml', '[server]\npo', 'key', 'server', 'po'],
  ['toml', '[server]\nport = ', 'value', 'server/port', ''],
])('in %s, at the end of %j, a %s of %j is written: %j', (format, text, is, path, word) => {
  const spot = spotAt(text, text.length, format);
  expect([spot.is, spot.path.join('/'), text.slice(spot.from)]).toEqual([is, path, word]);
});

test('a schema gives keys, values and hints, through references and alternatives, and one that refers to itself ends', () => {
  const schema = parseSchema(
    JSON.stringify({
      required: ['mode'],
      properties: { mode: { enum: ['fast', 'safe'], default: 'safe', description: 'How it works' }, tls: { $ref: '#/$defs/tls' }, list: { items: { properties: { on: { type: 'boolean' } } } } },
      $defs: { tls: { allOf: [{ properties: { port: { type: 'integer', minimum: 1 } } }], properties: { next: { $ref: '#/$defs/tls' } } } },
    }),
  );
  if (schema === undefined) throw new Error('it is a schema');
  expect(keysAt(schema, []).map(({ label, detail, info }) => [label, detail, info])).toEqual([['mode', 'fast | safe, required', 'How it works'], ['tls', '', undefined], ['list', '', undefined]]);
  expect(keysAt(schema, ['tls', 'next', 'next']).map(({ label }) => label)).toEqual(['next', 'port']);
  expect(valuesAt(schema, ['mode']).map(({ label, detail }) => [label, detail])).toEqual([['fast', undefined], ['safe', 'default']]);
  expect(valuesAt(schema, ['list', '3', 'on']).map(({ label }) => label)).toEqual(['true', 'false']);
  expect(hintAt(schema, ['tls', 'port'])).toBe('integer · minimum 1');
  expect(hintAt(schema, ['mode'])).toBe('fast | safe · How it works');
  expect([keysAt(schema, ['constructor']), parseSchema('no'), parseSchema('')]).toEqual([[], undefined, undefined]);
});

test('stages and rules are written as on the command line, and a word that is none says so', () => {
  const parsed = parseStages('10%:10m, 50%:1h 3:30s 100%');
  expect(parsed).toEqual({ ok: true, value: [{ percent: 10, bakeMs: 600_000 }, { percent: 50, bakeMs: 3_600_000 }, { count: 3, bakeMs: 30_000 }, { percent: 100, bakeMs: 0 }] });
  if (parsed.ok) expect([printStages(parsed.value), planText({ stages: parsed.value })]).toEqual(['10%:10m 50%:1h 3:30s 100%:0s', '10 % for 10 minutes → 50 % for 60 minutes → 3 instances for 30 seconds → 100 % → all clients']);
  for (const text of ['ten', '101%:1m', '1.5:1m', '10%:soon']) expect(parseStages(text)).toMatchObject({ ok: false, message: expect.stringContaining(text) as string });
  const rule = parseRule('label:ring=beta,gold');
  expect(rule).toEqual({ ok: true, value: { kind: 'label', label: 'ring', values: ['beta', 'gold'] } });
  if (rule.ok && rule.value !== undefined) expect(ruleText(rule.value)).toBe('clients with ring = beta or gold');
  expect([parseRule(''), parseRule('beta').ok, parseRule('colour:red').ok, parseRule('label:ring').ok]).toEqual([{ ok: true, value: undefined }, false, false, false]);
});
