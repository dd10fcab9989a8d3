/** Subscriptions of state of the world: the rules of the protocol, and faults that other servers have had, by table and by scenario. */

import { describe, expect, test } from 'vitest';
import { SotwSubscription } from './sotw.ts';
import { TestShelf, told } from './shelf.case.ts';

const ask = (names: readonly string[], nonce = '', error?: string) => ({ versionInfo: '', names, nonce, error });

function subscribed(type: 'cluster' | 'endpoints' | 'listener' | 'route', shelf: TestShelf) {
  const subscription = new SotwSubscription(type);
  let nonce = '';
  const next = (removals = true) => {
    const news = subscription.next(shelf, removals);
    if (news !== undefined) nonce = news.nonce;
    return told(news);
  };
  return {
    subscription,
    next,
    request: (...names: string[]) => subscription.request(ask(names, nonce)),
    ack: (...names: string[]) => subscription.request(ask(names, nonce)),
    nack: (...names: string[]) => subscription.request(ask(names, nonce, 'bad')),
    touch: (...names: string[]) => names.forEach((name) => subscription.touch(name)),
  };
}

describe('which resources a request is about', () => {
  const shelf = new TestShelf({ a: '1', b: '1', c: '1' });

  test.each<[string, readonly (readonly string[])[], string | undefined]>([
    ['no names at first: all', [[]], 'a:1 b:1 c:1'],
    ['a star: all', [['*']], 'a:1 b:1 c:1'],
    ['names: these', [['a', 'b']], 'a:1 b:1'],
    ['a star and a name that exists: all', [['*', 'a']], 'a:1 b:1 c:1'],
    ['a star goes, a name stays', [['*', 'a'], ['a']], undefined],
    ['no names after a name: none', [['a'], []], undefined],
    ['no names after a star: none', [['*'], []], undefined],
    ['all at first, then a name: this one', [[], ['b']], 'b:1'],
    ['another name: both are sent, since one that is left out would be deleted', [['a'], ['a', 'b']], 'a:1 b:1'],
    ['a name that does not exist: nothing to say', [['x']], undefined],
  ])('clusters, %s', (_what, requests, last) => {
    const { request, ack, next, subscription } = subscribed('cluster', shelf);
    let said: string | undefined;
    for (const names of requests) {
      request(...names);
      said = next();
      if (said !== undefined) ack(...names);
    }
    expect([said, subscription.outstanding]).toEqual([last, false]);
  });

  test.each(['endpoints', 'route'] as const)('%s are never all: no names mean none', (type) => {
    const { request, next } = subscribed(type, shelf);
    request();
    expect(next()).toBeUndefined();
    request('*');
    expect(next()).toBeUndefined();
  });
});

describe('what is sent when', () => {
  test('one response is on its way at a time, and what changes meanwhile is sent with the next one, once', () => {
    const shelf = new TestShelf({ a: '1' });
    const { request, ack, next, touch } = subscribed('endpoints', shelf);
    request('a');
    expect(next()).toBe('a:1');
    for (const version of ['2', '3', '4']) {
      shelf.put('a', version);
      touch('a');
      expect(next()).toBeUndefined();
    }
    ack('a');
    expect(next()).toBe('a:4');
  });

  test('an answered response is not sent again, and neither is one that the client refused, until something changes', () => {
    const shelf = new TestShelf({ a: '1' });
    const { request, ack, nack, next, touch } = subscribed('cluster', shelf);
    request('a');
    expect(next()).toBe('a:1');
    expect(nack('a')).toBe('nack');
    expect(next()).toBeUndefined();
    shelf.put('a', '2');
    touch('a');
    expect(next()).toBe('a:2');
    expect(ack('a')).toBe('ack');
    expect(next()).toBeUndefined();
  });

  test('a change that gives equal bytes is no news', () => {
    const shelf = new TestShelf({ a: '1' });
    const { request, ack, next, touch } = subscribed('endpoints', shelf);
    request('a');
    next();
    ack('a');
    touch('a');
    expect(next()).toBeUndefined();
  });

  test('endpoints: a new name brings its own resource only', () => {
    const { request, ack, next } = subscribed('endpoints', new TestShelf({ a: '1', b: '1' }));
    request('a');
    next();
    ack('a');
    request('a', 'b');
    expect(next()).toBe('b:1');
  });

  test('a resource that is asked for before it exists is sent when it does', () => {
    const shelf = new TestShelf({});
    const { request, next, touch } = subscribed('cluster', shelf);
    request('a');
    expect(next()).toBeUndefined();
    shelf.put('a', '1');
    touch('a');
    expect(next()).toBe('a:1');
  });

  test('a wildcard is answered even when there is nothing, so that a proxy can start', () => {
    const { request, next, ack } = subscribed('listener', new TestShelf({}));
    request();
    expect(next()).toBe('');
    ack();
    expect(next()).toBeUndefined();
  });

  test('nothing is sent while it is not known whether one of the clusters exists: a client would delete it', () => {
    const shelf = new TestShelf({ a: '1', b: undefined });
    const { request, next, touch } = subscribed('cluster', shelf);
    request('a', 'b');
    expect(next()).toBeUndefined();
    shelf.put('b', '1');
    touch('b');
    expect(next()).toBe('a:1 b:1');
  });
});

describe('nonces', () => {
  test('a request with a stale nonce answers nothing', () => {
    const shelf = new TestShelf({ a: '1' });
    const { subscription, next } = subscribed('endpoints', shelf);
    expect(subscription.request(ask(['a']))).toBe('first');
    expect(next()).toBe('a:1');
    expect(subscription.request(ask(['a'], '0'))).toBe('stale');
    expect(subscription.request(ask(['a'], ''))).toBe('stale');
    expect(subscription.outstanding).toBe(true);
  });

  test('a client that gives a name up and asks for it again while a response is on its way gets it', () => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, ack, next, subscription, touch } = subscribed('endpoints', shelf);
    request('a', 'b');
    next();
    ack('a', 'b');
    shelf.put('b', '2');
    touch('b');
    expect(next()).toBe('b:2');
    // Both were sent before the client read the response.
    subscription.request(ask(['b'], '1'));
    subscription.request(ask(['a', 'b'], '1'));
    ack('a', 'b');
    expect(next()).toBe('a:1');
  });

  test('the version of a refusal says nothing: only the error does', () => {
    const { request, next, subscription } = subscribed('endpoints', new TestShelf({ a: '1' }));
    request('a');
    next();
    expect(subscription.request({ versionInfo: 'of long ago', names: ['a'], nonce: '1', error: undefined })).toBe('ack');
  });
});

describe('removals', () => {
  test('a cluster that is gone is left out of the next response, which has all others', () => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, ack, next, touch } = subscribed('cluster', shelf);
    request();
    next();
    ack();
    shelf.delete('b');
    touch('*');
    expect(next()).toBe('a:1');
    ack();
    shelf.delete('a');
    touch('*');
    expect(next()).toBe('');
  });

  test('while removals must wait, a response keeps the cluster that is gone', () => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, ack, next, touch } = subscribed('cluster', shelf);
    request();
    next();
    ack();
    shelf.delete('b');
    touch('*');
    expect(next(false)).toBeUndefined();
    shelf.put('c', '1');
    touch('*');
    expect(next(false)).toBe('a:1 b:1 c:1');
    ack();
    expect(next(false)).toBeUndefined();
    expect(next(true)).toBe('a:1 c:1');
  });

  test('endpoints and routes cannot be removed', () => {
    const shelf = new TestShelf({ a: '1' });
    const { request, ack, next, touch } = subscribed('endpoints', shelf);
    request('a');
    next();
    ack('a');
    shelf.delete('a');
    touch('a');
    expect(next()).toBeUndefined();
  });
});

describe('endpoints are sent again although they have not changed', () => {
  test('when the client has given them up and asks again (go-control-plane 583)', () => {
    const { request, ack, next } = subscribed('endpoints', new TestShelf({ a: '1' }));
    request('a');
    next();
    ack('a');
    request();
    expect(next()).toBeUndefined();
    request('a');
    expect(next()).toBe('a:1');
  });

  test('when their cluster has changed, since a proxy waits for them', () => {
    const { request, ack, next, subscription } = subscribed('endpoints', new TestShelf({ a: '1' }));
    request('a');
    next();
    ack('a');
    subscription.resend('a');
    subscription.resend('not asked for');
    expect(next()).toBe('a:1');
  });

  test('to a client that connects again and shows the version that it had', () => {
    const { subscription, next } = subscribed('endpoints', new TestShelf({ a: '1' }));
    subscription.request({ versionInfo: '7', names: ['a'], nonce: '', error: undefined });
    expect(next()).toBe('a:1');
  });
});

test('a cluster that is given up and asked for again counts as new to the client', () => {
  const { request, ack, next, subscription } = subscribed('cluster', new TestShelf({ a: '1', b: '1' }));
  request('a', 'b');
  next();
  ack('a', 'b');
  request('a');
  request('a', 'b');
  expect(subscription.next(new TestShelf({ a: '1', b: '1' }), true)?.changed).toEqual(['b']);
});
