/** News for a peer: of each instance the newest, in the order of the first, within a limit. */

import { expect, it } from 'vitest';
import { Outbox, pendingMax } from './outbox.ts';

const web = { app: 'WEB', id: 'w1' };
const taken = (outbox: Outbox) => outbox.take(10).map(({ name, kinds }) => [name.id, ...kinds]);

it('joins the news of an instance', () => {
  const outbox = new Outbox();
  outbox.add(web, 'register');
  outbox.add({ app: 'WEB', id: 'w2' }, 'heartbeat');
  outbox.add(web, 'override');
  outbox.add(web, 'register');
  expect(taken(outbox)).toEqual([['w1', 'register', 'override'], ['w2', 'heartbeat']]);
  expect(outbox.size).toBe(0);
});

it('forgets all other news of a removed instance, and its removal when it comes back', () => {
  const outbox = new Outbox();
  outbox.add(web, 'register');
  outbox.add(web, 'cancel');
  expect(taken(outbox)).toEqual([['w1', 'cancel']]);
  outbox.add(web, 'cancel');
  outbox.add(web, 'register');
  expect(taken(outbox)).toEqual([['w1', 'register']]);
});

it('takes back what could not be sent, below newer news', () => {
  const outbox = new Outbox();
  outbox.add(web, 'register');
  const first = outbox.take(1);
  outbox.add(web, 'cancel');
  outbox.putBack(first);
  expect(taken(outbox)).toEqual([['w1', 'cancel']]);
  outbox.add(web, 'cancel');
  const removal = outbox.take(1);
  outbox.add(web, 'register');
  outbox.putBack(removal);
  expect(taken(outbox)).toEqual([['w1', 'register']]);
});

it('keeps only removals while the peer is away', () => {
  const outbox = new Outbox();
  outbox.add(web, 'register');
  outbox.add({ app: 'WEB', id: 'gone' }, 'cancel');
  outbox.keepRemovals();
  expect(taken(outbox)).toEqual([['gone', 'cancel']]);
});

it('says that news were dropped beyond its limit', () => {
  const outbox = new Outbox();
  for (let id = 0; id <= pendingMax; id++) outbox.add({ app: 'A', id: String(id) }, 'register');
  expect(outbox.size).toBe(pendingMax);
  expect(outbox.overflown).toBe(true);
  outbox.keepRemovals();
  expect(outbox.overflown).toBe(false);
});
