/** Subscriptions of the incremental variant: the rules of the protocol, by table and by scenario. */

import { describe, expect, test } from 'vitest';
import { DeltaSubscription, type DeltaRequest } from './delta.ts';
import { TestShelf, told } from './shelf.case.ts';

function subscribed(type: 'cluster' | 'endpoints' | 'listener' | 'route', shelf: TestShelf) {
  const subscription = new DeltaSubscription(type);
  let nonce = '';
  const request = (asked: Partial<Omit<DeltaRequest, 'initialVersions'>> & { readonly had?: Readonly<Record<string, string>> } = {}) => {
    const { had = {}, ...rest } = asked;
    return subscription.request({ subscribe: [], unsubscribe: [], nonce: '', error: undefined, initialVersions: new Map(Object.entries(had)), ...rest });
  };
  return {
    subscription,
    request,
    next: (removals = true) => {
      const news = subscription.next(shelf, removals);
      if (news !== undefined) nonce = news.nonce;
      return told(news);
    },
    ack: () => request({ nonce }),
    nack: () => request({ nonce, error: 'bad' }),
    touch: (...names: string[]) => names.forEach((name) => subscription.touch(name)),
  };
}

describe('the first request', () => {
  const shelf = () => new TestShelf({ a: '1', b: '2' });

  test.each<[string, Parameters<ReturnType<typeof subscribed>['request']>[0], string | undefined]>([
    ['no names: all', {}, 'a:1 b:2'],
    ['a star: all', { subscribe: ['*'] }, 'a:1 b:2'],
    ['a name: this one', { subscribe: ['a'] }, 'a:1'],
    ['a name that does not exist: the client is told', { subscribe: ['x'] }, '-x'],
    ['a client that connects again with everything: an empty answer', { had: { a: '1', b: '2' } }, ''],
    ['one that has missed a change', { subscribe: ['*'], had: { a: '1', b: '1' } }, 'b:2'],
    ['one that has missed a removal', { subscribe: ['*'], had: { a: '1', b: '2', c: '1' } }, '-c'],
    ['one with names that has missed a change', { subscribe: ['a', 'b'], had: { a: '0', b: '2' } }, 'a:1'],
    ['one with names that has missed nothing', { subscribe: ['a'], had: { a: '1' } }, undefined],
    ['one with names that has missed a removal', { subscribe: ['x'], had: { x: '1' } }, '-x'],
  ])('%s', (_what, asked, answer) => {
    const { request, next } = subscribed('cluster', shelf());
    request(asked);
    expect(next()).toBe(answer);
  });

  test('endpoints have no wildcard', () => {
    const { request, next, subscription } = subscribed('endpoints', shelf());
    request();
    expect([next(), subscription.wildcard]).toEqual([undefined, false]);
  });
});

describe('later requests', () => {
  test('a name beside the wildcard is sent again, and the wildcard goes on', () => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, next, ack, touch } = subscribed('cluster', shelf);
    request();
    next();
    ack();
    request({ subscribe: ['a'] });
    expect(next()).toBe('a:1');
    ack();
    shelf.put('b', '2');
    touch('*');
    expect(next()).toBe('b:2');
  });

  test('without the wildcard, names stay and the rest is not followed any more', () => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, next, ack, touch } = subscribed('cluster', shelf);
    request({ subscribe: ['*', 'a'] });
    next();
    ack();
    request({ unsubscribe: ['*'] });
    shelf.put('a', '2');
    shelf.put('b', '2');
    touch('*', 'a', 'b');
    expect(next()).toBe('a:2');
  });

  test.each<[string, Record<string, string>, string]>([
    ['still has it', { a: '1', b: '1' }, 'b:1'],
    ['does not have it', { a: '1' }, '-b'],
  ])('a name that is given up beside a wildcard that %s is answered with its state', (_what, later, answer) => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, next, ack } = subscribed('cluster', shelf);
    request({ subscribe: ['*', 'b'] });
    next();
    ack();
    if (!('b' in later)) shelf.delete('b');
    request({ unsubscribe: ['b'] });
    expect(next()).toBe(answer);
  });

  test('a name that is given up is not sent any more, and is sent when it is asked for again', () => {
    const shelf = new TestShelf({ a: '1' });
    const { request, next, ack, touch } = subscribed('endpoints', shelf);
    request({ subscribe: ['a'] });
    next();
    ack();
    request({ unsubscribe: ['a'] });
    shelf.put('a', '2');
    touch('a');
    expect(next()).toBeUndefined();
    request({ subscribe: ['a'] });
    expect(next()).toBe('a:2');
    ack();
    request({ unsubscribe: ['a'], subscribe: ['a'] });
    expect(next()).toBeUndefined();
  });

  test('a name that is asked for a second time is sent again: the client has forgotten it', () => {
    const { request, next, ack } = subscribed('endpoints', new TestShelf({ a: '1' }));
    request({ subscribe: ['a'] });
    next();
    ack();
    request({ subscribe: ['a'] });
    expect(next()).toBe('a:1');
  });
});

describe('changes', () => {
  test('one response is on its way at a time, whether the client takes it or refuses it', () => {
    const shelf = new TestShelf({ a: '1' });
    const { request, next, ack, nack, touch } = subscribed('endpoints', shelf);
    request({ subscribe: ['a'] });
    expect(next()).toBe('a:1');
    shelf.put('a', '2');
    touch('a');
    expect(next()).toBeUndefined();
    expect(ack()).toBe('ack');
    expect(next()).toBe('a:2');
    shelf.put('a', '3');
    touch('a');
    expect(nack()).toBe('nack');
    expect(next()).toBe('a:3');
  });

  test('a change of the subscription answers no response', () => {
    const { request, next, subscription } = subscribed('endpoints', new TestShelf({ a: '1', b: '1' }));
    request({ subscribe: ['a'] });
    next();
    expect(request({ subscribe: ['b'] })).toBe('stale');
    expect(subscription.outstanding).toBe(true);
  });

  test('a resource that is gone is named, once, and comes back as new', () => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, next, ack, touch } = subscribed('cluster', shelf);
    request();
    next();
    ack();
    shelf.delete('b');
    touch('*');
    expect(next()).toBe('-b');
    ack();
    touch('*');
    expect(next()).toBeUndefined();
    shelf.put('b', '1');
    touch('*');
    expect(next()).toBe('b:1');
  });

  test('removals wait, and additions do not', () => {
    const shelf = new TestShelf({ a: '1', b: '1' });
    const { request, next, ack, touch } = subscribed('cluster', shelf);
    request();
    next();
    ack();
    shelf.delete('b');
    shelf.put('c', '1');
    touch('*');
    expect(next(false)).toBe('c:1');
    ack();
    expect(next(false)).toBeUndefined();
    expect(next(true)).toBe('-b');
  });

  test('a name of which it is not known whether it exists is answered when it is', () => {
    const shelf = new TestShelf({ a: undefined });
    const { request, next, touch } = subscribed('cluster', shelf);
    request({ subscribe: ['a'] });
    expect(next()).toBeUndefined();
    shelf.delete('a');
    touch('a');
    expect(next()).toBe('-a');
  });

  test('endpoints are sent again when their cluster has changed', () => {
    const { request, next, ack, subscription } = subscribed('endpoints', new TestShelf({ a: '1' }));
    request({ subscribe: ['a'], had: { a: '1' } });
    expect(next()).toBeUndefined();
    ack();
    subscription.resend('a');
    expect(next()).toBe('a:1');
  });
});
