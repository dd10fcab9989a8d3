/** How messages are tried again, given up and dropped, and that few are in flight. */

import { beforeEach, describe, expect, it } from 'vitest';
import type { WebhookOutcome } from '@rollcall/protocol';
import { manualClock, pass, type ManualClock } from '../manual-clock.case.ts';
import { Outbox, type Message } from './outbox.ts';
import { Slots } from './slots.ts';

let clock: ManualClock;
let sent: string[];
let counted: string[];
let answer: (message: Message) => Promise<WebhookOutcome>;
const slots = () => new Slots(4);

beforeEach(() => {
  clock = manualClock();
  sent = [];
  counted = [];
});

function outbox(shared = slots()): Outbox {
  return new Outbox({
    ...{ clock, random: () => 1, slots: shared },
    send: (message) => {
      sent.push(message.id);
      return answer(message);
    },
    tried: (_message, _tries, { delivered }, isLast) => counted.push(delivered ? 'delivered' : isLast ? 'given_up' : 'retried'),
    forgets: ({ id }) => counted.push(`dropped ${id}`),
  });
}

const message = (id: string): Message => ({ id, type: 'test', body: '{}', atMs: 0, about: id, foundAt: 0 });
const turns = () => pass(clock, 1);

describe('an outbox', () => {
  it('tries again after 5, 10, 20 … seconds, gives up after ten tries, and goes on with the next', async () => {
    const at: number[] = [];
    const began = clock.monotonic();
    answer = async ({ id }) => {
      if (id === 'a') at.push((clock.monotonic() - began) / 1_000);
      return { delivered: false, status: 500 };
    };
    const box = outbox();
    box.add(message('a'));
    box.add(message('b'));
    await turns();
    for (let seconds = 0; !sent.includes('b') && seconds < 3_600; seconds++) {
      clock.advance(1_000);
      await turns();
    }
    expect(at).toEqual([0, 5, 15, 35, 75, 155, 315, 635, 1_275, 2_555].map((each) => expect.closeTo(each, -1) as number));
    expect(counted.slice(0, 10)).toEqual([...Array.from({ length: 9 }, () => 'retried'), 'given_up']);
    expect(box.deliveries.find(({ id }) => id === 'a')).toMatchObject({ tries: 10, delivered: false, status: 500 });
    box.close();
  });

  it('does not try again what would end the same way', async () => {
    answer = async () => ({ delivered: false, final: true });
    outbox().add(message('a'));
    await turns();
    clock.advance(3_600_000);
    await turns();
    expect([sent, counted]).toEqual([['a'], ['given_up']]);
  });

  it('drops the oldest that waits when 1,000 are in it, and keeps the one that is tried', async () => {
    let go: (outcome: WebhookOutcome) => void = () => {};
    answer = () => new Promise((resolve) => (go = resolve));
    const box = outbox();
    for (let each = 0; each < 1_002; each++) box.add(message(String(each)));
    expect(counted).toEqual(['dropped 1', 'dropped 2']);
    answer = async () => ({ delivered: true });
    go({ delivered: true });
    await turns();
    await expect.poll(() => sent.at(-1)).toBe('1001');
    expect(sent.slice(0, 2)).toEqual(['0', '3']);
    await turns();
    expect(box.deliveries).toHaveLength(20);
  });

  it('shares four places in flight with the others, and none while it waits for a next try', async () => {
    const open: ((outcome: WebhookOutcome) => void)[] = [];
    answer = () => new Promise((resolve) => open.push(resolve));
    const shared = slots();
    for (let each = 0; each < 6; each++) outbox(shared).add(message(String(each)));
    await turns();
    expect(sent).toEqual(['0', '1', '2', '3']);
    open[0]?.({ delivered: false });
    await turns();
    expect(sent).toEqual(['0', '1', '2', '3', '4']);
  });

  it('that is closed sends nothing more', async () => {
    answer = async () => ({ delivered: false });
    const box = outbox();
    box.add(message('a'));
    box.add(message('b'));
    await turns();
    box.close();
    clock.advance(60_000);
    await turns();
    expect(sent).toEqual(['a']);
  });
});
