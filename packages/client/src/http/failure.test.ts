import { RegistryError } from '@rollcall/protocol';
import { errors } from 'undici';
import { expect, it } from 'vitest';
import { failureOf } from './failure.ts';

const system = (code: string) => Object.assign(new Error(code), { code, syscall: 'connect' });

it.each<[string, unknown, sent: boolean, ReturnType<typeof failureOf>]>([
  ['connection refused', system('ECONNREFUSED'), false, 'unsent'],
  ['no such host', system('ENOTFOUND'), false, 'unsent'],
  ['connection timed out', new errors.ConnectTimeoutError(), false, 'unsent'],
  ['certificate of another host', system('ERR_TLS_CERT_ALTNAME_INVALID'), false, 'unsent'],
  ['pool closed as the instance left', new errors.ClientClosedError(), false, 'unsent'],
  ['connection reset', system('ECONNRESET'), true, 'broken'],
  ['connection closed', new errors.SocketError('other side closed'), true, 'broken'],
  ['not HTTP', Object.assign(new Error('Parse Error'), { code: 'HPE_INVALID_CONSTANT' }), true, 'broken'],
  ['headers late', new errors.HeadersTimeoutError(), true, 'late'],
  ['wrong header', new errors.InvalidArgumentError('invalid header'), false, undefined],
  ['body of another length', new errors.RequestContentLengthMismatchError(), true, undefined],
  ['client closed', new RegistryError('cancelled', 'closed'), true, undefined],
])('%s', (_what, error, sent, failure) => {
  expect(failureOf(error, sent)).toBe(failure);
});
