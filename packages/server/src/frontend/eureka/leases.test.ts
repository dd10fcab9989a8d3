/** Leases, as time passes: their end, their removal, the original's timings, and what other protocols see of them. */

import { describe, expect, test } from 'vitest';
import { manualClock, pass, type ManualClock } from '../../manual-clock.case.ts';
import { findInstance } from '../../registry/kind/catalog/find.ts';
import type { ServerOptions } from '../../server-options.ts';
import { Eureka } from './eureka.case.ts';

async function scene(options: ServerOptions = {}): Promise<{ eureka: Eureka; clock: ManualClock }> {
  const clock = manualClock(Date.now());
  return { clock, eureka: await Eureka.start({ clock, frontends: ['consul', 'eureka'], ...options }) };
}

const beat = (eureka: Eureka) => eureka.ask('PUT', '/eureka/apps/WEB/h1:web:8080?status=UP');
const listed = async (eureka: Eureka) => (await eureka.ask('GET', '/eureka/apps/WEB')).status === 200;
const stored = ({ server: { registry } }: Eureka) => findInstance(registry.state, 'default', '', 'web/h1:web:8080') !== undefined;
async function health(eureka: Eureka): Promise<string[]> {
  const entries = await eureka.json<{ Checks: { CheckID: string; Status: string }[] }[]>('/v1/health/service/web');
  return entries.flatMap(({ Checks }) => Checks.map(({ Status }) => Status));
}

describe('a lease', () => {
  test('ends after its duration without a heartbeat, for every protocol, and is removed after the same time again', async () => {
    const { eureka, clock } = await scene();
    await eureka.register();
    await pass(clock, 80_000);
    await beat(eureka);
    await pass(clock, 89_000);
    expect([await listed(eureka), await health(eureka)]).toEqual([true, ['passing']]);
    await pass(clock, 6_000);
    expect([await listed(eureka), await health(eureka)]).toEqual([false, ['critical']]);
    expect(await eureka.apps()).toMatchObject({ application: [] });
    await pass(clock, 80_000);
    expect(stored(eureka)).toBe(true);
    await pass(clock, 15_000);
    expect(stored(eureka)).toBe(false);
    expect((await beat(eureka)).status).toBe(404);
    await eureka[Symbol.asyncDispose]();
  });

  test('that has lapsed is renewed by a heartbeat or a registration', async () => {
    const { eureka, clock } = await scene();
    await eureka.register({ leaseInfo: { durationInSecs: 15 } });
    for (const again of [() => beat(eureka), () => eureka.register({ leaseInfo: { durationInSecs: 15 } })]) {
      await pass(clock, 20_000);
      expect([await listed(eureka), await health(eureka)]).toEqual([false, ['critical']]);
      expect((await again()).status).toBeLessThan(300);
      expect([await listed(eureka), await health(eureka)]).toEqual([true, ['passing']]);
    }
    await eureka[Symbol.asyncDispose]();
  });

  test('is kept alive by words of an operator about it', async () => {
    const { eureka, clock } = await scene();
    await eureka.register({ leaseInfo: { durationInSecs: 15 } });
    await pass(clock, 10_000);
    await eureka.ask('PUT', '/eureka/apps/WEB/h1:web:8080/status?value=OUT_OF_SERVICE');
    await pass(clock, 10_000);
    expect(await eureka.instance('WEB', 'h1:web:8080')).toMatchObject({ status: 'OUT_OF_SERVICE' });
    await eureka[Symbol.asyncDispose]();
  });
});

describe('with the original\'s timings', () => {
  test('a lease lasts twice as long', async () => {
    const { eureka, clock } = await scene({ eureka: { compat: true } });
    await eureka.register({ leaseInfo: { durationInSecs: 15 } });
    await pass(clock, 29_000);
    expect([await health(eureka), (await beat(eureka)).status]).toEqual([['passing'], 200]);
    await pass(clock, 35_000);
    expect(await health(eureka)).toEqual(['critical']);
    expect(await eureka.json('/v1/health/service/web')).toMatchObject([{ Service: { ID: 'web/h1:web:8080' } }]);
    await eureka[Symbol.asyncDispose]();
  });

  test('lists are up to 30 s old', async () => {
    const { eureka, clock } = await scene({ eureka: { compat: true } });
    const names = async () => (await eureka.apps()).application.map(({ name }) => name);
    expect(await names()).toEqual([]);
    await eureka.register();
    await pass(clock, 29_000);
    expect(await names()).toEqual([]);
    await pass(clock, 1_200);
    expect(await names()).toEqual(['WEB']);
    await eureka[Symbol.asyncDispose]();
  });
});

test('three instances that are killed at once are gone: self-preservation does not hold so few', async () => {
  const { eureka, clock } = await scene({ frontends: ['eureka'] });
  for (const instanceId of ['a', 'b', 'c']) await eureka.register({ instanceId });
  await pass(clock, 95_000);
  expect((await eureka.apps()).application).toEqual([]);
  await eureka[Symbol.asyncDispose]();
});
