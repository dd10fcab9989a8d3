import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../server/src/manual-clock.case.ts';
import { roundRobin } from './balancer/round-robin.ts';
import { deadAuthority } from './http/web-server.case.ts';
import { ServiceClient } from './service-client.ts';
import type { ServiceOptions } from './service-options.ts';
import { StaticSource, type StaticInstance } from './source/static-source.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function setUp(instances: readonly StaticInstance[] | undefined, options: ServiceOptions = {}) {
  const source = new StaticSource(instances === undefined ? {} : { web: instances });
  const clock = manualClock();
  const web = new ServiceClient(source, 'web', options, { clock, random: () => 0.1 });
  cleanups.push(() => web.close());
  return { source, clock, web };
}

const code = (expected: string) => expect.objectContaining({ code: expected });
/** What `fetch` rejects with: a TypeError, whose cause has the code. */
const failed = (expected: string) => expect.objectContaining({ name: 'TypeError', cause: code(expected) as object });
const three = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'];

describe('the list', () => {
  it('is returned at once, or waited for', async () => {
    const { source, web } = setUp(undefined);
    expect(web.snapshot()).toBeUndefined();
    const waiting = web.instances();
    source.set('web', three);
    expect((await waiting).map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    expect(web.snapshot()?.revision).toBe(1);
    expect(await web.instances()).toHaveLength(3);
  });

  it('is waited for until the signal aborts', async () => {
    const { web } = setUp(undefined);
    await expect(web.instances({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  it('has all instances, also those that are not picked', async () => {
    const { web } = setUp(['10.0.0.1:80', { address: '10.0.0.2', port: 80, status: 'critical' }]);
    expect(await web.instances()).toHaveLength(2);
    expect(web.pick().address).toBe('10.0.0.1');
  });
});

describe('a watch', () => {
  it('returns the list now and each newer one; a slow reader gets only the newest', async () => {
    const { source, web } = setUp(three);
    const revisions: number[] = [];
    for await (const { revision, instances } of web.watch()) {
      revisions.push(revision);
      if (revision === 1) {
        source.set('web', three.slice(1));
        source.set('web', three.slice(2));
      } else if (instances.length === 1) {
        queueMicrotask(() => source.set('web', []));
      } else {
        break;
      }
    }
    expect(revisions).toEqual([1, 3, 4]);
  });

  it('ends with the client, and by a signal', async () => {
    const { web } = setUp(three);
    const ended = (async () => {
      for await (const { revision } of web.watch()) expect(revision).toBe(1);
    })();
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const { revision } of web.watch({ signal: controller.signal })) {
        expect(revision).toBe(1);
        controller.abort(new Error('enough'));
      }
    })();
    await expect(aborted).rejects.toThrow('enough');
    await web.close();
    await ended;
    for await (const _ of web.watch()) expect.unreachable();
  });
});

describe('a pick', () => {
  it('refuses a balancer that is only a name, as the program gives it', () => {
    expect(() => new ServiceClient(new StaticSource({ web: [] }), 'web', { balancer: 'roundRobin' as never })).toThrow('balancer is "roundRobin"; it must be a balancer, such as roundRobin()');
  });

  it('uses the balancer', () => {
    const { web } = setUp(three, { balancer: roundRobin() });
    expect(new Set([web.pick(), web.pick(), web.pick()].map(({ address }) => address)).size).toBe(3);
  });

  it('learns from results: peak EWMA avoids the slow instance', () => {
    const { clock, web } = setUp(three.slice(0, 2));
    for (let n = 0; n < 10; n++) {
      const picked = web.pick();
      clock.advance(picked.address === '10.0.0.1' ? 50 : 5);
      picked.done();
    }
    for (let n = 0; n < 10; n++) {
      const picked = web.pick();
      expect(picked.address).toBe('10.0.0.2');
      picked.done('cancelled');
    }
  });

  it('counts as a request in flight until it is done, once', () => {
    const { clock, web } = setUp(three.slice(0, 2));
    for (const _ of three) {
      const picks = [web.pick(), web.pick()];
      expect(new Set(picks.map(({ address }) => address)).size).toBe(2);
      clock.advance(10);
      for (const picked of picks) {
        picked.done();
        picked.done('unreachable');
      }
    }
  });

  it('does not choose an instance that was tried, nor for a while one that was unreachable', () => {
    const { clock, web } = setUp(three);
    const first = web.pick();
    const second = web.pick({ exclude: [first] });
    const third = web.pick({ exclude: [first, second] });
    expect(new Set([first, second, third].map(({ instance }) => instance.id)).size).toBe(3);
    expect(() => web.pick({ exclude: [first, second, third] })).toThrow(code('unavailable'));
    first.done('unreachable');
    second.done();
    third.done();
    for (let n = 0; n < 20; n++) {
      const picked = web.pick();
      expect(picked.address).not.toBe(first.address);
      clock.advance(1);
      picked.done();
    }
  });

  it('reports whether there is no instance, or no list is known yet', () => {
    expect(() => setUp(undefined).web.pick()).toThrow(/no list of web is known yet/);
    expect(() => setUp([]).web.pick()).toThrow(/no instance of web is registered/);
    expect(() => setUp([]).web.pick()).toThrow(code('unavailable'));
  });

  it('is refused after close', async () => {
    const { web } = setUp(three);
    await web.close();
    expect(() => web.pick()).toThrow(code('failed_precondition'));
  });
});

describe('a request before the first list', () => {
  it('ends with the client', async () => {
    const { web } = setUp(undefined);
    const asked = web.fetch('/');
    await Promise.all([expect(asked).rejects.toEqual(failed('cancelled')), web.close()]);
  });

  it('has the same time limit as any other', async () => {
    const { clock, web } = setUp(undefined, { timeoutMs: 100 });
    const asked = expect(web.fetch('/')).rejects.toEqual(failed('deadline_exceeded'));
    await new Promise((turn) => setImmediate(turn));
    clock.advance(100);
    await asked;
  });

  it('counts as in flight', async () => {
    const { web } = setUp(undefined, { requestsMax: 1 });
    const first = web.fetch('/').catch(() => {});
    await expect(web.fetch('/')).rejects.toEqual(failed('resource_exhausted'));
    await web.close();
    await first;
  });
});

describe('an error that a program throws', () => {
  const warned = async () => (await once(process, 'warning')) as [Error];

  it('in a selector keeps the former list in use', async () => {
    const picky = { select: ({ address }: { address: string }) => address === '10.0.0.1' || fail(address) };
    const { source, web } = setUp(['10.0.0.1:80'], { routing: picky });
    const warning = warned();
    source.set('web', ['10.0.0.1:80', '10.0.0.2:80']);
    expect(web.pick().address).toBe('10.0.0.1');
    expect((await warning)[0].message).toContain('the new list of web is ignored, because a selector of its routing threw: Error: 10.0.0.2');
  });

  it('in the first selector fails requests with that reason', async () => {
    const warning = warned();
    const { web } = setUp(three, { routing: { select: () => fail('oops') } });
    await warning;
    await expect(web.fetch('/')).rejects.toMatchObject({ cause: { message: 'oops' } });
  });

  it('in onEvent does not disturb the request', async () => {
    const { web } = setUp([await deadAuthority(), await deadAuthority()], { onEvent: () => fail('oops') });
    const warning = warned();
    await expect(web.fetch('/')).rejects.toEqual(failed('unavailable'));
    await warning;
  });
});

function fail(message: string): never {
  throw new Error(message);
}

it.each<[string, ServiceOptions]>([
  ['triesMax', { triesMax: 0 }],
  ['triesMax', { triesMax: 1.5 }],
  ['panicThreshold', { panicThreshold: 1.5 }],
  ['tryTimeoutMs', { tryTimeoutMs: 0 }],
  ['tryTimeoutMs', { tryTimeoutMs: Number.NaN }],
  ['connectTimeoutMs', { connectTimeoutMs: -1 }],
  ['connectTimeoutMs', { connectTimeoutMs: Infinity }],
  ['requestsMax', { requestsMax: 0 }],
  ['replayBytesMax', { replayBytesMax: -1 }],
  ['endpointRequestsMax', { endpointRequestsMax: 0 }],
  ['ejection.baseMs', { ejection: { baseMs: Number.NaN } }],
  ['ejection.maxMs', { ejection: { maxMs: -1 } }],
  ['ejection.maxShare', { ejection: { maxShare: Number.NaN } }],
  ['outliers.consecutiveFailures', { ejection: { outliers: { consecutiveFailures: 0 } } }],
  ['outliers.intervalMs', { ejection: { outliers: { intervalMs: 0 } } }],
  ['outliers.deviations', { ejection: { outliers: { deviations: Number.NaN } } }],
  ['outliers.endpointsMin', { ejection: { outliers: { endpointsMin: 1 } } }],
  ['outliers.requestsMin', { ejection: { outliers: { requestsMin: 0 } } }],
  ['outliers.maxShare', { ejection: { outliers: { maxShare: 2 } } }],
  ['retryBudget.share', { retryBudget: { share: -1 } }],
  ['retryBudget.perSecond', { retryBudget: { perSecond: Number.NaN } }],
  ['retryBudget.windowMs', { retryBudget: { windowMs: 0 } }],
  ['hedging.percentile', { hedging: { percentile: 1 } }],
  ['hedging.delayMinMs', { hedging: { delayMinMs: -1 } }],
  ['hedging.initialDelayMs', { hedging: { initialDelayMs: Number.NaN } }],
  ['hedging.maxShare', { hedging: { maxShare: Number.NaN } }],
  ['breaker.failureShare', { breaker: { failureShare: 0 } }],
  ['breaker.requestsMin', { breaker: { requestsMin: 0 } }],
  ['breaker.windowMs', { breaker: { windowMs: Number.NaN } }],
  ['breaker.openMs', { breaker: { openMs: 0 } }],
  ['concurrency.initial', { concurrency: { initial: 0 } }],
  ['concurrency.min', { concurrency: { min: 0 } }],
  ['concurrency.max', { concurrency: { max: 10 } }],
  ['concurrency.queue', { concurrency: { queue: -1 } }],
  ['concurrency.tolerance', { concurrency: { tolerance: 0.5 } }],
  ['concurrency.smoothing', { concurrency: { smoothing: 0 } }],
  ['concurrency.longWindow', { concurrency: { longWindow: Number.NaN } }],
])('refuses a wrong %s: %o', (name, options) => {
  expect(() => setUp(three, options)).toThrow(new RegExp(`^${name.replace('.', '\\.')} is `));
});
