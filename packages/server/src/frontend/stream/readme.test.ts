import { readFileSync } from 'node:fs';
import { checkReply, checkRequest, frameLimits } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import { defaultLimits } from '../../options.ts';
import { lockLimits } from '../../registry/kind/lock/commands.ts';
import { sessionsMax } from './lock-requests.ts';
import { inFlightMax } from './stream.ts';

const text = readFileSync(new URL('README.md', import.meta.url), 'utf8');
const frames = [...text.matchAll(/^([<>]) (\{.*\})$/gm)].map(([, side, json]) => ({ side, frame: JSON.parse(json as string) as { type: string } }));

it('every frame of the examples is a frame of the protocol, to the letter', () => {
  for (const { side, frame } of frames) {
    const checked = side === '>' ? checkRequest(frame) : checkReply(frame);
    expect(checked.ok ? '' : checked.message, JSON.stringify(frame)).toBe('');
    if (checked.ok) expect({ output: '', ...checked.frame }).toMatchObject(frame);
  }
});

it('every type of frame has an example', () => {
  const types = (side: string) => new Set(frames.filter((each) => each.side === side).map(({ frame }) => frame.type));
  const requests = ['hello', 'register', 'deregister', 'drain', 'beat', 'watch', 'unwatch', 'get', 'kv-put', 'kv-delete', 'lease', 'lock-session', 'lock-renew', 'lock-acquire', 'lock-transfer', 'lock-release', 'lock-end', 'lock-queue', 'txn', 'config-report', 'pick-report', 'goodbye'];
  const replies = ['welcome', 'done', 'leased', 'locked', 'lock-renewed', 'lock-waiting', 'committed', 'watching', 'snapshot', 'delta', 'watch-ended', 'session-lost', 'go-elsewhere', 'freshness', 'error'];
  expect(types('>')).toEqual(new Set(requests));
  expect(types('<')).toEqual(new Set(replies));
});

it('the limits are those of the code', () => {
  const number = (value: number) => value.toLocaleString('en');
  const row = (what: string) => text.split('\n').find((line) => line.startsWith(`| ${what}`)) ?? '';
  expect(row('requests under way')).toContain(number(inFlightMax));
  expect(row('views that one')).toContain(number(defaultLimits.watchesPerStreamMax));
  expect(row('views that one')).toContain(number(frameLimits.listMax));
  expect(row('instances of one')).toContain(number(defaultLimits.instancesPerStreamMax));
  expect(row('snapshot of one')).toContain(`${frameLimits.snapshotBytesMax / 2 ** 20} MiB`);
  expect(row('message of a client')).toContain(`${defaultLimits.frameBytesMax / 2 ** 20} MiB`);
  expect(row('KV value')).toContain(`${defaultLimits.kvValueBytesMax / 1_024} KiB`);
  expect(row('KV value')).toContain(number(frameLimits.keyMax));
  expect(row('names; tags')).toContain(`${frameLimits.nameMax} characters; ${frameLimits.tagsMax} of ${frameLimits.tagMax.toLocaleString('en')} characters; ${frameLimits.metaMax} pairs of ${frameLimits.metaKeyMax} and ${frameLimits.metaValueMax}`);
  expect(row('sessions of locks')).toContain(String(sessionsMax));
  expect(row('contenders of one lock')).toContain(number(lockLimits.contendersMax));
  expect(row('locks in use')).toContain(number(lockLimits.locksMax));
  expect(row('name of a lock')).toContain(`${frameLimits.lockNameMax} characters; ${number(frameLimits.lockValueMax)}`);
  expect(row('writes of one `txn`')).toContain(String(frameLimits.txnMax));
  expect(row('checks of an')).toContain(String(frameLimits.checksMax));
});
