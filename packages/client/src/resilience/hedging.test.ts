import { expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { Hedging, type Waiting } from './hedging.ts';

function setUp(options: ConstructorParameters<typeof Hedging>[1] = {}) {
  const clock = manualClock();
  const hedging = new Hedging(clock, { initialDelayMs: 100, ...options });
  const told: string[] = [];
  const send = (name: string) => hedging.sent({ hedge: (delayMs) => told.push(`${name} after ${delayMs}`) }, clock.monotonic());
  return { clock, hedging, told, send };
}

it('notifies each request when its delay is over', () => {
  const { clock, told, send } = setUp();
  send('a');
  clock.advance(60);
  send('b');
  clock.advance(39);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(['a after 100']);
  clock.advance(60);
  expect(told).toEqual(['a after 100', 'b after 100']);
});

it('does not notify a request that was answered, at any place in the list', () => {
  for (const answered of [['a'], ['b'], ['c'], ['a', 'b'], ['b', 'c'], ['c', 'a'], ['a', 'b', 'c']]) {
    const { clock, hedging, told, send } = setUp();
    const sent = new Map(['a', 'b', 'c'].map((name) => [name, send(name)]));
    for (const name of answered) {
      hedging.ended(sent.get(name) as Waiting);
      hedging.ended(sent.get(name) as Waiting);
    }
    clock.advance(100);
    expect(told).toEqual(['a', 'b', 'c'].filter((name) => !answered.includes(name)).map((name) => `${name} after 100`));
    send('d');
    clock.advance(100);
    expect(told.at(-1)).toBe('d after 100');
  }
});

it('waits for the percentile of the answers, when there are enough of them', () => {
  const { clock, hedging, told, send } = setUp({ percentile: 0.85 });
  for (let n = 0; n < 128; n++) hedging.answered(n % 10 === 0 ? 1_000 : 20, clock.monotonic());
  send('a');
  clock.advance(19);
  expect(told).toEqual([]);
  clock.advance(4);
  expect(told).toHaveLength(1);
});

it('never waits less than the least delay', () => {
  const { clock, hedging, told, send } = setUp({ delayMinMs: 30 });
  for (let n = 0; n < 128; n++) hedging.answered(1, clock.monotonic());
  send('a');
  clock.advance(29);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(['a after 30']);
});

it('hedges waiting requests at once when a shorter percentile shows that they have waited long enough', () => {
  const { clock, hedging, told, send } = setUp();
  send('a');
  clock.advance(50);
  for (let n = 0; n < 128; n++) hedging.answered(20, clock.monotonic());
  clock.advance(0);
  expect(told).toHaveLength(1);
});

it('does not count time in which this process was held up as waiting, even if that happens often', () => {
  const { clock, hedging, told, send } = setUp();
  const sent = send('a');
  for (let time = 0; time < 20; time++) {
    clock.stall(200);
    clock.advance(0);
    expect(told).toEqual([]);
  }
  // The process reads the data that has arrived, including the answer.
  hedging.ended(sent);
  clock.advance(1_000);
  expect(told).toEqual([]);
});

it('hedges a request that is still not answered when the process runs again', () => {
  const { clock, told, send } = setUp();
  send('a');
  clock.advance(60);
  clock.stall(500);
  clock.advance(0);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual(['a after 100']);
});

it('ignores a delay of the process that is small compared with the wait', () => {
  const { clock, told, send } = setUp({ initialDelayMs: 1_000 });
  send('a');
  clock.stall(1_200);
  clock.advance(0);
  expect(told).toEqual(['a after 1000']);
});

it('counts the time in which the process was held up only for requests that waited then', () => {
  const { clock, told, send } = setUp();
  send('a');
  clock.stall(300);
  clock.advance(0);
  send('b');
  clock.advance(99);
  expect(told).toEqual(['a after 100']);
  clock.advance(1);
  expect(told).toEqual(['a after 100', 'b after 100']);
});
