import { expect, it } from 'vitest';
import { assertPrivate } from './private-url.ts';

it.each([
  'https://10.0.0.7:8501', 'http://127.0.0.1:8500', 'http://127.9.9.9', 'http://[::1]:8500', 'http://localhost:8500', 'unix:///run/rollcall.sock',
])('a key may be sent to %s', (url) => {
  expect(() => assertPrivate(url, false)).not.toThrow();
});

it.each([
  'http://10.0.0.7:8500', 'http://primary:8500', 'http://[2001:db8::1]', 'http://0.0.0.0:8500', 'http://localhost.example', 'HTTP://10.0.0.7',
])('no key is sent to %s, unless the operator allows plain text', (url) => {
  const refusal = { code: 'failed_precondition', message: expect.stringContaining(`refusing to connect to ${url}: `) as string };
  expect(() => assertPrivate(url, false)).toThrow(expect.objectContaining(refusal));
  expect(() => assertPrivate(url, true)).not.toThrow();
});

it.each(['', 'primary:8500', 'ftp://primary', 'ws://127.0.0.1', 'unix://relative'])('%s is not the URL of a node, also when plain text is allowed', (url) => {
  expect(() => assertPrivate(url, true)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
});
