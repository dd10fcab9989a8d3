/** A lease on a clock that the test moves: its deadline, its states, what it does when the registry is slow, silent, or gone. */

import { describe, expect, it } from 'vitest';
import { RegistryError, type ReplyFrame, type RequestFrame } from '@rollcall/protocol';
import type { Ask } from '../connection/requests.ts';
import { Lease, type LeaseState } from './lease.ts';
import { timingOf, type LeaseTiming } from './timing.ts';

/** Lets all microtasks run. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A registry that answers each request as the test says; at once and with success by default. */
function leaseOfTest(timing: LeaseTiming = {}) {
  let elapsed = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  const sent: Ask[] = [];
  const states: LeaseState[] = [];
  let link = 1;
  let answer: (ask: Ask) => Promise<ReplyFrame> = succeed;
  const clock = {
    now: () => 0,
    monotonic: () => elapsed,
    timer(delayMs: number, run: () => void) {
      const timer = { at: elapsed + delayMs, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  let ids = 0;
  const lease: Lease = new Lease({
    connection: {
      ask(ask) {
        sent.push(ask);
        return answer(ask);
      },
      get link() {
        return link;
      },
      pingMs: 1_000,
    },
    clock,
    uuid: () => `id-${ids++}`,
    timing: timingOf(timing),
    ...{ name: 'a', limit: 1, shared: false, value: undefined, purpose: 'lock' },
    onState: (state) => states.push(state),
  });
  return {
    lease,
    sent,
    states,
    set answer(next: (ask: Ask) => Promise<ReplyFrame>) {
      answer = next;
    },
    /** The clock goes on, timers run. */
    async pass(ms: number): Promise<void> {
      await turn();
      for (const end = elapsed + ms; elapsed < end; ) {
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        elapsed = due === undefined ? end : Math.max(elapsed, due.at);
        if (due !== undefined) {
          timers.delete(due);
          due.run();
        }
        await turn();
      }
    },
    /** The process is paused: the clock goes on, and no timer runs. */
    pause: (ms: number) => (elapsed += ms),
    relink(): void {
      lease.disconnected();
      link++;
      lease.connected();
    },
    types: () => sent.map(({ type }) => type),
  };
}

const succeed = (ask: Ask): Promise<ReplyFrame> => Promise.resolve(reply(ask));
function reply(ask: Ask): ReplyFrame {
  switch ((ask as RequestFrame).type) {
    case 'lock-acquire':
      return { type: 'locked', id: 1, state: 'holds', token: '65536' };
    case 'lock-renew':
      return { type: 'lock-renewed', id: 1, applied: true, lost: [] };
    default:
      return { type: 'done', id: 1, applied: true };
  }
}
const silent = () => new Promise<ReplyFrame>(() => {});
const unreachable = () => Promise.reject(new RegistryError('unavailable', 'no registry could be reached'));

async function leading(timing?: LeaseTiming) {
  const one = leaseOfTest(timing);
  expect(await one.lease.acquire({ waitMs: Infinity })).toBe(true);
  return one;
}

describe('a lease', () => {
  it('leads only after it has read its own row again', async () => {
    const one = await leading();
    expect(one.types()).toEqual(['lock-session', 'lock-acquire', 'lock-renew']);
    expect(one.sent[2]).toMatchObject({ grants: [{ name: 'a', token: '65536' }] });
    expect([one.lease.state, one.lease.token]).toEqual(['leading', 65_536n]);
  });

  it('whose grant does not stand when it is read again begins as another contender', async () => {
    const one = leaseOfTest();
    const first = one.lease.id;
    let reads = 0;
    one.answer = (ask) => (ask.type === 'lock-renew' && reads++ === 0 ? Promise.resolve({ type: 'lock-renewed', id: 1, applied: true, lost: [first] }) : succeed(ask));
    expect(await one.lease.acquire({ waitMs: Infinity })).toBe(true);
    expect(one.lease.id).not.toBe(first);
    expect(one.types()).toEqual(['lock-session', 'lock-acquire', 'lock-renew', 'lock-release', 'lock-acquire', 'lock-renew']);
  });

  it('counts its deadline from before the renewal was sent, not from the answer', async () => {
    const one = await leading({ ttl: 10_000, margin: 2_000, renewEvery: 3_000 });
    let answered: () => void = () => {};
    one.answer = (ask) => new Promise((resolve) => (answered = () => resolve(reply(ask))));
    await one.pass(3_000);
    // The renewal is under way for 2 s.
    await one.pass(2_000);
    answered();
    await one.pass(0.001);
    expect(Math.round(one.lease.remainingMs())).toBe(6_000);
  });

  it('is uncertain after a renewal that fails, and leads again after one that succeeds', async () => {
    const one = await leading();
    one.answer = unreachable;
    await one.pass(3_100);
    expect(one.lease.state).toBe('uncertain');
    one.answer = succeed;
    await one.pass(200);
    expect([one.lease.state, one.states]).toEqual(['leading', ['leading', 'uncertain', 'leading']]);
  });

  it.each([['no server can be reached', unreachable], ['the server does not answer', silent]])('is lost at its local deadline when %s', async (_, answer) => {
    const one = await leading({ ttl: 10_000, margin: 2_000, renewEvery: 3_000 });
    one.answer = answer;
    await one.pass(7_999);
    expect([one.lease.state === 'lost', one.lease.signal.aborted]).toEqual([false, false]);
    await one.pass(1);
    expect([one.lease.state, one.lease.signal.aborted, one.lease.remainingMs()]).toEqual(['lost', true, 0]);
    expect(one.lease.signal.reason).toMatchObject({ code: 'aborted', message: 'lock "a" is lost: it was not renewed in time' });
  });

  it.each([
    ['the signal', (lease: Lease) => lease.signal.aborted],
    ['throwIfAborted', (lease: Lease) => { try { lease.signal.throwIfAborted(); return false; } catch { return true; } }],
    ['the reason', (lease: Lease) => lease.signal.reason !== undefined],
    ['the state', (lease: Lease) => lease.state === 'lost'],
    ['the time that is left', (lease: Lease) => lease.remainingMs() === 0],
    ['a call that gets the signal', (lease: Lease) => AbortSignal.any([lease.signal]).aborted || lease.signal.aborted],
  ])('after a pause of the process, %s tells it before any timer has run', async (_, look) => {
    const one = await leading();
    let told = false;
    one.lease.signal.addEventListener('abort', () => (told = true));
    one.pause(8_001);
    expect(look(one.lease)).toBe(true);
    expect(told).toBe(true);
  });

  it('an answer that comes after the deadline does not bring it back', async () => {
    const one = await leading();
    let answered: () => void = () => {};
    one.answer = (ask) => new Promise((resolve) => (answered = () => resolve(reply(ask))));
    await one.pass(3_000);
    one.pause(6_000);
    answered();
    await turn();
    expect(one.lease.state).toBe('lost');
  });

  it('never waits past its deadline before it tries again', async () => {
    const one = await leading({ ttl: 1_000, margin: 200, renewEvery: 400 });
    one.answer = unreachable;
    const before = one.sent.length;
    await one.pass(800);
    expect(one.lease.state).toBe('lost');
    expect(one.sent.length - before).toBeGreaterThan(3);
  });

  it('opens its session on each new link, and goes on', async () => {
    const one = await leading();
    one.relink();
    await one.pass(3_100);
    expect([one.lease.state, one.types().slice(3)]).toEqual(['leading', ['lock-session', 'lock-renew']]);
  });

  it('that is bound is lost with its link', async () => {
    const one = await leading({ bound: true });
    expect(one.lease.remainingMs()).toBe(1_800);
    one.lease.disconnected();
    expect([one.lease.state, one.lease.signal.reason]).toEqual(['lost', expect.objectContaining({ message: 'lock "a" is lost: its connection has ended' })]);
  });

  it('a release is tried again until it is answered, and its unknown outcome is an error of its own', async () => {
    const one = await leading();
    let tries = 0;
    one.answer = (ask) => (tries++ === 0 ? Promise.reject(new RegistryError('unknown_outcome', 'the link broke')) : succeed(ask));
    const released = one.lease.release();
    await one.pass(200);
    await released;
    expect(tries).toBeGreaterThan(1);
    const other = await leading();
    other.answer = unreachable;
    const failed = expect(other.lease.release()).rejects.toMatchObject({ code: 'unknown_outcome' });
    await other.pass(6_000);
    await failed;
    expect(other.lease.state).toBe('released');
  });

  it('does not repeat a hand-over whose outcome is unknown', async () => {
    const one = await leading();
    one.answer = () => Promise.reject(new RegistryError('unknown_outcome', 'the link broke'));
    const before = one.sent.length;
    await expect(one.lease.transferTo('id')).rejects.toMatchObject({ code: 'unknown_outcome' });
    expect(one.sent.length).toBe(before + 1);
  });
});
