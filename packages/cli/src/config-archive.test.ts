/** Archives of configurations: what goes in comes out, and a hostile one is refused before it takes memory. */

import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { packed, unpacked, type ArchivedConfig } from './config-archive.ts';

const config = (name: string, content: string, more: Partial<ArchivedConfig> = {}): ArchivedConfig => ({ app: 'shop', cluster: 'default', name, settings: {}, release: {}, content, ...more });

/** An archive whose index and files are changed before it is packed again. */
function changed(change: (files: Record<string, Uint8Array>, index: { format: number; configurations: Record<string, unknown>[] }) => void): Uint8Array {
  const files: Record<string, Uint8Array> = unzipSync(packed('default', [config('app', 'a: 1')]));
  const index = JSON.parse(strFromU8(files['rollcall-config.json'] as Uint8Array)) as Parameters<typeof change>[1];
  files['rollcall-config.json'] = new Uint8Array();
  change(files, index);
  if (files['rollcall-config.json']?.length === 0) files['rollcall-config.json'] = strToU8(JSON.stringify(index));
  return zipSync(files);
}

describe('an archive of configurations', () => {
  it('returns what went in, whatever the names are', () => {
    const all = [
      config('a', 'größe: 1\n', { format: 'yaml', settings: { visibility: 'public', parents: [{ app: 'x', name: 'y' }], schema: '{}' }, release: { number: 3, by: 'ann' } }),
      config('../../etc/passwd', 'x', { cluster: 'blue/green' }),
      config('__proto__', ''),
    ];
    expect(unpacked(packed('default', all))).toEqual(all);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no zip', strToU8('hello'), /cannot be used: invalid zip data/],
    ['a zip of something else', zipSync({ a: strToU8('x') }), /has no rollcall-config\.json/],
    ['a later format', changed((_files, index) => void (index.format = 2)), /its format is 2/],
    ['an index that is no list', changed((files) => void (files['rollcall-config.json'] = strToU8('{"format": 1, "configurations": {}}'))), /no list of objects/],
    ['an index that is null', changed((files) => void (files['rollcall-config.json'] = strToU8('{"format": 1, "configurations": [null]}'))), /no list of objects/],
    ['a configuration without an app', changed((_files, { configurations: [first] }) => void delete first?.['app']), /configuration 1: "app" is no text/],
    ['a missing content', changed((files) => void delete files['contents/1']), /there is no "contents\/1"/],
    ['a content of a prototype', changed((_files, { configurations: [first] }) => void Object.assign(first ?? {}, { file: 'constructor' })), /there is no "constructor"/],
    ['a changed content', changed((files) => void (files['contents/1'] = strToU8('a: 2'))), /its SHA-256 differs/],
    ['a content beyond the limit', changed((files) => void (files['contents/1'] = new Uint8Array(1_048_577))), /has 1048577 bytes, the limit is 1048576/],
    ['too many bytes in all', changed((files) => { for (let at = 0; at < 257; at++) files[`contents/${at}`] = new Uint8Array(1_048_576); }), /more than 268435456 bytes/],
  ])('refuses %s', { timeout: 60_000 }, (_what, archive, message) => {
    expect(() => unpacked(archive)).toThrow(message);
  });

  it.each([
    [500_000, /SHA-256 differs|cannot be used/],
    [50_000_000, /compressed bytes for 4/],
  ])('does not inflate more than an entry says, and refuses %d bytes that are called 4', (bytes, message) => {
    const archive = changed((files) => void (files['contents/1'] = new Uint8Array(bytes)));
    // The directory at the end and the head of the entry both say it.
    const view = new DataView(archive.buffer, archive.byteOffset, archive.length);
    let lies = 0;
    for (let at = 0; at + 4 <= archive.length; at++) {
      if (view.getUint32(at, true) !== bytes) continue;
      view.setUint32(at, 4, true);
      lies++;
    }
    expect(lies).toBe(2);
    expect(() => unpacked(archive)).toThrow(message);
    expect(unzipSync(archive, { filter: ({ name }) => name === 'contents/1' && bytes === 500_000 })['contents/1']?.length ?? 4).toBe(4);
  });
});
