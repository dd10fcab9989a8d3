/** Zones by load with real servers: their reports in answer headers move requests to the other zone. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { httpReports } from '../load-report/http-reports.ts';
import { LoadMeter } from '../load-report/load-meter.ts';
import type { ServiceEvent } from '../resilience/service-event.ts';
import { ServiceClient } from '../service-client.ts';
import { StaticSource } from '../source/static-source.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serverIn(zone: string, utilization: () => number) {
  const reports = httpReports({ meter: new LoadMeter(undefined, utilization) });
  const server = createServer((request, response) => reports(request, response, () => response.end(zone))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { address: '127.0.0.1', port: (server.address() as AddressInfo).port, meta: { zone } };
}

it('requests leave a zone whose servers report that they are full, and return later; events report both', async () => {
  let used = 0.1;
  const web = [await serverIn('a', () => used), await serverIn('b', () => 0.1)];
  const clock = manualClock();
  const events: ServiceEvent[] = [];
  const onEvent = (event: ServiceEvent) => events.push(event);
  const routing = { zone: { own: 'a', sizeMin: 2, spillByLoad: true } };
  const client = new ServiceClient(new StaticSource({ web }), 'web', { routing, onEvent, hedging: false }, { clock, random: () => 0.5 });
  cleanups.push(() => client.close());
  /** Share of a hundred requests, in ten seconds, that zone b answers. */
  const shareOfB = async () => {
    let count = 0;
    for (let n = 0; n < 100; n++) {
      clock.advance(100);
      if ((await (await client.fetch('/')).text()) === 'b') count += 1;
    }
    return count / 100;
  };
  expect(await shareOfB()).toBeLessThan(0.15);
  used = 1;
  await shareOfB();
  expect(await shareOfB()).toBeGreaterThan(0.7);
  used = 0.1;
  for (let n = 0; n < 4; n++) await shareOfB();
  expect(await shareOfB()).toBeLessThan(0.15);
  const told = events.filter((event) => event.kind === 'spill');
  expect(told[0]).toMatchObject({ zone: 'a', by: 'load' });
  expect(Math.max(...told.map(({ share }) => share))).toBeGreaterThan(0.7);
  expect(told.at(-1)!.share).toBeLessThan(0.1);
});
