import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { CallError, writeError } from './errors.ts';

// Messages as in etcd's `rpctypes/error.go`.
it.each([
  ['unknown_outcome', status.UNAVAILABLE, 'etcdserver: request timed out, possibly due to previous leader failure'],
  ['unknown_outcome', status.DEADLINE_EXCEEDED, 'etcd at http://a:1 has not answered for 4000 ms'],
  ['unknown_outcome', status.CANCELLED, 'the connection to etcd at http://a:1 was given up'],
  ['unknown_outcome', status.INTERNAL, 'Received RST_STREAM with code 2'],
  ['unavailable', status.RESOURCE_EXHAUSTED, 'etcdserver: too many requests'],
  ['unavailable', status.INVALID_ARGUMENT, 'etcdserver: request is too large'],
  ['unavailable', status.PERMISSION_DENIED, 'etcdserver: permission denied'],
  ['unavailable', status.UNAUTHENTICATED, 'etcdserver: invalid auth token'],
  ['resource_exhausted', status.RESOURCE_EXHAUSTED, 'etcdserver: mvcc: database space exceeded'],
])('a write is %s after status %i: %s', (code, status, message) => {
  expect(writeError(new CallError(status, message))).toMatchObject({ code });
});
