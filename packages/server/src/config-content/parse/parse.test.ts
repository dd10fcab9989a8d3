/** Contents are parsed strictly, and a fault is named with its exact place. */

import { describe, expect, it } from 'vitest';
import { parseJson } from './json.ts';
import { parseContent } from './parse.ts';

const faultOf = (content: string, format: Parameters<typeof parseContent>[1]) => {
  const parsed = parseContent(content, format);
  if (parsed.ok) throw new Error('it was taken');
  const { kind, message, line, column } = parsed.fault;
  return [kind, line, column, message];
};

describe('JSON', () => {
  it.each([
    ['', 'syntax', 1, 1, /empty/],
    ['{"a": 1,}', 'syntax', 1, 9, /a key in double quotes/],
    ['{\n  "a": 1\n  "b": 2\n}', 'syntax', 3, 3, /a comma or }/],
    ['{\r\n  "a" 1}', 'syntax', 2, 7, /a colon/],
    ['[1, 2', 'syntax', 1, 6, /a comma or ]/],
    ['[1,\n02]', 'syntax', 2, 1, /a number is not written as JSON/],
    ['{"a": NaN}', 'syntax', 1, 7, /a value is expected/],
    ["{'a': 1}", 'syntax', 1, 2, /a key in double quotes/],
    ['{"a": "x\ny"}', 'syntax', 1, 9, /must not contain a line end/],
    ['{"a": "x\\q"}', 'syntax', 1, 9, /a backslash/],
    ['{"a": "x', 'syntax', 1, 7, /has no end/],
    ['{"a": 1} // done', 'syntax', 1, 10, /more after the value/],
    ['{"a": 1,\n "b": 2,\n "a": 3}', 'duplicate', 3, 2, /"a" is on line 1 already/],
    ['{"a": {"x": 1, "\\u0078": 2}}', 'duplicate', 1, 16, /"x" is on line 1/],
    ['['.repeat(300), 'syntax', 1, 202, /deeper than 200/],
    ['{"a":'.repeat(300), 'syntax', 1, 1_006, /deeper than 200/],
  ])('%j is refused', (content, kind, line, column, message) => {
    expect(faultOf(content, 'json')).toEqual([kind, line, column, expect.stringMatching(message)]);
  });

  it('agrees with JSON.parse on texts with one change each', () => {
    const good = '{"a": [1, -2.5e+3, "x\\n\\u00e9", true, null, {}], "b": {"c": []}}';
    for (let at = 0; at < good.length; at++) {
      for (const char of ['', '"', '{', '}', ',', '0', '\\', ' ', 'e', '.', '-']) {
        const changed = good.slice(0, at) + char + good.slice(at + 1);
        let value: unknown;
        let isGood = true;
        try {
          value = JSON.parse(changed);
        } catch {
          isGood = false;
        }
        const parsed = parseJson(changed);
        expect([changed, parsed.ok]).toEqual([changed, isGood]);
        if (parsed.ok) expect(parsed.value).toEqual(value);
      }
    }
  });

  it('a megabyte of it takes one pass', () => {
    const text = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ key: `value ${index}`, more: [index] })));
    expect(parseJson(text).ok).toBe(true);
    expect(parseJson(`"${'\\n'.repeat(500_000)}`)).toMatchObject({ ok: false });
  });
});

describe('YAML', () => {
  it.each([
    ['a: 1\nb: 2\na: 3\n', 'duplicate', 3, 1, /there already/],
    ['x: {1: a, "1": b}\n', 'duplicate', 1, 11, /there already/],
    ['x:\n  - y: 1\n    z: {q: 1,\n      q: 2}\n', 'duplicate', 4, 7, /there already/],
    ['a: [1, 2\nb: 3\n', 'syntax', 2, 1, /flow sequence/],
    ['a: 1\n\tb: 2\n', 'syntax', 2, 1, /tab|indent|implicit/i],
    ['a: 1\n---\nb: 2\n', 'syntax', 2, 1, /a second document/],
    ['a: !!js/function x\n', 'syntax', 1, 4, /unresolved tag$/],
    ['a: "\\q secret"\n', 'syntax', 1, 5, /invalid escape sequence$/],
    ['a: *nowhere\n', 'syntax', 1, 4, /does not exist before it/],
    ['a: &x [*x]\n', 'syntax', 1, 8, /contains it/],
    ['? {a: 1}\n: 2\n', 'syntax', 1, 3, /a key must be/],
    ['['.repeat(2_000), 'syntax', expect.any(Number), expect.any(Number), /./],
    [`${'['.repeat(500)}${']'.repeat(500)}`, 'syntax', 1, expect.any(Number), /nested/],
  ])('%j is refused', (content, kind, line, column, message) => {
    expect(faultOf(content, 'yaml')).toEqual([kind, line, column, expect.stringMatching(message)]);
  });

  it('aliases that stand for a billion values are refused', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}]`)].join('\n');
    expect(faultOf(bomb, 'yaml')).toEqual(['syntax', 1, 1, expect.stringContaining('stand for more than 100 values')]);
  });

  it('aliases and merge keys of usual use are resolved', () => {
    expect(parseContent('base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\nlist: [*base]\n', 'yaml')).toEqual({
      ok: true,
      value: { base: { a: 1, b: 2 }, other: { a: 1, b: 3 }, list: [{ a: 1, b: 2 }] },
    });
  });

  it('reads the core schema: no is a text, and an empty document is null', () => {
    expect(parseContent('a: no\nb: 012\nc: true\nd: ~\ne: 1.5\n', 'yaml')).toEqual({ ok: true, value: { a: 'no', b: 12, c: true, d: null, e: 1.5 } });
    expect(parseContent('', 'yaml')).toEqual({ ok: true, value: null });
  });
});

describe('TOML', () => {
  it.each([
    ['a = 1\nb = 2\na = 3\n', 'duplicate', 3, 1, /there already/],
    ['[x]\na = 1\n[x]\nb = 2\n', 'duplicate', 3, expect.any(Number), /there already/],
    ['a = \n', 'syntax', 1, 5, /./],
    ['a = "x\n', 'syntax', 1, expect.any(Number), /./],
    [`a = ${'['.repeat(3_000)}`, 'syntax', expect.any(Number), expect.any(Number), /nested/],
  ])('%j is refused', (content, kind, line, column, message) => {
    expect(faultOf(content, 'toml')).toEqual([kind, line, column, expect.stringMatching(message)]);
  });

  it('dates are texts', () => {
    expect(parseContent('at = 2026-11-29T10:00:00Z\nday = 2026-11-29\n[t]\nx = 1\n', 'toml')).toEqual({ ok: true, value: { at: '2026-11-29T10:00:00.000Z', day: '2026-11-29', t: { x: 1 } } });
  });
});

describe('flags', () => {
  const flag = (more: object) => JSON.stringify({ flags: { 'a/b': { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on', ...more } } });
  it.each([
    ['{"flags": {}, "flags": {}}', 'duplicate', undefined, /"flags" is on line 1/],
    ['[]', 'schema', undefined, /must be an object/],
    [flag({ state: 'on' }), 'schema', undefined, /state of flag "a\/b"/],
    [flag({ defaultVariant: 'off' }), 'schema', undefined, /has no variant "off"/],
    [flag({ targeting: { nonsense: [] } }), 'schema', '/flags/a~1b/targeting', /nonsense/],
  ])('%s is refused', (content, kind, path, message) => {
    const parsed = parseContent(content, 'flags');
    expect(parsed.ok ? 'taken' : [parsed.fault.kind, parsed.fault.path, parsed.fault.message]).toEqual([kind, path, expect.stringMatching(message)]);
  });

  it('that the evaluator reads are taken', () => {
    expect(parseContent(flag({ targeting: { if: [{ '==': [{ var: 'plan' }, 'gold'] }, 'on', null] } }), 'flags').ok).toBe(true);
  });
});

describe('properties', () => {
  it('a duplicate key is refused with its line', () => {
    expect(faultOf('a=1\nb=2\n a = 3\n', 'properties')).toEqual(['duplicate', 3, undefined, expect.stringContaining('"a" is on line 1')]);
  });
});

describe.each(['json', 'yaml', 'toml', 'properties'] as const)('%s', (format) => {
  const contents = {
    json: '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "toString": "x"}',
    yaml: '__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\ntoString: x\n',
    toml: 'toString = "x"\n[__proto__]\npolluted = 1\n[constructor.prototype]\npolluted = 1\n',
    properties: '__proto__=x\nconstructor=y\ntoString=x\n',
  };

  it('keys of JavaScript’s own are keys like others', () => {
    const parsed = parseContent(contents[format], format);
    if (!parsed.ok) throw new Error(parsed.fault.message);
    expect(Object.keys(parsed.value as object).sort()).toEqual(['__proto__', 'constructor', 'toString']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('a byte order mark at the start is skipped', () => {
    expect(parseContent(`\ufeff${contents[format]}`, format).ok).toBe(true);
  });
});
