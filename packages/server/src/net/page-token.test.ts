/** The session of a page: half in a cookie, half with the page. */

import { expect, test } from 'vitest';
import { endedCookie, pageToken, sessionCookie } from './page-token.ts';
import { requestToken } from './request-token.ts';

const token = 'a token; with = and é';
const key = Buffer.alloc(32, 1).toString('base64url');
const other = Buffer.alloc(32, 2).toString('base64url');
const at = { isEncrypted: false, endsMs: Infinity, now: 0 };
const begin = (pageKey = key, more: Partial<typeof at> = {}) => sessionCookie({ headers: { 'x-rollcall-page-key': pageKey } }, token, { ...at, ...more });
const pair = () => begin().split(';')[0] ?? '';

test('a token comes back from its cookie with the key, in a header or as a subprotocol of a WebSocket', () => {
  expect(pageToken({ headers: { 'cookie': `a=b; ${pair()}; c=d`, 'x-rollcall-page-key': key } })).toBe(token);
  expect(pageToken({ headers: { 'cookie': pair(), 'sec-websocket-protocol': `rollcall, rollcall.page-key.${key}` } })).toBe(token);
});

test('the cookie alone is of no use, nor is a key without it, nor are two of different sessions', () => {
  const cookie = pair();
  expect(cookie).not.toContain('token;');
  for (const headers of [{ cookie }, { 'x-rollcall-page-key': key }, { cookie, 'x-rollcall-page-key': other }, { cookie, 'x-rollcall-page-key': 'short' }, { 'cookie': `${cookie.slice(0, -4)}AAAA`, 'x-rollcall-page-key': key }]) {
    expect(pageToken({ headers })).toBeUndefined();
  }
});

test.each(['', 'rollcall-session=', 'rollcall-session=%', 'rollcall-session=AAAA', 'other=rollcall-session=x'])('the cookie %j has no token', (cookie) => {
  expect(pageToken({ headers: { cookie, 'x-rollcall-page-key': key } })).toBeUndefined();
});

test('no script reads the cookie, no other page sends it, and it belongs to this host alone where pages are encrypted', () => {
  expect(begin(key, { isEncrypted: true })).toMatch(/^__Host-rollcall-session=[\w-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/);
  expect(begin()).toMatch(/; HttpOnly; SameSite=Strict$/);
  expect(endedCookie(false)).toContain('Max-Age=0');
});

test('a session ends with its token', () => {
  expect(begin(key, { endsMs: 60_500, now: 500 })).toContain('Max-Age=60;');
});

test.each(['', 'short', key.slice(1), `${key}A`])('the page key %j begins no session', (pageKey) => {
  expect(() => begin(pageKey)).toThrow('32 random bytes');
});

test('a token in a header counts before the session', () => {
  const headers = { 'cookie': pair(), 'x-rollcall-page-key': key };
  expect(requestToken({ headers: { ...headers, authorization: 'Bearer program' } })).toBe('program');
  expect(requestToken({ headers })).toBe(token);
});
