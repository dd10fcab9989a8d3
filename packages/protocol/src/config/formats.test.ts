import { expect, it } from 'vitest';
import { configFormats, formatOfName, isConfigFormat, mediaTypeOf } from './formats.ts';

it.each([
  ['application.properties', 'properties'],
  ['a.b.JSON', 'json'],
  ['a.yml', 'yaml'],
  ['a.yaml', 'yaml'],
  ['a.toml', 'toml'],
  ['a.txt', 'text'],
  ['a.flags', 'flags'],
  ['a.flags.json', 'flags'],
  ['flags', undefined],
  ['json', undefined],
  ['a.xml', undefined],
  ['a.', undefined],
  ['', undefined],
])('knows the format of a configuration named %j: %j', (name, format) => {
  expect(formatOfName(name)).toBe(format);
});

it('names a media type for each format', () => {
  for (const format of configFormats) expect(mediaTypeOf(format)).toMatch(/^[a-z]+\/[a-z]+/);
  expect(isConfigFormat('flags')).toBe(true);
  for (const value of ['toString', 'FLAGS', '', 7, undefined]) expect(isConfigFormat(value)).toBe(false);
});
