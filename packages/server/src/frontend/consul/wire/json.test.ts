import { describe, expect, test } from 'vitest';
import { type JsonObject, type JsonValue, readJson, writeJson } from './json.ts';

import fc from 'fast-check';

const read = (text: string) => readJson(Buffer.from(text));

describe('readJson', () => {
  test('agrees with JSON.parse on everything that doubles can represent', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const bigints = (_key: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value);
        expect(JSON.parse(JSON.stringify(read(text), bigints))).toEqual(JSON.parse(text));
      }),
    );
  });

  test('returns a value or invalid_argument for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          readJson(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_argument' });
        }
      }),
    );
  });

  test('keeps unsigned 64-bit numbers exact', () => {
    expect(read('[18446744073709551615, 9007199254740993, 9007199254740991, -1]')).toEqual([
      18446744073709551615n,
      9007199254740993n,
      9007199254740991,
      -1,
    ]);
  });

  test('lets the last of repeated keys win, at its place in the order', () => {
    const object = read('{"Port":1,"port":2,"Port":3}') as Record<string, JsonValue>;
    expect(Object.entries(object)).toEqual([
      ['port', 2],
      ['Port', 3],
    ]);
  });

  test('treats __proto__ as any other key', () => {
    const object = read('{"__proto__":{"polluted":1},"a":2}') as Record<string, JsonValue>;
    expect(Object.keys(object)).toEqual(['__proto__', 'a']);
    expect(object['constructor']).toBeUndefined();
    expect('toString' in object).toBe(false);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['"\\ud83d\\ude00"', '😀'],
    ['"\\ud83d"', '\ufffd'],
    ['"\\ude00x"', '\ufffdx'],
    ['"\\ud83d\\u0041"', '\ufffdA'],
    ['"\\u00e9\\n\\/\\""', 'é\n/"'],
  ])('unescapes %s', (text, value) => expect(read(text)).toBe(value));

  test.each([
    ['', 'EOF'],
    ['  ', 'EOF'],
    ['{', 'unexpected EOF'],
    ['{"a":1', 'unexpected EOF'],
    ['"abc', 'unexpected EOF'],
    ['{bad', "invalid character 'b' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['{} trailing', "invalid character 't' after top-level value"],
    ['nul', 'invalid character'],
    ['"a\nb"', "invalid character '\\x0a' in string literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12"', 'in \\u hexadecimal character escape'],
    ['-', "invalid character '-' looking for beginning of value"],
    ['01', "invalid character '1' after top-level value"],
    ['1e999', 'number 1e999 is out of range'],
    ['['.repeat(100), 'exceeded max depth'],
    ['{"a":'.repeat(100_000), 'exceeded max depth'],
    [`[${'{},'.repeat(16_384)}{}]`, 'the request body has more than 16384 values, which is the limit'],
    ['"\\u00', 'unexpected EOF'],
    ['"\\n\n"', "invalid character '\\x0a' in string literal"],
    ['"a\\\\\\"b', 'unexpected EOF'],
  ])('refuses %.20j', (text, reason) => {
    expect(() => read(text)).toThrow(reason);
  });

  test('stops at the first value over the limit, however many follow', () => {
    const pairs = Array.from({ length: 60_000 }, (_, n) => `"key${n}":"x"`);
    // The text after it is not read.
    expect(() => read(`{"Meta":{${pairs.join()},not json at all`)).toThrow('more than 16384 values');
    expect(Object.keys(read(`{${pairs.slice(0, 16_383).join()}}`) as JsonObject)).toHaveLength(16_383);
  });

  test('reads strings as JSON.parse does, except lone surrogates', () => {
    const unit = fc.constantFrom('a', '\\\\', '\\"', '\\n', '\\u0041', 'é', '\\ud83d\\ude00', ' ');
    fc.assert(fc.property(fc.string({ unit }), (inner) => read(`"${inner}"`) === JSON.parse(`"${inner}"`)));
  });

  test('refuses bytes that are not UTF-8', () => {
    expect(() => readJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow('invalid UTF-8 in request body');
  });
});

describe('writeJson', () => {
  test('writes as JSON.stringify does, and bigints as numbers', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(writeJson(plain)).toBe(JSON.stringify(plain));
        expect(writeJson(plain, '    ', '\n')).toBe(JSON.stringify(plain, null, 4));
      }),
    );
    expect(writeJson({ Flags: 18446744073709551615n })).toBe('{"Flags":18446744073709551615}');
  });
});
