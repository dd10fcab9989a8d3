/**
 * Random requests and changes against a naive client, which keeps what it is sent: when all is answered, it has what exists of what it asks
 * for, in both variants. `ROLLCALL_FUZZ_RUNS` sets how many.
 */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ResourceType } from '../wire/any.ts';
import { DeltaSubscription } from './delta.ts';
import { TestShelf } from './shelf.case.ts';
import type { News } from './shelf.ts';
import { SotwSubscription } from './sotw.ts';

const numRuns = Number(process.env['ROLLCALL_FUZZ_RUNS'] ?? 300);
const names = ['a', 'b', 'c', 'd'] as const;

const step = fc.oneof(
  fc.record({ kind: fc.constant('ask' as const), wanted: fc.subarray([...names]), wildcard: fc.boolean() }),
  fc.record({ kind: fc.constant('put' as const), name: fc.constantFrom(...names), version: fc.nat({ max: 3 }) }),
  fc.record({ kind: fc.constant('delete' as const), name: fc.constantFrom(...names) }),
  fc.record({ kind: fc.constant('answer' as const), refuses: fc.boolean() }),
  fc.record({ kind: fc.constant('pump' as const), removals: fc.boolean() }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What a client has, by name, and how it asks. */
interface Client {
  readonly has: Map<string, string>;
  ask(wanted: readonly string[], wildcard: boolean): void;
  answer(refuses: boolean): void;
  hear(news: News): void;
}

function sotwClient(subscription: SotwSubscription, isComplete: boolean): Client {
  const has = new Map<string, string>();
  let asked: readonly string[] = [];
  let [heard, nonce] = ['', ''];
  const send = (error?: string) => subscription.request({ versionInfo: '', names: asked, nonce, error });
  const keeps = (name: string) => asked.includes('*') || asked.includes(name);
  return {
    has,
    ask(wanted, wildcard) {
      asked = wildcard && isComplete ? ['*', ...wanted] : wanted;
      for (const name of [...has.keys()]) if (!keeps(name)) has.delete(name);
      send();
    },
    answer(refuses) {
      if (heard === nonce) return;
      nonce = heard;
      send(refuses ? 'bad' : undefined);
    },
    hear(news) {
      heard = news.nonce;
      const resources = [...news.resources];
      if (isComplete) for (const name of [...has.keys()]) if (!resources.some((each) => each.name === name)) has.delete(name);
      for (const { name, version } of resources) if (keeps(name)) has.set(name, version);
    },
  };
}

function deltaClient(subscription: DeltaSubscription, isComplete: boolean): Client {
  const has = new Map<string, string>();
  // A first request without names is one for all.
  let asked = new Set<string>();
  let [heard, nonce] = ['', ''];
  const send = (more: object) => subscription.request({ subscribe: [], unsubscribe: [], initialVersions: new Map(), nonce: '', error: undefined, ...more });
  return {
    has,
    ask(wanted, wildcard) {
      const next = new Set(wildcard && isComplete ? ['*', ...wanted] : wanted);
      const subscribe = [...next].filter((name) => !asked.has(name));
      const unsubscribe = [...asked].filter((name) => !next.has(name));
      if (subscribe.length + unsubscribe.length === 0) return;
      asked = next;
      for (const name of [...has.keys()]) if (!next.has('*') && !next.has(name)) has.delete(name);
      send({ subscribe, unsubscribe });
    },
    answer(refuses) {
      if (heard === nonce) return;
      nonce = heard;
      send({ nonce, error: refuses ? 'bad' : undefined });
    },
    hear(news) {
      heard = news.nonce;
      for (const { name, version } of news.resources) if (asked.has('*') || asked.has(name)) has.set(name, version);
      for (const name of news.removed) has.delete(name);
    },
  };
}

function run(type: ResourceType, variant: 'sotw' | 'delta', steps: readonly Step[]): { readonly has: object; readonly wanted: object } {
  const isComplete = type === 'cluster';
  const shelf = new TestShelf({});
  const exists = new Map<string, string>();
  const subscription = variant === 'sotw' ? new SotwSubscription(type) : new DeltaSubscription(type);
  const client = subscription instanceof SotwSubscription ? sotwClient(subscription, isComplete) : deltaClient(subscription, isComplete);
  let asks: { wanted: readonly string[]; wildcard: boolean } = { wanted: ['a'], wildcard: false };
  const pump = (removals: boolean) => {
    const news = subscription.next(shelf, removals);
    if (news !== undefined) client.hear(news);
    return news !== undefined;
  };
  const touch = (name: string) => {
    if (subscription.names.has(name)) subscription.touch(name);
    if (subscription.wildcard) subscription.touch('*');
  };
  client.ask(asks.wanted, asks.wildcard);
  for (const each of steps) {
    switch (each.kind) {
      case 'ask':
        asks = each;
        client.ask(each.wanted, each.wildcard);
        break;
      case 'put':
        shelf.put(each.name, `${each.version}`);
        exists.set(each.name, `${each.version}`);
        touch(each.name);
        break;
      case 'delete':
        shelf.delete(each.name);
        exists.delete(each.name);
        touch(each.name);
        break;
      case 'answer':
        client.answer(each.refuses);
        break;
      case 'pump':
        pump(each.removals);
    }
  }
  for (let round = 0; round < 10; round++) {
    client.answer(false);
    pump(true);
  }
  client.answer(false);
  expect(pump(true)).toBe(false);
  const isAsked = (name: string) => asks.wanted.includes(name) || (asks.wildcard && isComplete);
  const sorted = (entries: Iterable<readonly [string, string]>) => Object.fromEntries([...entries].sort(([x], [y]) => (x < y ? -1 : 1)));
  // Endpoints are never removed in state of the world: a client keeps what it has.
  const kept = variant === 'sotw' && !isComplete ? [...client.has].filter(([name]) => !exists.has(name)) : [];
  return { has: sorted(client.has), wanted: sorted([...kept, ...[...exists].filter(([name]) => isAsked(name))]) };
}

describe.each(['sotw', 'delta'] as const)('%s', (variant) => {
  test.each(['cluster', 'endpoints'] as const)('%s: a client has what exists of what it asks for', (type) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { has, wanted } = run(type, variant, steps);
        expect(has).toEqual(wanted);
      }),
      { numRuns },
    );
  });
});
