/** One pass over the headers finds token, namespace, host and page, in upper and lower case. */

import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { readHead } from './request-head.ts';

const head = (...rawHeaders: string[]) => readHead({ rawHeaders } as unknown as IncomingMessage);

test('the token header comes before the bearer token, and the first of several counts', () => {
  expect(head().token).toBe('');
  expect(head('X-CONSUL-token', 'a', 'Authorization', 'Bearer b').token).toBe('a');
  expect(head('authorization', 'Bearer b', 'x-consul-token', '').token).toBe('b');
  expect(head('x-consul-token', 'a', 'x-consul-token', 'b').token).toBe('a');
  expect(head('Authorization', 'Bearer a', 'Authorization', 'Bearer b').token).toBe('a');
});

test('only a Bearer authorization is a token', () => {
  for (const value of ['', 'Bearer', 'Bearer ', 'Basic dXNlcg==', 'Bearertoken', 'token']) {
    expect(head('Authorization', value).token).toBe('');
  }
  expect(head('Authorization', '  bEARER   x  y ').token).toBe('x');
});

test('requests of pages are distinguished from those of programs', () => {
  expect(head('Host', 'a:1', 'Accept', '*/*')).toEqual({ token: '', namespace: '', host: 'a:1', notOlderThan: 0, fromPage: false });
  expect(head('host', 'a', 'ORIGIN', 'null').fromPage).toBe(true);
  expect(head('host', 'a', 'Sec-Fetch-Site', 'cross-site').fromPage).toBe(true);
});

test('the first namespace that is not empty counts; partitions are refused', () => {
  expect(head('x-consul-NAMESPACE', '', 'X-Consul-Namespace', 'team-a', 'X-Consul-Namespace', 'b').namespace).toBe('team-a');
  expect(() => head('x-consul-partition', 'p')).toThrow('Partitions are a Consul Enterprise feature');
  expect(head('X-Consul-Partition', '').namespace).toBe('');
});
