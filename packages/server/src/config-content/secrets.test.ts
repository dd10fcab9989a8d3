/** Secrets in contents: sealed, masked, revealed, kept by edits, and bound to their configuration. */

import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { noKeys, readKeyRing } from './key-ring.ts';
import { Secrets } from './secrets.ts';

const line = (id: string) => `${id}:${randomBytes(32).toString('base64')}\n`;
const older = line('2025');
const newer = line('2026');
const secrets = new Secrets(readKeyRing(older, 'test'));
const place = { namespace: 'prod', app: 'orders', cluster: 'default', name: 'db.properties' };
const written = 'user=app\npassword={secret}hunter2{/secret}\ntoken={secret}t{/secret}\n';

describe('a secret', () => {
  const sealed = secrets.seal(written, place);

  it('is stored encrypted, and differently each time', () => {
    expect(sealed).toMatch(/^user=app\npassword=\{cipher\}rollcall:2025:[\w-]+\ntoken=\{cipher\}rollcall:2025:[\w-]+\n$/);
    expect(sealed).not.toContain('hunter2');
    expect(secrets.seal(written, place)).not.toBe(sealed);
    expect([secrets.hasSecrets(sealed), secrets.hasSecrets(written)]).toEqual([true, false]);
  });

  it('is revealed as its value, or between marks for an editor', () => {
    expect(secrets.reveal(sealed, place)).toBe('user=app\npassword=hunter2\ntoken=t\n');
    expect(secrets.revealMarked(sealed, place)).toBe(written);
  });

  it('is masked by text that does not tell equal values', () => {
    const two = secrets.mask(secrets.seal('a={secret}x{/secret}\nb={secret}x{/secret}', place));
    expect(two).toMatch(/^a=\{masked\}[\w-]{16}\nb=\{masked\}[\w-]{16}$/);
    const [a, b] = two.split('\n').map((each) => each.slice(2));
    expect(a).not.toBe(b);
  });

  it.each([
    ['masked', () => secrets.mask(sealed)],
    ['stored', () => sealed],
    ['revealed', () => secrets.revealMarked(sealed, place)],
  ])('keeps its ciphertext when an edit sends it back %s', (_form, shown) => {
    const edited = secrets.seal(shown().replace('user=app', 'user=other'), place, sealed);
    expect(edited).toBe(sealed.replace('user=app', 'user=other'));
  });

  it('moves with its line, and is gone with it', () => {
    const [user = '', password = '', token = ''] = secrets.mask(sealed).split('\n');
    expect(secrets.reveal(secrets.seal(`${token}\n${user}\n`, place, sealed), place)).toBe('token=t\nuser=app\n');
    expect(() => secrets.seal(password, place)).toThrow(/stands for no secret/);
  });

  it('of any text comes back as it was', () => {
    const value = '"quotes" \\ ünï🙂\n-----BEGIN-----\n{cipher}x $& $1';
    expect(secrets.reveal(secrets.seal(`a={secret}${value}{/secret}`, place), place)).toBe(`a=${value}`);
  });

  it.each([
    ['namespace', { namespace: 'test' }],
    ['app', { app: 'orders2' }],
    ['cluster', { cluster: 'other' }],
    ['name', { name: 'other' }],
  ])('of another %s neither opens nor is taken', (_what, other) => {
    expect(() => secrets.reveal(sealed, { ...place, ...other })).toThrow(expect.objectContaining({ code: 'data_loss' }));
    expect(() => secrets.seal(sealed, { ...place, ...other })).toThrow(expect.objectContaining({ code: 'data_loss' }));
  });

  it('that was changed in one character does not open', () => {
    for (let at = 0; at < 126; at += 5) {
      const start = sealed.indexOf(':2025:') + 6 + at;
      const changed = sealed.slice(0, start) + (sealed[start] === 'A' ? 'B' : 'A') + sealed.slice(start + 1);
      expect(() => secrets.reveal(changed, place), `character ${at}`).toThrow(expect.objectContaining({ code: 'data_loss' }));
    }
    for (const short of ['A', 'AAAA', 'A'.repeat(120)]) expect(() => secrets.reveal(`{cipher}rollcall:2025:${short}`, place)).toThrow(/cannot be opened/);
  });

  it('without an end, too large, or one of too many is refused', () => {
    expect(() => secrets.seal('a={secret}x', place)).toThrow(/has no end/);
    expect(() => secrets.seal(`a={secret}${'x'.repeat(65_537)}{/secret}`, place)).toThrow(/65537 characters, the limit is 65536/);
    expect(() => secrets.seal('{secret}x{/secret}'.repeat(201), place)).toThrow(/more than 200 secrets/);
  });

  it('written in the form of other programs is left alone', () => {
    const spring = 'password={cipher}AQB3x/9=\nplain={name}';
    expect(secrets.seal(spring, place)).toBe(spring);
    expect([secrets.mask(spring), secrets.reveal(spring, place)]).toEqual([spring, spring]);
  });
});

describe('rotation', () => {
  const sealed = secrets.seal(written, place);
  const both = new Secrets(readKeyRing(newer + older, 'test'));

  it('encrypts with the first key and opens with all', () => {
    expect(both.reveal(sealed, place)).toBe(secrets.reveal(sealed, place));
    expect(both.seal('a={secret}x{/secret}', place)).toContain('{cipher}rollcall:2026:');
  });

  it('wraps data keys again without the old key being needed afterwards', () => {
    expect([both.olderKeysIn(sealed), secrets.olderKeysIn(sealed)]).toEqual([new Set(['2025']), new Set()]);
    const rewrapped = both.rewrap(sealed, place);
    expect(both.olderKeysIn(rewrapped)).toEqual(new Set());
    expect(both.mask(rewrapped)).toBe(both.mask(sealed));
    expect(new Secrets(readKeyRing(newer, 'test')).reveal(rewrapped, place)).toBe(secrets.reveal(sealed, place));
  });

  it.each([
    ['masked', () => secrets.mask(sealed)],
    ['stored', () => sealed],
    ['revealed', () => secrets.revealMarked(sealed, place)],
  ])('wraps data keys again when a content comes back %s, once', (_form, shown) => {
    const saved = both.seal(shown(), place, sealed);
    expect([both.olderKeysIn(saved), both.mask(saved)]).toEqual([new Set(), both.mask(sealed)]);
    expect(both.seal(shown(), place, saved)).toBe(saved);
  });

  it('leaves a secret whose key is gone as it is, so that the rest can be changed', () => {
    const without = new Secrets(readKeyRing(newer, 'test'));
    const edited = without.seal(without.mask(sealed).replace('user=app', 'user=other'), place, sealed);
    expect([edited, without.olderKeysIn(edited)]).toEqual([sealed.replace('user=app', 'user=other'), new Set(['2025'])]);
  });

  it('a key that is gone is named', () => {
    expect(() => new Secrets(readKeyRing(newer, 'test')).reveal(sealed, place)).toThrow(/encrypted with key 2025, which this server does not have/);
  });
});

describe('a server without keys', () => {
  const without = new Secrets(noKeys);
  it('refuses a new secret and leaves everything else as it is', () => {
    expect(() => without.seal(written, place)).toThrow(expect.objectContaining({ code: 'failed_precondition' }));
    expect(without.seal('a=1', place)).toBe('a=1');
    const sealed = secrets.seal(written, place);
    expect(without.mask(sealed)).toBe(secrets.mask(sealed));
    expect(without.seal(without.mask(sealed), place, sealed)).toBe(sealed);
  });
});
