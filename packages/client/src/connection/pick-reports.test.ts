/** When a client reports its picks, and what it says; also from a real client to a real server. */

import { readFileSync } from 'node:fs';
import { createServer, memory } from '@rollcall/server';
import type { WelcomeFrame } from '@rollcall/protocol';
import { expect, it, onTestFinished, test } from 'vitest';
import { connect } from '../connect.ts';
import { type Clock, systemClock } from '../clock.ts';
import { PickReports } from './pick-reports.ts';
import type { Ask } from './requests.ts';

/** Timers of one delay are run by hand; all others run by themselves. */
function clockWith(heldMs: number, base: Clock): { readonly clock: Clock; readonly held: Set<() => void>; readonly run: () => void } {
  const held = new Set<() => void>();
  const clock: Clock = {
    ...base,
    timer(delayMs, callback) {
      if (delayMs !== heldMs) return base.timer(delayMs, callback);
      held.add(callback);
      return () => held.delete(callback);
    },
  };
  const run = () => {
    for (const callback of [...held]) {
      held.delete(callback);
      callback();
    }
  };
  return { clock, held, run };
}

function reports() {
  let nowMs = 0;
  const asked: Ask[] = [];
  const { clock, held, run } = clockWith(10_000, { ...systemClock, monotonic: () => nowMs });
  const parts = new PickReports({ clock, timeoutMs: 1, connection: { ask: (ask) => (asked.push(ask), Promise.reject(new Error('lost'))) } });
  const pass = (ms: number) => {
    nowMs += ms;
    run();
  };
  const greet = (pickReportMs?: number) => parts.greeted({ ...(pickReportMs === undefined ? {} : { pickReportMs }) } as WelcomeFrame);
  return { parts, asked, held, pass, greet };
}

/** Gives its counts once each. */
function counterOf(...taken: ({ picks: number; failures: number } | undefined)[]) {
  return { take: () => taken.shift() };
}

it('reports what has happened in an interval, and nothing when nothing has', () => {
  const { parts, asked, pass, greet } = reports();
  greet(10_000);
  parts.add({ namespace: 'default', service: 'orders' }, counterOf({ picks: 3, failures: 1 }));
  parts.add({ namespace: 'blue', service: 'stock' }, counterOf(undefined, { picks: 1, failures: 0 }));
  pass(10_004);
  expect(asked).toEqual([{ type: 'pick-report', intervalMs: 10_004, services: [{ service: 'orders', picks: 3, failures: 1 }] }]);
  pass(10_000);
  expect(asked.slice(1)).toEqual([{ type: 'pick-report', intervalMs: 10_000, services: [{ namespace: 'blue', service: 'stock', picks: 1, failures: 0 }] }]);
  pass(10_000);
  expect(asked).toHaveLength(2);
});

it('does not report to a registry that has not asked, and not while there is none', () => {
  const { parts, asked, held, greet } = reports();
  parts.add({ namespace: 'default', service: 'orders' }, counterOf({ picks: 1, failures: 0 }));
  greet();
  expect(held.size).toBe(0);
  greet(10_000);
  expect(held.size).toBe(1);
  parts.lost();
  expect([held.size, asked]).toEqual([0, []]);
});

it('forgets what was counted without a registry, and a service that is closed', () => {
  const { parts, asked, pass, greet } = reports();
  const end = parts.add({ namespace: 'default', service: 'orders' }, counterOf({ picks: 100, failures: 0 }, { picks: 2, failures: 0 }, { picks: 5, failures: 0 }));
  greet(10_000);
  pass(10_000);
  expect(asked).toMatchObject([{ services: [{ picks: 2 }] }]);
  end();
  pass(10_000);
  expect(asked).toHaveLength(1);
});

it('divides what one frame cannot take', () => {
  const { parts, asked, pass, greet } = reports();
  greet(10_000);
  for (let n = 0; n < 1_001; n++) parts.add({ namespace: 'default', service: `s${n}` }, counterOf({ picks: 1, failures: 0 }));
  pass(10_000);
  expect(asked.map((ask) => ('services' in ask ? ask.services.length : 0))).toEqual([1_000, 1]);
});

test('the picks of a client are on the server as an edge from its own service', async () => {
  const server = await createServer({ engine: memory(), http: { port: 0 } });
  onTestFinished(() => server.close());
  const { clock, run } = clockWith(10_000, systemClock);
  const shop = await connect({ servers: [server.url], name: 'shop' }, { clock });
  onTestFinished(() => shop.close());
  await shop.register({ service: 'shop', port: 1 });
  await shop.register({ service: 'orders', port: 2 });
  const orders = shop.service('orders');
  await orders.instances();
  const reported = async () => {
    // A report counts for two intervals, and the first interval of the test may be shorter than the first answer takes.
    for (let n = 0; n < 20; n++) orders.pick().done(n < 5 ? 'failed' : 'ok');
    run();
    const { edges } = (await (await fetch(`${server.url}/rollcall/v1/topology`)).json()) as { edges: { from: string; to: string; picksPerSecond: number; failuresPerSecond: number; meanMs?: number }[] };
    return edges.find(({ from, picksPerSecond }) => from === 'shop' && picksPerSecond > 0);
  };
  await expect.poll(reported, { interval: 1_000 }).toMatchObject({ to: 'orders', meanMs: expect.any(Number) as number });
  const { clients } = (await (await fetch(`${server.url}/rollcall/v1/clients`)).json()) as { clients: { client: string; version: string }[] };
  const { name, version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { name: string; version: string };
  expect(clients).toMatchObject([{ client: 'shop', version: `${name}/${version}` }]);
});
