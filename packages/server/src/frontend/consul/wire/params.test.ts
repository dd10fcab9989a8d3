import { describe, expect, test } from 'vitest';
import { checkScope, Params, readConsistency, readWait, unescapePath } from './params.ts';

describe('Params', () => {
  test('reads bare names, repeated names, plus signs and percent-encoding', () => {
    const params = new Params('stale&tag=a&tag=b+c&node-meta=k%3Av&=x&&q=a=b');
    expect(params.has('stale')).toBe(true);
    expect(params.get('stale')).toBe('');
    expect(params.all('tag')).toEqual(['a', 'b c']);
    expect(params.get('node-meta')).toBe('k:v');
    expect(params.get('q')).toBe('a=b');
    expect(params.get('__proto__')).toBe('');
  });

  test.each(['%zz', 'a=%ff', 'a=%e2%82', '%'])('refuses %s', (query) => {
    expect(() => new Params(query)).toThrow('is not percent-encoded UTF-8');
    expect(() => unescapePath(query)).toThrow('Invalid path');
  });

  test.each([
    ['passing', true],
    ['passing=', true],
    ['passing=1', true],
    ['passing=true', true],
    ['passing=0', false],
    ['passing=False', false],
    ['other', false],
  ])('?%s: passing is %s', (query, wanted) => expect(new Params(query).flag('passing')).toBe(wanted));

  test('refuses a flag that is neither true nor false', () => {
    expect(() => new Params('passing=yes').flag('passing')).toThrow('Invalid value for ?passing');
  });

  test.each([
    ['0', 0n],
    ['18446744073709551615', 18446744073709551615n],
    ['3304740253564472344', 3304740253564472344n],
  ])('flags=%s is exact', (text, value) => expect(new Params(`flags=${text}`).uint64('flags')).toBe(value));

  test.each([
    ['x', 'invalid syntax'],
    ['', 'invalid syntax'],
    ['-1', 'invalid syntax'],
    ['1.5', 'invalid syntax'],
    ['18446744073709551616', 'value out of range'],
  ])('refuses flags=%s', (text, reason) => {
    expect(() => new Params(`flags=${text}`).uint64('flags')).toThrow(reason);
  });
});

describe('readWait', () => {
  test.each([
    ['', '', 0, 300_000],
    ['5', '', 5, 300_000],
    ['5', '10s', 5, 10_000],
    ['5', '0', 5, 300_000],
    ['5', '60m', 5, 600_000],
    ['', '10s', 0, 10_000],
    ['9007199254740993', '1s', Infinity, 1_000],
  ])('index=%j wait=%j', (index, wait, knows, waitMs) => {
    expect(readWait(index, wait)).toEqual({ index: knows, waitMs });
  });

  test.each(['5', '-5s', 'x', '1'])('refuses wait=%s', (wait) => {
    expect(() => readWait('1', wait)).toThrow('Invalid wait time');
  });

  test.each(['x', '-1', '1.5', '18446744073709551616'])('refuses index=%s', (index) => {
    expect(() => readWait(index, '')).toThrow('Invalid index');
  });
});

describe('consistency of a query', () => {
  test.each([
    ['', 'leader'],
    ['stale', 'stale'],
    ['stale=1', 'stale'],
    ['consistent', 'consistent'],
    ['max_stale=10s', 'stale'],
    ['max_stale=0s', 'leader'],
    ['leader', 'leader'],
    ['cached', 'leader'],
  ])('?%s is read in mode %s', (query, mode) => expect(readConsistency(new Params(query))).toBe(mode));

  test.each([
    ['stale&consistent', 'Cannot specify ?stale with ?consistent, conflicting semantics.'],
    ['cached&consistent', 'Cannot specify ?cached with ?consistent, conflicting semantics.'],
    ['max_stale=z', 'Invalid max_stale value "z"'],
  ])('refuses ?%s', (query, message) => expect(() => readConsistency(new Params(query))).toThrow(message));

  test('refuses partitions and other datacenters', () => {
    const check = (query: string) => () => checkScope(new Params(query), 'dc1');
    expect(check('dc=dc1')).not.toThrow();
    expect(check('datacenter=dc1&dc=other')).not.toThrow();
    const elsewhere = { code: 'failed_precondition', message: 'No path to datacenter' };
    expect(check('dc=other')).toThrow(expect.objectContaining(elsewhere));
    expect(check('partition=x')).toThrow('Partitions are a Consul Enterprise feature');
  });
});
