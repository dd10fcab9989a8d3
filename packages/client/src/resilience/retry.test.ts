import { expect, it } from 'vitest';
import { type Failure, isIdempotent, isRefusal, type RetryPlace, retryPlace } from './retry.ts';

const yes = true;
const no = false;

it.each<[Failure, idempotent: boolean, replayable: boolean, RetryPlace]>([
  ['unsent', yes, yes, 'another endpoint'],
  ['unsent', no, yes, 'another endpoint'],
  ['unsent', no, no, 'nowhere'],
  ['broken', yes, yes, 'any endpoint'],
  ['broken', yes, no, 'nowhere'],
  ['broken', no, yes, 'nowhere'],
  ['late', yes, yes, 'another endpoint'],
  ['late', no, yes, 'nowhere'],
  ['refused', yes, yes, 'another endpoint'],
  ['refused', yes, no, 'nowhere'],
  ['refused', no, yes, 'nowhere'],
])('%s, idempotent %s, replayable %s: %s', (failure, idempotent, replayable, place) => {
  expect(retryPlace(failure, idempotent, replayable)).toBe(place);
});

it('treats the methods of RFC 9110 §9.2.2 as idempotent, and no others', () => {
  const methods = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'POST', 'PATCH', 'CONNECT', 'get', 'LINK'];
  expect(methods.filter(isIdempotent)).toEqual(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
});

it('treats gateway errors and overload as refusals, and no other status', () => {
  const statuses = Array.from({ length: 500 }, (_, index) => index + 100);
  expect(statuses.filter(isRefusal)).toEqual([502, 503, 504]);
});
