/** A tap changes nothing about where lines go, and listeners get the same ones. */

import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { LogTap } from './log-tap.ts';

test('each line is passed on, and goes to the listeners that are registered', () => {
  const written: string[] = [];
  const tap = new LogTap({ write: (line) => void written.push(line) });
  const log = pino({ level: 'info' }, tap);
  const heard: string[] = [];
  log.info('before');
  const stop = tap.listen((line) => heard.push(line));
  log.child({ part: 'x' }).info('during');
  log.debug('too fine');
  stop();
  log.info('after');
  expect(written.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['before', 'during', 'after']);
  expect(heard).toEqual([written[1]]);
  expect(tap.listening).toBe(0);
});

test('the tap of a log is that of its children as well', () => {
  const tap = new LogTap({ write: () => undefined });
  expect(LogTap.of(pino({}, tap))).toBe(tap);
  expect(LogTap.of(pino({}, tap).child({ part: 'x' }))).toBe(tap);
  expect(LogTap.of(pino({ level: 'silent' }))).toBe(undefined);
});

test('a flush is passed on', () => {
  const next = { write: () => undefined, flush: vi.fn((done?: () => void) => done?.()), flushSync: vi.fn() };
  const log = pino({}, new LogTap(next));
  const done = vi.fn();
  log.flush(done);
  log.fatal('the end');
  expect([next.flush.mock.calls.length, done.mock.calls.length, next.flushSync.mock.calls.length]).toEqual([1, 1, 1]);
  pino({}, new LogTap({ write: () => undefined })).flush(done);
  expect(done).toHaveBeenCalledTimes(2);
});
