/** What is checked before a publication: size, syntax, schema and rules; and that no fault shows a value. */

import { describe, expect, it } from 'vitest';
import { checkContent, checkSchema, flattenContent } from './check.ts';
import { contentError } from './content.ts';

const schema = (value: object) => JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...value });

describe('a schema', () => {
  const limits = schema({
    type: 'object',
    required: ['name'],
    additionalProperties: false,
    properties: { name: { type: 'string', pattern: '^[a-z]+$' }, port: { type: 'integer', minimum: 1 }, mode: { enum: ['fast', 'safe'] } },
    ...(JSON.parse('{"if": {"properties": {"mode": {"const": "safe"}}, "required": ["mode"]}, "then": {"required": ["port"]}}') as object),
  });

  it.each([
    ['{"name": "x"}', []],
    ['{"name": "x", "mode": "safe"}', [['', "must have required property 'port'"], ['', 'must match "then" schema']]],
    ['{"name": "S3CRET"}', [['/name', 'must match pattern "^[a-z]+$"']]],
    ['{"name": "x", "port": 0, "mode": "S3CRET"}', [['/port', 'must be >= 1'], ['/mode', 'must be equal to one of the allowed values: ["fast","safe"]']]],
    ['{"name": "x", "nmae": 1}', [['', 'must NOT have additional properties: "nmae"']]],
    ['{}', [['', "must have required property 'name'"]]],
    ['{"__proto__": {"name": "x"}}', [['', "must have required property 'name'"], ['', 'must NOT have additional properties: "__proto__"']]],
  ])('%s', (content, faults) => {
    const found = checkContent({ content, format: 'json', schema: limits });
    expect(found.map(({ path, message }) => [path, message])).toEqual(faults);
    expect(JSON.stringify(found)).not.toContain('S3CRET');
  });

  it('sees properties as an object of texts', () => {
    const ports = schema({ properties: { port: { type: 'string', pattern: '^\\d+$' } } });
    expect(checkContent({ content: 'port = 80', format: 'properties', schema: ports })).toEqual([]);
    expect(checkContent({ content: 'port = x', format: 'properties', schema: ports })).toHaveLength(1);
  });

  it('has patterns of its own for each value', () => {
    const patterns = schema({ properties: { a: { pattern: '^a+$' }, b: { pattern: '^b+$' } }, patternProperties: { '^x': { type: 'null' } } });
    const faults = checkContent({ content: '{"a": "a", "b": "a", "xy": 1}', format: 'json', schema: patterns });
    expect(faults.map(({ path }) => path)).toEqual(['/b', '/xy']);
  });

  it.each([
    ['', /the schema is no JSON: the content is empty/],
    ['{"type": "object", "type": "array"}', /the schema is no JSON: key "type" is on line 1/],
    ['[]', /the schema is no object/],
    [schema({ $ref: 'https://example.com/other.json' }), /refers to https:\/\/example\.com\/other\.json, which is not inside it/],
    [schema({ $ref: 'file:///etc/passwd' }), /not inside it/],
    ['{"$schema": "http://json-schema.org/draft-07/schema#"}', /only https:\/\/json-schema\.org\/draft\/2020-12\/schema is supported/],
    [schema({ type: 'nonsense' }), /cannot be used/],
    [schema({ pattern: '(?=x)' }), /cannot be used/],
    [schema({ $async: true }), /asynchronous/],
    [`{"description": "${'x'.repeat(262_144)}"}`, /the limit is 262144/],
  ])('%s is refused', (text, message) => {
    const faults = checkSchema(text);
    expect(faults.map((each) => each.message)).toEqual([expect.stringMatching(message)]);
    expect(checkContent({ content: '{}', format: 'json', schema: text })).toEqual(faults);
  });

  it('without an end of its references is a fault, not a crash', () => {
    expect(checkContent({ content: '{}', format: 'json', schema: schema({ $ref: '#' }) })).toEqual([{ kind: 'schema', message: 'the schema refers to itself without an end' }]);
  });

  it('references inside it, and its own id, can be used', () => {
    const own = schema({ $id: 'https://example.com/a', $ref: '#/$defs/port', $defs: { port: { type: 'integer' } } });
    expect([checkSchema(own), checkContent({ content: '1', format: 'yaml', schema: own })]).toEqual([[], []]);
  });

  it('a pattern that makes other engines search without end takes linear time', () => {
    const evil = schema({ pattern: '^(a+)+$' });
    expect(checkContent({ content: JSON.stringify(`${'a'.repeat(50_000)}!`), format: 'json', schema: evil })).toHaveLength(1);
  });

  it('reports 20 faults at most', () => {
    const content = JSON.stringify(Array.from({ length: 500 }, () => 'x'));
    expect(checkContent({ content, format: 'json', schema: schema({ items: { type: 'integer' } }) })).toHaveLength(20);
  });
});

describe('rules', () => {
  const rules = [{ expect: 'keys["tls.enabled"] != "true" or "tls.certificate" in keys', message: 'TLS needs a certificate' }];
  it.each([
    ['tls: {enabled: false}', []],
    ['tls: {enabled: true}', ['TLS needs a certificate']],
    ['tls: {enabled: true, certificate: x}', []],
    ['toString: 1', []],
  ])('hold over several keys: %s', (content, faults) => {
    expect(checkContent({ content, format: 'yaml', rules }).map(({ message }) => message)).toEqual(faults);
  });

  it('know only the keys of the content', () => {
    expect(checkContent({ content: '{}', format: 'json', rules: [{ expect: '"constructor" in keys' }] })).toHaveLength(1);
    expect(checkContent({ content: '{"__proto__": 1}', format: 'json', rules: [{ expect: '"__proto__" in keys' }] })).toEqual([]);
  });

  it('that cannot be read are faults', () => {
    expect(checkContent({ content: '{}', format: 'json', rules: [{ expect: 'keys ===' }] })).toEqual([{ kind: 'rule', message: expect.stringMatching(/^the rule keys === cannot be read: /) as string }]);
    expect(checkContent({ content: '{}', format: 'json', rules: Array.from({ length: 101 }, () => ({ expect: '"a" in keys' })) })).toEqual([{ kind: 'rule', message: 'there are 101 rules, the limit is 100' }]);
  });
});

it('ten megabytes are refused with the limit, in every format', () => {
  for (const format of ['json', 'yaml', 'toml', 'properties', 'text', 'flags'] as const) {
    const faults = checkContent({ content: 'x'.repeat(10 * 1_048_576), format });
    expect(faults).toEqual([{ kind: 'size', message: 'it has 10485760 bytes, the limit is 1048576; split it, or keep a link to it' }]);
    expect(contentError(faults)).toMatchObject({ code: 'resource_exhausted' });
  }
});

it('a fault as an error has its place', () => {
  expect(contentError(checkContent({ content: 'a: 1\na: 2\n', format: 'yaml' }))).toMatchObject({ code: 'invalid_argument', message: 'the content is refused: line 2, column 1: the key is there already; remove one of the two' });
});

it.each([
  ['yaml', 'a: {b: 1, c: [x, {d: true}]}\ne: null\nf: []\ng: {}\n', '{"a.b":1,"a.c[0]":"x","a.c[1].d":true,"e":"","f":"","g":""}'],
  ['json', '{"a": {"b": 1}, "a.b": 2}', '{"a.b":2}'],
  ['json', '[1, 2]', '{"content[0]":1,"content[1]":2}'],
  ['toml', 'x = 1\n[a]\nb = 2026-01-01\n', '{"x":1,"a.b":"2026-01-01"}'],
  ['properties', 'b=1\na=${b}\n', '{"b":"1","a":"${b}"}'],
  ['text', 'any: thing', '{"content":"any: thing"}'],
  ['yaml', 'n: .nan\ni: .inf\n', '{"n":"NaN","i":"Infinity"}'],
] as const)('%s %j is flattened as Spring names keys', (format, content, flat) => {
  expect(flattenContent(content, format)).toBe(flat);
});
