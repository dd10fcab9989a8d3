/** The JSON of `kv export` and `kv import`. */

import { describe, expect, it } from 'vitest';
import { exportedText, importedKeys, parseWithFlags } from './kv-json.ts';

describe('the JSON of exported keys', () => {
  it('has the same content after writing and reading, with flags of 64 bits and unusual keys', () => {
    const keys = [
      { key: 'a', flags: 0n, value: '' },
      { key: 'awkward "flags": 12 \\"flags\\": 13 <ü>\n', flags: 18446744073709551615n, value: 'AAEC/w==' },
      { key: '{"flags":1}', flags: 9007199254740993n, value: 'eA==' },
    ];
    expect(importedKeys(`[${keys.map(exportedText).join(',')}]`)).toEqual(keys);
  });

  it('is read in Consul’s form: null for an empty value, fields in any order', () => {
    const text = '[\n\t{\n\t\t"key": "a",\n\t\t"flags": 0,\n\t\t"value": null\n\t},{"value":"eA==","key":"b"}]';
    expect(importedKeys(text)).toEqual([
      { key: 'a', flags: 0n, value: '' },
      { key: 'b', flags: 0n, value: 'eA==' },
    ]);
  });

  it('keeps flags exact in answers of the API, too', () => {
    expect(parseWithFlags('[{"Flags":18446744073709551615,"Key":"\\"Flags\\":1"}]')).toEqual([{ Flags: '18446744073709551615', Key: '"Flags":1' }]);
  });

  it.each([
    ['', 'not JSON'],
    ['{}', 'no JSON array'],
    ['[1]', 'entry 1 of the data: it is no object'],
    ['[{"key":"a"},{"key":""}]', 'entry 2 of the data: "key"'],
    ['[{"key":"a","value":"x"}]', 'not base64'],
    ['[{"key":"a","value":7}]', 'not base64'],
    ['[{"key":"a","flags":18446744073709551616}]', '2^64'],
    ['[{"key":"a","flags":-1}]', '2^64'],
    ['[{"key":"a","flags":1.5}]', 'JSON|2\\^64'],
  ])('%s is refused with its place', (text, message) => {
    expect(() => importedKeys(text)).toThrow(new RegExp(message.replace('2^64', '2\\^64')));
  });
});
