import { describe, expect, it } from 'vitest';
import { BackOff } from './back-off.ts';
import { Rotation, serverUrl, streamUrl } from './rotation.ts';

describe('the back-off', () => {
  it('grows to a maximum below the grace, is spread over the whole interval, and can be reset', () => {
    const longest = new BackOff(() => 1);
    expect(Array.from({ length: 8 }, () => longest.next())).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
    longest.reset();
    expect(longest.next()).toBe(100);
    const half = new BackOff(() => 0.5);
    expect([half.next(), half.next(), half.next()]).toEqual([50, 100, 200]);
  });
});

describe('the rotation', () => {
  it('tries every server in turn, in a random order', () => {
    const rotation = new Rotation(['a', 'b', 'c'], () => 0);
    const turns = Array.from({ length: 6 }, () => rotation.next());
    expect(new Set(turns.slice(0, 3))).toEqual(new Set(['a', 'b', 'c']));
    expect(turns.slice(3)).toEqual(turns.slice(0, 3));
    const firsts = [0, 0.3, 0.6, 0.9].map((random) => new Rotation(['a', 'b', 'c'], () => random).next());
    expect(new Set(firsts).size).toBeGreaterThan(1);
  });

  it('tries servers that a closing server named first, and each of them once', () => {
    const rotation = new Rotation(['http://a:1'], () => 0);
    rotation.prefer(['http://b:1', 'file:///etc', 'http://c:1/path']);
    expect([rotation.next(), rotation.next(), rotation.next()]).toEqual(['http://b:1', 'http://a:1', 'http://a:1']);
  });
});

describe('a server', () => {
  it.each([
    ['127.0.0.1:8500', 'http://127.0.0.1:8500'],
    ['http://h:1/', 'http://h:1'],
    ['HTTPS://Registry.example', 'https://registry.example'],
    ['[::1]:8500', 'http://[::1]:8500'],
  ])('may be written %s', (given, url) => {
    expect(serverUrl(given)).toBe(url);
  });

  it.each(['', 'http://', 'ftp://h', 'http://h/v1', 'http://h?x', 'http://user@h', 'a b'])('may not be %j', (given) => {
    expect(() => serverUrl(given)).toThrow(/^server /);
  });

  it('has its stream at the same path, over TLS if the server uses TLS', () => {
    expect(streamUrl('https://h:1')).toBe('wss://h:1/rollcall/v1/stream');
    expect(streamUrl('http://h:1')).toBe('ws://h:1/rollcall/v1/stream');
  });
});
