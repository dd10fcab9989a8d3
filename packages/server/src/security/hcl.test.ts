/** Texts are parsed like HCL 1 parses them: checked by a table, and against the original, compiled to JavaScript. */

import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHcl, type HclItem, type HclValue } from './hcl.ts';

const original = createRequire(import.meta.url)('hcl-parser') as {
  parse(text: string): [result: unknown, error: { Pos: { Line: number; Column: number } } | null];
};

/** Converts items to the form of the original: an object for each item of a key, the last value of an attribute. */
function plain(items: readonly HclItem[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const { keys, value } of items) {
    const [first, ...labels] = keys;
    if (value.kind !== 'object') result[first] = plainValue(value);
    else {
      const inner = labels.reduceRight<unknown>((nested, label) => ({ [label]: [nested] }), plain(value.items));
      result[first] = [...((result[first] as unknown[] | undefined) ?? []), inner];
    }
  }
  return result;
}

function plainValue(value: HclValue): unknown {
  if (value.kind === 'list') return value.values.map(plainValue);
  return value.kind === 'object' ? plain(value.items) : value.value;
}

const agrees = [
  '',
  '# only a comment',
  'key "a" { policy = "read" }',
  'key "a" { policy = "read" } key "a" { policy = "write" }',
  'key_prefix "" {\n  policy = "list"\n}\nservice "web" {\n  policy = "write"\n  intentions = "read"\n}\n',
  'acl = "read"\nacl = "write"\noperator="read"',
  '"key" "a" { "policy" = "read" }',
  'key_prefix "a" { policy = "read", }',
  'a=1 b=2',
  '/* c */ # d\n// e\nx = 1 // f',
  'x = [1, 2.5, "a", true,]',
  'x = [[1], [2, 3]]',
  'x = { a = 1, b = 2 }',
  'x = "a\\n\\"b\\u00e9\\x41\\101"',
  'x = "tab\there" y = "\\\\"',
  'x = "${foo("bar")}" y = "$" z = "a ${ {b} } c"',
  'x = 0x10 y = 012 z = -1.5e3 w = .5 v = -0.25',
  'x = true y = false',
  'a.b = 1 a-b = 2 _c = 3 é = 4',
  'x = <<EOF\nhi\n there\nEOF\ny = 1',
  'x = <<-EOF\n   hi\n     there\n  EOF\n',
  'x = <<-EOF\n   hi\n there\n  EOF\n',
  'x = <<EOF\nEOF\n',
  'service "a" "b" { policy = "x" }',
  '{}',
  ' {"acl":"read","key":{"a":{"policy":"read"},"b":{"policy":"write"}}}',
  '{"key_prefix":{"":{"policy":"read"}},"service":{"we\\"b":{"policy":"deny","intentions":"read"}}}',
  '{"x":[1,2,"a"],"y":true,"z":-1.5}',
];

describe('rules', () => {
  it.each(agrees)('are parsed as by the original: %j', (text) => {
    const [result, error] = original.parse(text);
    expect(error).toBeNull();
    const ours = plain(parseHcl(text));
    // In JSON the original makes one entry for each key of an object; `rule-text.ts` treats both the same.
    expect(text.trimStart().startsWith('{') ? merged(ours) : ours).toEqual(text.trimStart().startsWith('{') ? merged(result) : result);
  });

  it.each([
    ['x = yes', 'line 1, column 5: '],
    ['x = "a\nb"', 'line 1, column 7: '],
    ['key "a" {', 'line 1, column 10: '],
    ['}', 'line 1, column 1: '],
    ['x = "\\q"', 'the rules cannot be read: line 1, column 6: invalid escape in a string'],
    ['x = `a`', 'line 1, column 5: '],
    ['a "b" = 3', 'the rules cannot be read: line 1, column 8: a key with labels takes an object, without ='],
    ['x = null', 'line 1, column 5: '],
    ['x = 1; y = 2', 'line 1, column 6: '],
    ['x = trueish', 'line 1, column 5: '],
    ['x = [\n1\n2]', 'line 3, column 1: '],
    ['x = <<A\nabc', 'line 2, column 4: '],
    ['x = "a${b"', 'line 1, column 11: '],
    ['\n\n  x ! 1', 'line 3, column 5: '],
    ['{"a":"b" "c"}', 'line 1, column 13: '],
    ['{"a":nope}', 'line 1, column 6: '],
    ['{"a":1} x', 'line 1, column 9: '],
  ])('with a syntax error are refused with its position: %j', (text, position) => {
    expect(() => parseHcl(text)).toThrow(position);
  });

  it('are refused as by the original, except two texts that it completes', () => {
    const bad = ['x = yes', 'key "a" {', '}', 'x = "\\q"', 'a "b" = 3', 'x = null', 'x = 1; y = 2', 'x = <<A\nabc', 'x = "a${b"'];
    for (const text of bad) expect(original.parse(text)[1], text).not.toBeNull();
    // The original accepts `x =` and an object without its end. We refuse both, since a truncated policy must not be accepted.
    expect(original.parse('{"a":"b"')[1]).toBeNull();
    expect(() => parseHcl('{"a":"b"')).toThrow('line 1, column 9: ');
    expect(() => parseHcl('x =')).toThrow('line 1, column 4: ');
  });

  it('give the line and column of each item', () => {
    expect(parseHcl('a = 1\n  key "b" {}').map(({ line, column }) => [line, column])).toEqual([[1, 1], [2, 3]]);
  });

  it.each([
    ['x'.repeat(131_073), 'the limit is 131072'],
    ['x = '.padEnd(2_000, '['), 'more than 50 levels'],
    ['{"a":'.repeat(60), 'more than 50 levels'],
    [`x = "$${'{'.repeat(60)}`, 'more than 50 levels'],
  ])('beyond a limit are refused: %.12s', (text, message) => {
    expect(() => parseHcl(text)).toThrow(message);
  });

  it('that are random are parsed as by the original', () => {
    const name = fc.oneof(fc.constantFrom('', 'web', 'app/', 'a b', 'é"\\'), fc.string({ unit: 'grapheme-ascii', maxLength: 12 }));
    const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&').replaceAll('${', '$')}"`;
    const space = fc.constantFrom(' ', '\n', '\t', ' # note\n', ' /* note */ ', '\n// note\n');
    const level = fc.constantFrom('"read"', '"write"', '"deny"', '<<E\nlist\nE\n', '"\\u0072ead"');
    const scalar = fc.tuple(fc.constantFrom('acl', 'operator', 'keyring'), space, level).map(([key, gap, value]) => `${key}${gap}=${gap}${value}`);
    const block = fc
      .tuple(fc.constantFrom('key', 'key_prefix', 'service', '"node"'), name, space, level, fc.boolean())
      .map(([kind, label, gap, value, comma]) => `${kind}${gap}${quoted(label)} {${gap}policy =${gap}${value}${comma ? ',' : ''}${gap}}`);
    fc.assert(
      fc.property(fc.array(fc.oneof(scalar, block), { maxLength: 12 }), space, (items, gap) => {
        const text = items.join(`${gap}\n`);
        const [result, error] = original.parse(text);
        expect(error).toBeNull();
        expect(plain(parseHcl(text))).toEqual(result);
      }),
      { numRuns: 300 },
    );
  });

  it('with any text are parsed, or refused with an AccessError', () => {
    const bit = fc.constantFrom('key', ' "a" ', '{', '}', '[', ']', '=', ',', '"', '\\', '${', '<<E\n', 'E\n', '# ', '/*', '*/', '1', 'true', '\n', ':');
    fc.assert(
      fc.property(fc.oneof(fc.array(bit, { maxLength: 40 }).map((bits) => bits.join('')), fc.string()), (text) => {
        try {
          parseHcl(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_argument' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Merges the objects that were listed under one key. */
function merged(value: unknown): unknown {
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every((one) => typeof one === 'object' && one !== null)) {
      return merged(Object.assign({}, ...(value as object[])));
    }
    return value.map(merged);
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, merged(inner)]));
}
