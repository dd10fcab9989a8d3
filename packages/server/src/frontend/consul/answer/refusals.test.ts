/** Clients that guess tokens are answered after the others that ask in the same turn, and all of them are. */

import type { ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { TooManyFailures } from '../../../security/gate.ts';
import { Refusals } from './refusals.ts';

const error = new TooManyFailures(1_000);
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function refusals(waitingMax = 1_000) {
  const sent: number[] = [];
  const queue = new Refusals(({ response }) => sent.push((response as unknown as { number: number }).number), waitingMax);
  const add = (number: number, destroyed = false) =>
    queue.add({ number, destroyed } as unknown as ServerResponse, '/v1/kv/', error);
  return { queue, sent, add };
}

it('sends nothing in the turn in which a request is refused', async () => {
  const { sent, add } = refusals();
  add(1);
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([1]);
});

it('sends a burst in slices, in order, and polls for requests between them', async () => {
  const { queue, sent, add } = refusals();
  for (let number = 0; number < 20; number++) add(number);
  const lengths: number[] = [];
  while (queue.waiting > 0) {
    await turn();
    lengths.push(sent.length);
  }
  expect(lengths).toEqual([8, 16, 20]);
  expect(sent).toEqual(Array.from({ length: 20 }, (_, number) => number));
});

it('drops a client that has disconnected', async () => {
  const { sent, add } = refusals();
  add(1, true);
  add(2);
  await turn();
  expect(sent).toEqual([2]);
});

it('sends at once when too many wait, and sends all of them when the server closes', () => {
  const { queue, sent, add } = refusals(2);
  for (const number of [1, 2, 3]) add(number);
  expect(sent).toEqual([3]);
  queue.flush();
  expect([sent, queue.waiting]).toEqual([[3, 1, 2], 0]);
});
