/** Time without stalls; and a real stall with real heartbeats, beside a wheel that has no guard. */

import { createServer, type AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.ts';
import { manualClock } from '../manual-clock.case.ts';
import { startLiveness } from './liveness.case.ts';
import { gapMaxMs, StallGuard } from './stall-guard.ts';
import { Wheel, type WheelTimer } from './wheel.ts';

function guarded() {
  const clock = manualClock();
  const forgiven: number[] = [];
  return { clock, forgiven, guard: new StallGuard({ clock, onStall: (ms) => forgiven.push(ms) }) };
}

describe('the guarded clock', () => {
  it('runs like the real clock while nothing stalls', () => {
    const { clock, forgiven, guard } = guarded();
    for (const ms of [1, 249, 250, 10_000, 86_400_000]) {
      const before = guard.monotonic();
      clock.advance(ms);
      expect(guard.monotonic() - before).toBe(ms);
    }
    expect(forgiven).toEqual([]);
    expect(guard.now()).toBe(clock.now());
  });

  it.each([501, 1_000, 5_000, 3_600_000])('counts at most 500 ms of a stall of %i ms, if a timer or a reader looks at it first', (ms) => {
    for (const first of ['a timer', 'a reader']) {
      const { clock, forgiven, guard } = guarded();
      clock.advance(1_100);
      const before = guard.monotonic();
      clock.stall(ms);
      if (first === 'a timer') clock.advance(0);
      expect(guard.monotonic() - before).toBeLessThanOrEqual(gapMaxMs);
      expect(forgiven).toHaveLength(1);
      // The guard may have looked at the clock up to 250 ms before the stall.
      expect(forgiven[0]).toBeGreaterThanOrEqual(ms - gapMaxMs);
      expect(forgiven[0]).toBeLessThanOrEqual(ms);
      clock.advance(1_000);
      expect(guard.monotonic() - before).toBeLessThanOrEqual(gapMaxMs + 1_000);
    }
  });

  it('never goes back; the time that it shows and the time that it left out add up to the real time', () => {
    const step = fc.record({ kind: fc.constantFrom('advance', 'stall', 'read'), ms: fc.nat(2_000) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const { clock, forgiven, guard } = guarded();
        let last = 0;
        for (const { kind, ms } of steps) {
          if (kind === 'advance') clock.advance(ms);
          if (kind === 'stall') clock.stall(ms);
          const shown = guard.monotonic();
          expect(shown).toBeGreaterThanOrEqual(last);
          last = shown;
          expect(shown + forgiven.reduce((sum, each) => sum + each, 0)).toBe(clock.monotonic());
        }
      }),
    );
  });

  it('stops its timer when it is closed', () => {
    const { clock, forgiven, guard } = guarded();
    guard.close();
    clock.advance(60_000);
    expect(forgiven).toEqual([]);
  });
});

const instances = 5;
/** Of a check; the thread of the clients must run within it, also on a busy machine. */
const ttlMs = 3_000;
const stallMs = 4_000;

/** Clients in a separate thread: each sends a heartbeat every 100 ms, at different times. */
const clients = `
const { connect } = require('node:net');
const { workerData: { port, instances } } = require('node:worker_threads');
for (let index = 0; index < instances; index++) {
  const socket = connect(port, '127.0.0.1', () => {
    setTimeout(() => setInterval(() => socket.write(index + '\\n'), 100), index * 20);
  });
}
`;

describe('a real event loop that is blocked for 4 s with heartbeats waiting in its sockets', () => {
  it('expires no check with the guard, and one without', async () => {
    // Fewer instances than self-preservation protects.
    const { register, replica, liveness, close } = await startLiveness({ clock: systemClock });
    const critical: string[] = [];
    replica.observe({
      observe(changes) {
        for (const { after } of changes) if (after?.kind === 'check' && after.status === 'critical') critical.push(after.id);
      },
      *replaced() {},
    });
    const unguarded = new Wheel({
      clock: systemClock,
      onError: (error) => {
        throw error;
      },
    });
    const dead = new Set<number>();
    const timers: WheelTimer[] = [];
    const beats = Array<number>(instances).fill(0);
    let heard: () => void = () => {};
    const server = createServer((socket) => {
      socket.on('data', (data) => {
        for (const line of data.toString().trim().split('\n')) {
          const index = Number(line);
          beats[index]!++;
          timers[index]?.renew(ttlMs);
          void liveness.beat('default', `node-i${index}`, `check-i${index}`, 'passing', '', `client ${index}`);
        }
        heard();
      });
    });
    const allHeard = (times: number) =>
      new Promise<void>((done) => {
        const from = [...beats];
        heard = () => {
          if (beats.every((count, index) => count >= from[index]! + times)) done();
        };
      });

    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const worker = new Worker(clients, { eval: true, workerData: { port, instances } });
    await allHeard(1);
    for (let index = 0; index < instances; index++) {
      await register(`i${index}`, { type: 'ttl', definition: { ttlMs } });
      timers.push(unguarded.schedule(ttlMs, () => dead.add(index)));
    }
    await allHeard(3);
    // On a busy machine a check may have expired before the stall; only those that expire after it count.
    for (const timer of timers) timer.renew(ttlMs);
    dead.clear();
    critical.length = 0;

    await new Promise<void>((done) => {
      setImmediate(() => {
        const end = systemClock.monotonic() + stallMs;
        while (systemClock.monotonic() < end);
        done();
      });
    });
    // Longer than an expiry takes after the stall.
    await allHeard(15);
    await worker.terminate();
    server.close();
    await close();
    expect(dead.size).toBeGreaterThan(0);
    expect(critical).toEqual([]);
  });
});
