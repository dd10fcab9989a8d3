import type { Dispatcher, Pool } from 'undici';
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { Picker } from '../routing/picker.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { SeededRandom } from '../balancer/seeded-random.ts';
import { anInstance } from '../balancer/simulation.case.ts';
import type { Endpoint } from '../endpoint.ts';
import { Hedging } from '../resilience/hedging.ts';
import { RetryBudget } from '../resilience/retry-budget.ts';
import { Gradient2 } from '../resilience/gradient2.ts';
import { connectingOf } from './connecting.ts';
import { EndpointPools } from './endpoint-pools.ts';
import { Exchange } from './exchange.ts';
import type { ExchangeContext, ExchangeOptions } from './exchange-context.ts';
import type { FetchHandler } from './try.ts';

/** Connections that open or fail only when the test says so. */
class HungPools extends EndpointPools {
  readonly waiting: { readonly endpoint: Endpoint; readonly handler: FetchHandler; readonly body: unknown }[] = [];

  override get(endpoint: Endpoint): Pool {
    const dispatch = ({ body }: Dispatcher.DispatchOptions, handler: FetchHandler) => this.waiting.push({ endpoint, handler, body });
    return { dispatch } as unknown as Pool;
  }
}

function pickerOf(...ids: readonly string[]): Picker {
  const picker = new Picker(roundRobin(), {}, new SeededRandom(1));
  picker.update(ids.map((id) => anInstance(id)), 0);
  return picker;
}

function setUp(method: string, request: Partial<Dispatcher.DispatchOptions> = {}, options: ExchangeOptions = {}, given: Partial<ExchangeContext> = {}) {
  const clock = manualClock();
  const picker = pickerOf('a', 'b', 'c');
  const pools = new HungPools(connectingOf(1000));
  const heard: string[] = [];
  let abort = (_reason?: Error) => {};
  const handler: FetchHandler = {
    onConnect: (given) => (abort = given),
    onHeaders: (status) => heard.push(`headers ${status}`) > 0,
    onData: (chunk) => heard.push(`data ${chunk.toString()}`) > 0,
    onComplete: () => heard.push('complete'),
    onError: (error) => heard.push(error.message),
  };
  const requests = { current: 0, answering: 0, max: 10 };
  const limits = { requests, triesMax: 3, tryTimeoutMs: 100, replayBytesMax: 1000, retryAfterMaxMs: 5000 };
  const context = { service: 'web', picker, pools, budget: new RetryBudget(), clock, ...limits, ...given };
  new Exchange(context, { method, path: '/', origin: 'http://web.rollcall', ...request }, handler, options).start();
  return { clock, heard, waiting: pools.waiting, requests, abort: (reason: Error) => abort(reason) };
}

const sentTo = ({ waiting }: { waiting: readonly { endpoint: Endpoint }[] }) => waiting.map(({ endpoint }) => endpoint.instance.id);

it('treats a try without a connection in time as not sent: a POST may go to another endpoint', () => {
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

it('closes the connection of a try that was abandoned as soon as it is open', () => {
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

it('does not retry after the caller aborted', () => {
  const { clock, heard, waiting, requests, abort } = setUp('GET');
  abort(new Error('enough'));
  clock.advance(1000);
  waiting[0]?.handler.onError(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }));
  expect(heard).toEqual(['enough']);
  expect(waiting).toHaveLength(1);
  expect(requests.current).toBe(0);
});

it('closes the connection of a long answer that it abandoned, and continues with the other', () => {
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

it('closes the connection of an error answer that does not end, so that it is no longer in flight', () => {
  const { clock, waiting } = setUp('GET');
  const [first] = waiting as [(typeof waiting)[0]];
  let brokenOff = 0;
  first.handler.onConnect(() => (brokenOff += 1));
  first.handler.onHeaders(503, [], () => {}, 'Service Unavailable');
  expect(first.endpoint.inFlight).toBe(1);
  clock.advance(1000);
  expect([brokenOff, first.endpoint.inFlight]).toEqual([1, 0]);
});

it('sends a one-time body again from its beginning, whether its source delivers at once or later', async () => {
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

it('ends when its handler throws at the start', () => {
  const clock = manualClock();
  const picker = new Picker(roundRobin(), {}, new SeededRandom(1));
  const requests = { current: 0, answering: 0, max: 10 };
  const limits = { requests, triesMax: 3, tryTimeoutMs: 100, replayBytesMax: 0 };
  const context = { service: 'web', picker, pools: new HungPools(connectingOf(1000)), budget: new RetryBudget(), clock, retryAfterMaxMs: 0, ...limits };
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
  it('ends at its deadline', () => {
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

  it('fails with the reason for the missing list', () => {
    const failure = new Error('no registry');
    const { heard, requests } = setUp('GET', {}, { wait: (begin) => (begin(failure), () => {}) });
    expect([heard, requests.current]).toEqual([['no registry'], 0]);
  });
});

it.each([[200, true], [500, false], [429, false]])('the concurrency limit learns from an answer with status %i: %s', (status, learns) => {
  const concurrency = new Gradient2();
  let learnt = 0;
  concurrency.observe = () => (learnt += 1);
  const { waiting } = setUp('GET', {}, {}, { concurrency });
  waiting[0]?.handler.onConnect(() => {});
  waiting[0]?.handler.onHeaders(status, [], () => {}, '');
  expect(learnt).toBe(learns ? 1 : 0);
});

describe('an answer that says Retry-After', () => {
  const headers = (seconds: number) => [Buffer.from('retry-after'), Buffer.from(String(seconds))];
  const answer = ({ handler }: { handler: FetchHandler }, status: number, seconds: number) => {
    handler.onConnect(() => {});
    handler.onHeaders(status, headers(seconds), () => {}, '');
    handler.onComplete(null);
  };

  it('of 503: the retry goes to another endpoint at once, and to the first one only after that time', () => {
    const { heard, waiting } = setUp('GET');
    answer(waiting[0]!, 503, 3);
    expect(new Set(sentTo({ waiting })).size).toBe(2);
    answer(waiting[1]!, 200, 0);
    expect(heard).toEqual(['headers 200', 'complete']);
  });

  it('of 503 without another endpoint: the retry goes to the same endpoint after that time', () => {
    const { heard, waiting, clock } = setUp('GET', {}, {}, { picker: pickerOf('a') });
    answer(waiting[0]!, 503, 2);
    clock.advance(1999);
    expect(waiting).toHaveLength(1);
    clock.advance(1);
    answer(waiting[1]!, 200, 0);
    expect(heard).toEqual(['headers 200', 'complete']);
  });

  it('of 429: no endpoint gets the retry before that time is over', () => {
    const { heard, waiting, clock } = setUp('GET');
    answer(waiting[0]!, 429, 1);
    expect(waiting).toHaveLength(1);
    clock.advance(1000);
    expect(waiting).toHaveLength(2);
    answer(waiting[1]!, 200, 0);
    expect(heard).toEqual(['headers 200', 'complete']);
  });

  it.each([
    ['a longer time than is waited for', 'GET', 429, 6, {}],
    ['a longer time than the request has', 'GET', 429, 1, { deadline: { at: 900 } }],
    ['a request that may not be made twice', 'POST', 429, 1, {}],
    ['a request with one try', 'GET', 503, 1, { triesMax: 1 }],
  ])('is passed to the caller unchanged: %s', (_why, method, status, seconds, options) => {
    const { heard, waiting } = setUp(method, {}, options);
    answer(waiting[0]!, status, seconds);
    expect(heard).toEqual([`headers ${status}`, 'complete']);
  });

  it('ends when the caller aborts during the wait', () => {
    const { heard, waiting, clock, requests, abort } = setUp('GET');
    answer(waiting[0]!, 429, 1);
    abort(new Error('enough'));
    clock.advance(2000);
    expect([heard, waiting.length, requests.current]).toEqual([['enough'], 1, 0]);
  });
});

describe('a request with its own options', () => {
  const refuse = ({ handler }: { handler: FetchHandler }) => {
    handler.onConnect(() => {});
    handler.onError(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  };

  it('is repeated with idempotent: true, although it is a POST', () => {
    const { waiting } = setUp('POST', {}, { idempotent: true });
    refuse(waiting[0]!);
    expect(waiting).toHaveLength(2);
  });

  it('is not repeated with idempotent: false, although it is a GET', () => {
    const { waiting, heard } = setUp('GET', {}, { idempotent: false });
    refuse(waiting[0]!);
    expect([waiting.length, heard[0]]).toEqual([1, expect.stringContaining('it may have been applied')]);
  });

  it('is tried as often as its own triesMax allows', () => {
    const { waiting } = setUp('GET', {}, { triesMax: 2 });
    refuse(waiting[0]!);
    refuse(waiting[1]!);
    expect(waiting).toHaveLength(2);
  });

  it.each([
    [true, 2],
    [false, 1],
  ])('with hedging %s is sent %i times when its answer takes long', (hedging, times) => {
    const clock = manualClock();
    const { waiting } = setUp('GET', {}, { hedging }, { clock, hedging: new Hedging(clock, { initialDelayMs: 50 }), tryTimeoutMs: Infinity });
    waiting[0]!.handler.onConnect(() => {});
    clock.advance(60);
    expect(waiting).toHaveLength(times);
  });
});

it('tells the caller to read answers when unread ones take up the whole limit of requests', () => {
  const context = { requests: { current: 0, answering: 0, max: 1 } };
  const first = setUp('GET', {}, {}, context);
  first.waiting[0]!.handler.onConnect(() => {});
  first.waiting[0]!.handler.onHeaders(200, [], () => {}, 'OK');
  expect(setUp('GET', {}, {}, context).heard).toEqual([expect.stringMatching(/^1 requests .* limit; the answers to 1 of them .* were not read/)]);
  first.waiting[0]!.handler.onComplete(null);
  expect(context.requests).toMatchObject({ current: 0, answering: 0 });
});
