import { expect, test } from 'vitest';
import { requestToken } from './request-token.ts';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test.each<[string, Record<string, string>, string | undefined]>([
  ['nothing', {}, undefined],
  ['the header of Consul', { 'x-consul-token': 't1', authorization: 'Bearer t2' }, 't1'],
  ['an empty header, and Bearer', { 'x-consul-token': '', authorization: 'Bearer t2' }, 't2'],
  ['Bearer in small letters, and several words', { authorization: 'bearer  t2 more ' }, 't2 more'],
  ['the password of Basic', { authorization: basic('spring:t3') }, 't3'],
  ['a password with colons and other letters', { authorization: basic('spring:a:b:ö') }, 'a:b:ö'],
  ['an empty name', { authorization: basic(':t4') }, 't4'],
  ['a small letter', { authorization: basic('a:t5').replace('Basic', 'basic') }, 't5'],
  ['Basic without a password', { authorization: basic('t6') }, undefined],
  ['Basic that is not base64', { authorization: 'Basic %%%' }, undefined],
  ['another scheme', { authorization: 'Digest username="a"' }, undefined],
])('the token of a request with %s', (_name, headers, expected) => {
  expect(requestToken({ headers })).toBe(expected);
});
