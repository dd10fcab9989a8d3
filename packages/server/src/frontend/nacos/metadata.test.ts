import { describe, expect, it } from 'vitest';
import { beatTimes, defaultTimes, divide, idGenerator, parseMetadata, readMetadata } from './metadata.ts';

describe('metadata in a parameter', () => {
  it.each<[string, Record<string, string>]>([
    ['', {}],
    ['{}', {}],
    ['{"zone":"z1"}', { zone: 'z1' }],
    ['{"n":1,"flag":true,"gone":null,"deep":{"a":1}}', { n: '1', flag: 'true', deep: '{"a":1}' }],
    ['zone=z1,version=2', { zone: 'z1', version: '2' }],
    ['url=http://a/?b=c', { url: 'http://a/?b=c' }],
    ['{"__proto__":"x"}', JSON.parse('{"__proto__":"x"}') as Record<string, string>],
  ])('%s', (text, expected) => {
    expect(Object.entries(parseMetadata(text))).toEqual(Object.entries(expected));
  });

  it.each(['nonsense', '=x', '[1]', '"text"', '{broken'])('%s is refused', (text) => {
    expect(() => parseMetadata(text)).toThrow("Param 'metadata' is illegal");
  });

  it('has a limit of characters and of keys', () => {
    expect(() => readMetadata({ key: 'x'.repeat(16_384) })).toThrow('16387 characters, the limit is 16384');
    expect(() => readMetadata(Object.fromEntries(Array.from({ length: 257 }, (_, at) => [`k${at}`, ''])))).toThrow('257 keys, the limit is 256');
    expect(readMetadata({ key: 'x'.repeat(16_000) })['key']).toHaveLength(16_000);
  });
});

describe('preserved metadata', () => {
  it('sets the times of heartbeats', () => {
    const metadata = { 'preserved.heart.beat.interval': '1000', 'preserved.heart.beat.timeout': '3000', 'preserved.ip.delete.timeout': '9000' };
    expect(beatTimes(metadata)).toEqual({ intervalMs: 1_000, timeoutMs: 3_000, removalMs: 9_000 });
  });

  it.each(['', '0', '-1', 'soon', '1e3'])('that is no time (%s) sets none', (value) => {
    expect(beatTimes({ 'preserved.heart.beat.timeout': value })).toEqual(defaultTimes);
  });

  it('is kept apart from what every protocol sees', () => {
    expect(divide({ a: '1', 'preserved.register.source': 'SPRING_CLOUD' })).toEqual({
      meta: { a: '1' },
      preserved: { 'preserved.register.source': 'SPRING_CLOUD' },
    });
  });

  it.each([
    [{}, 'simple'],
    [{ zone: 'z1' }, undefined],
    [{ 'preserved.instance.id.generator': 'snowflake' }, 'snowflake'],
  ])('names the generator of ids as a Nacos server shows it: %j', (metadata, generator) => {
    expect(idGenerator(metadata as Record<string, string>)).toBe(generator);
  });
});
