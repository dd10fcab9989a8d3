import type { Dispatcher, Pool } from 'undici';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { Picker } from '../balancer/picker.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { anInstance } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import { Gradient2 } from '../resilience/gradient2.ts';
import { EndpointPools } from './endpoint-pools.ts';
import { Exchange, type ExchangeContext, type ExchangeOptions } from './exchange.ts';
import type { FetchHandler } from './try.ts';

/** Connections that are neither made nor refused before the test says so. */
class HungPools extends EndpointPools {
  readonly waiting: { readonly endpoint: Endpoint; readonly handler: FetchHandler; readonly body: unknown }[] = [];

  override get(endpoint: Endpoint): Pool {
    const dispatch = ({ body }: Dispatcher.DispatchOptions, handler: FetchHandler) => this.waiting.push({ endpoint, handler, body });
    return { dispatch } as unknown as Pool;
  }
}

function setUp(method: string, request: Partial<Dispatcher.DispatchOptions> = {}, options: ExchangeOptions = {}, given: Partial<ExchangeContext> = {}) {
  const clock = manualClock();
  const picker = new Picker(roundRobin(), {}, new SeededRandom(1));
  picker.update([anInstance('a'), anInstance('b'), anInstance('c')], 0);
  const pools = new HungPools(1000);
  const heard: string[] = [];
  let abort = (_reason?: Error) => {};
  const handler: FetchHandler = {
    onConnect: (given) => (abort = given),
    onHeaders: (status) => heard.push(`headers ${status}`) > 0,
    onData: (chunk) => heard.push(`data ${chunk.toString()}`) > 0,
    onComplete: () => heard.push('complete'),
    onError: (error) => heard.push(error.message),
  };
  const requests = { current: 0, max: 10 };
  const limits = { requests, triesMax: 3, tryTimeoutMs: 100, replayBytesMax: 1000 };
  const context = { service: 'web', picker, pools, budget: new RetryBudget(), clock, ...limits, ...given };
  new Exchange(context, { method, path: '/', origin: 'http://web.rollcall', ...request }, handler, options).start();
  return { clock, heard, waiting: pools.waiting, requests, abort: (reason: Error) => abort(reason) };
}

const sentTo = ({ waiting }: { waiting: readonly { endpoint: Endpoint }[] }) => waiting.map(({ endpoint }) => endpoint.instance.id);

it('takes a connection that is not there in time for nothing sent: a POST may go elsewhere', () => {
  const { clock, heard, waiting } = setUp('POST');
  clock.advance(99);
  expect(sentTo({ waiting })).toHaveLength(1);
  clock.advance(1);
  expect(new Set(sentTo({ waiting })).size).toBe(2);
  const [first, second] = waiting as [(typeof waiting)[0], (typeof waiting)[0]];
  expect([first.endpoint.inFlight, second.endpoint.inFlight]).toEqual([0, 1]);
  second.handler.onConnect(() => {});
  second.handler.onHeaders(200, [], () => {}, 'OK');
  second.handler.onComplete(null);
  expect(heard).toEqual(['headers 200', 'complete']);
});

it('breaks off the connection of a try that was given up, when it comes at last', () => {
  const { clock, heard, waiting, requests } = setUp('GET');
  clock.advance(100);
  const [first, second] = waiting as [(typeof waiting)[0], (typeof waiting)[0]];
  let brokenOff = false;
  first.handler.onConnect((reason) => {
    brokenOff = true;
    first.handler.onError(reason ?? new Error('aborted'));
  });
  expect(brokenOff).toBe(true);
  second.handler.onConnect(() => {});
  second.handler.onHeaders(204, [], () => {}, 'No Content');
  second.handler.onComplete(null);
  expect(heard).toEqual(['headers 204', 'complete']);
  expect([first.endpoint.inFlight, second.endpoint.inFlight, requests.current]).toEqual([0, 0, 0]);
});

it('does not retry for a caller who has left', () => {
  const { clock, heard, waiting, requests, abort } = setUp('GET');
  abort(new Error('enough'));
  clock.advance(1000);
  waiting[0]?.handler.onError(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  expect(heard).toEqual(['enough']);
  expect(waiting).toHaveLength(1);
  expect(requests.current).toBe(0);
});

it('breaks off an answer that it gave up once that is long, and goes on with the other', () => {
  const { heard, waiting } = setUp('GET');
  const first = waiting[0]?.handler as FetchHandler;
  let brokenOff = 0;
  first.onConnect(() => (brokenOff += 1));
  first.onHeaders(503, [], () => {}, 'Service Unavailable');
  expect(waiting).toHaveLength(2);
  for (let n = 0; n < 70; n++) first.onData(Buffer.alloc(1024));
  expect(brokenOff).toBe(1);
  const second = waiting[1]?.handler as FetchHandler;
  second.onConnect(() => {});
  second.onHeaders(200, [], () => {}, 'OK');
  second.onData(Buffer.from('ok'));
  second.onComplete(null);
  expect(heard).toEqual(['headers 200', 'data ok', 'complete']);
});

it('gives up the rest of a refusal that does not end, so that its endpoint is not in use for ever', () => {
  const { clock, waiting } = setUp('GET');
  const [first] = waiting as [(typeof waiting)[0]];
  let brokenOff = 0;
  first.handler.onConnect(() => (brokenOff += 1));
  first.handler.onHeaders(503, [], () => {}, 'Service Unavailable');
  expect(first.endpoint.inFlight).toBe(1);
  clock.advance(1000);
  expect([brokenOff, first.endpoint.inFlight]).toEqual([1, 0]);
});

it('sends a body that can be read once again, from its beginning, whether it is read at once or in time', async () => {
  function* parts() {
    yield Buffer.from('one ');
    yield Buffer.from('two');
  }
  const read = async (body: unknown) => {
    let text = '';
    for await (const part of body as AsyncIterable<Uint8Array>) text += Buffer.from(part).toString();
    return text;
  };
  const { waiting } = setUp('PUT', { body: parts() as unknown as Buffer });
  expect(await read(waiting[0]?.body)).toBe('one two');
  waiting[0]?.handler.onConnect(() => {});
  waiting[0]?.handler.onError(new Error('reset'));
  expect(await read(waiting[1]?.body)).toBe('one two');
});

it('is over when its handler throws as it begins', () => {
  const clock = manualClock();
  const picker = new Picker(roundRobin(), {}, new SeededRandom(1));
  const requests = { current: 0, max: 10 };
  const limits = { requests, triesMax: 3, tryTimeoutMs: 100, replayBytesMax: 0 };
  const context = { service: 'web', picker, pools: new HungPools(1000), budget: new RetryBudget(), clock, ...limits };
  const heard: string[] = [];
  const none = () => true;
  const handler: FetchHandler = {
    ...{ onHeaders: none, onData: none, onComplete: none },
    onConnect: () => {
      throw new Error('not now');
    },
    onError: ({ message }) => heard.push(message),
  };
  new Exchange(context, { method: 'GET', path: '/', origin: 'http://web.rollcall' }, handler).start();
  expect(heard).toEqual(['not now']);
  expect(requests.current).toBe(0);
});

describe('while no list is known', () => {
  it('keeps to its deadline', () => {
    let stopped = 0;
    const { clock, heard, waiting, requests } = setUp('GET', {}, { deadline: { at: 50 }, wait: () => () => (stopped += 1) });
    clock.advance(50);
    expect(heard).toEqual([expect.stringContaining('no list of instances was known in time')]);
    expect([waiting.length, requests.current, stopped]).toEqual([0, 0, 1]);
  });

  it('counts as in flight, and can be aborted', () => {
    let begin = (_failure?: Error) => {};
    const { heard, waiting, requests, abort } = setUp('GET', {}, { wait: (given) => ((begin = given), () => {}) });
    expect(requests.current).toBe(1);
    abort(new Error('enough'));
    begin();
    expect([heard, waiting.length, requests.current]).toEqual([['enough'], 0, 0]);
  });

  it('fails with why there will be none', () => {
    const failure = new Error('no registry');
    const { heard, requests } = setUp('GET', {}, { wait: (begin) => (begin(failure), () => {}) });
    expect([heard, requests.current]).toEqual([['no registry'], 0]);
  });
});

it.each([[200, true], [500, false], [429, false]])('the limit of concurrency learns from an answer %i: %s', (status, learns) => {
  const concurrency = new Gradient2();
  let learnt = 0;
  concurrency.observe = () => (learnt += 1);
  const { waiting } = setUp('GET', {}, {}, { concurrency });
  waiting[0]?.handler.onConnect(() => {});
  waiting[0]?.handler.onHeaders(status, [], () => {}, '');
  expect(learnt).toBe(learns ? 1 : 0);
});
