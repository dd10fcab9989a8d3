/**
 * Self-preservation from end to end, on a clock that the test moves: which clients cannot freeze expiry for others, which
 * losses freeze it, how long a freeze lasts at most, and what the operator is told. The rule itself: self-preservation.test.ts.
 */

import { describe, expect, it } from 'vitest';
import { livenessOfTest, type Started } from './liveness.case.ts';
import { freezeMsMax } from './self-preservation.ts';

const slackMs = 1_200;
const graceMs = 10_000;
const ttl = { type: 'ttl', definition: { ttlMs: 10_000 } } as const;

interface Stream {
  readonly id: string;
  readonly node: string;
  readonly principal: string;
  readonly services: readonly string[];
}

/** Opens a stream with two instances of each of its services. */
async function open({ replica, liveness, createSession }: Started, { id, node, principal, services }: Stream): Promise<void> {
  await createSession(id, 'stream', graceMs, node);
  await liveness.streamOpened('default', id, principal);
  const instances = services.flatMap((service) => [0, 1].map((at) => ({ id: `${id}-${service}-${at}`, service, session: id })));
  const checks = instances.map((one) => ({ id: `stream:${one.id}`, name: '', instance: one.id, type: 'stream', status: 'passing' }) as const);
  await replica.submit({ kind: 'register', namespace: 'default', node: { name: node, address: '10.0.0.1' }, nodeMode: 'exists', instances, checks });
}

/** One stream on each of some hosts: every third host has one service more. */
async function openFleet(one: Started, hosts: number): Promise<Stream[]> {
  const streams = Array.from({ length: hosts }, (_, at) => {
    const services = at % 3 === 0 ? ['web', 'db'] : [['web'], ['db'], ['mail']][at % 3] ?? [];
    return { id: `s${at}`, node: `host${at}`, principal: `address 10.0.0.${at}`, services };
  });
  for (const stream of streams) await open(one, stream);
  return streams;
}

const close = async ({ liveness }: Started, streams: readonly Stream[]) => {
  for (const { id } of streams) await liveness.streamClosed('default', id);
};
const left = ({ session }: Started, streams: readonly Stream[]) => streams.filter(({ id }) => session(id) !== undefined).length;

/** Lets time pass in larger steps, without heartbeats. Each step is shorter than a stall. */
async function passLong(one: Started, ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 400) {
    one.clock.advance(400);
    for (let turn = 0; turn < 6; turn++) await new Promise((next) => setImmediate(next));
  }
}

describe('a client that is cut off', () => {
  const token = 'token 5b1c2d3e';
  it.each([
    ['8 streams of one token on one host', (at: number) => ({ id: `x${at}`, node: 'x', principal: token, services: ['shop'] })],
    ['8 streams of one token that name 8 hosts', (at: number) => ({ id: `x${at}`, node: `x${at}`, principal: token, services: ['shop'] })],
    [
      '8 streams of one token that name 8 hosts and 8 services',
      (at: number) => ({ id: `x${at}`, node: `x${at}`, principal: token, services: [`shop${at}`] }),
    ],
    ['8 streams of 8 tokens on one host', (at: number) => ({ id: `x${at}`, node: 'x', principal: `token ${at}`, services: [`shop${at}`] })],
    ['8 streams of one service', (at: number) => ({ id: `x${at}`, node: `x${at}`, principal: `token ${at}`, services: ['shop'] })],
  ])('freezes expiry for no other client: %s', async (_what, streamOf) => {
    const one = await livenessOfTest();
    const fleet = await openFleet(one, 6);
    const cut = Array.from({ length: 8 }, (_, at) => streamOf(at));
    for (const stream of cut) await open(one, stream);
    await one.register('silent', ttl);
    await one.beat('silent');
    await close(one, cut);
    // Shortly after, two instances really die: the stream of one breaks, the heartbeats of the other stop.
    await one.pass(2_000);
    await close(one, fleet.slice(0, 1));
    await one.pass(graceMs + slackMs);
    expect(one.liveness.status().frozen).toBe(false);
    expect([left(one, cut), left(one, fleet), one.status('silent')]).toEqual([0, 5, 'critical']);
    expect(await one.metric('rollcall_expiry_frozen')).toBe(0);
  });

  it('cannot freeze expiry or prolong a freeze by repeating its loss', async () => {
    const one = await livenessOfTest();
    const fleet = await openFleet(one, 12);
    const cut = Array.from({ length: 8 }, (_, at) => ({ id: `x${at}`, node: `x${at}`, principal: token, services: [`shop${at}`] }));
    for (let time = 0; time < 3; time++) {
      for (const stream of cut) await open(one, stream);
      await close(one, cut);
      await one.pass(graceMs + slackMs);
      expect([one.liveness.status().frozen, left(one, cut)]).toEqual([false, 0]);
    }
    await close(one, fleet.slice(0, 8));
    await one.pass(graceMs + slackMs);
    const { untilMs } = one.liveness.status();
    expect(untilMs).toBeGreaterThan(one.clock.now() + freezeMsMax - 2 * slackMs);
    for (let time = 0; time < 3; time++) {
      for (const stream of cut) await open(one, { ...stream, id: `${stream.id}-${time}` });
      await close(one, cut.map((stream) => ({ ...stream, id: `${stream.id}-${time}` })));
      await one.pass(graceMs + slackMs);
    }
    expect(one.liveness.status()).toMatchObject({ frozen: true, untilMs });
  });

  it('a loss that moves through the fleet, one host after the other, causes no freeze', async () => {
    const one = await livenessOfTest();
    const fleet = await openFleet(one, 20);
    for (const [at, stream] of fleet.entries()) {
      await close(one, [stream]);
      await one.pass(3_000);
      expect(one.liveness.status().frozen).toBe(false);
      expect(left(one, fleet)).toBe(20 - Math.max(0, at - 2));
    }
  });
});

describe('a host that dies for good is removed with all its instances within its grace and a second, in a fleet of', () => {
  it.each([2, 3, 5, 10])('%i', async (hosts) => {
    const one = await livenessOfTest();
    const [dead, ...others] = await openFleet(one, hosts);
    // More of the dead host's processes, each with instances of all services.
    const own = Array.from({ length: 5 }, (_, at) => ({ id: `d${at}`, node: 'host0', principal: 'address 10.0.0.0', services: ['web', 'db', 'mail'] }));
    for (const stream of own) await open(one, stream);
    await close(one, [dead!, ...own]);
    await one.pass(graceMs + slackMs);
    expect([left(one, [dead!, ...own]), left(one, others)]).toEqual([0, hosts - 1]);
  });
});

describe('a loss that stretches over many hosts, services and principals', () => {
  it('freezes; status, log and metrics show the cause, the loss and the end; the freeze ends by itself', async () => {
    const one = await livenessOfTest();
    const fleet = await openFleet(one, 12);
    await one.register('silent', ttl);
    await close(one, fleet.slice(0, 9));
    await one.pass(graceMs + slackMs);
    expect(one.status('silent')).toBe('passing');
    const status = one.liveness.status();
    expect(status).toMatchObject({ frozen: true, held: 10, kinds: { stream: 9, check: 1 } });
    expect(status.untilMs! - status.sinceMs!).toBe(freezeMsMax);
    expect(status.causes?.services[0]).toEqual({ name: 'db', lost: 6, of: 8, share: 0.6 });
    expect(status.causes?.nodes).toHaveLength(5);
    expect(status.causes?.principals[0]).toMatchObject({ name: 'address 10.0.0.0', lost: 1, of: 1 });
    const line = one.lines.find(({ msg }) => msg.includes('frozen')) as unknown as Record<string, unknown>;
    expect(line).toMatchObject({ level: 50, held: 10, services: expect.arrayContaining([expect.objectContaining({ name: 'db', share: 0.6 })]) });
    expect(line['until']).toBe(new Date(status.untilMs!).toISOString());
    expect(await one.metric('rollcall_expiry_frozen_until_timestamp_seconds')).toBe(status.untilMs! / 1_000);
    expect(await one.metric('rollcall_expiry_held')).toBe(10);
    const shares = (await one.metrics.expiryLossShare.get()).values;
    expect(shares).toContainEqual(expect.objectContaining({ labels: { by: 'service', name: 'db' }, value: 0.6 }));

    await passLong(one, freezeMsMax - 10_000);
    expect([one.liveness.status().frozen, left(one, fleet), one.status('silent')]).toEqual([true, 12, 'passing']);
    await one.pass(10_000 + slackMs);
    expect([one.liveness.status().frozen, left(one, fleet), one.status('silent')]).toEqual([false, 3, 'critical']);
    expect(one.lines.some(({ level, msg }) => level === 50 && msg.includes('considered lost and expire'))).toBe(true);
    expect(await one.metric('rollcall_expiry_frozen_until_timestamp_seconds')).toBe(0);
    expect((await one.metrics.expiryLossShare.get()).values).toEqual([]);
    // Its end does not begin another freeze; the next death counts.
    await close(one, fleet.slice(9, 10));
    await one.pass(graceMs + slackMs);
    expect([one.liveness.status().frozen, left(one, fleet)]).toEqual([false, 2]);
  });

  it('lasts longer when a further mass loss shows that the cut continues', async () => {
    const one = await livenessOfTest();
    const fleet = await openFleet(one, 24);
    await close(one, fleet.slice(0, 9));
    await one.pass(graceMs + slackMs);
    const { untilMs, sinceMs } = one.liveness.status();
    await passLong(one, 60_000);
    await close(one, fleet.slice(9, 12));
    await one.pass(graceMs + slackMs);
    expect(one.liveness.status().untilMs).toBe(untilMs);
    await close(one, fleet.slice(12, 18));
    await one.pass(graceMs + slackMs);
    expect(one.liveness.status()).toMatchObject({ frozen: true, sinceMs, held: 18 });
    expect(one.liveness.status().untilMs).toBeGreaterThan(untilMs! + 60_000);
    expect(one.lines.some(({ msg }) => msg.includes('the freeze is extended'))).toBe(true);
  });

  it('is the sum of all leases that end within the window: three small losses count as one', async () => {
    const one = await livenessOfTest();
    const fleet = await openFleet(one, 40);
    // Each alone is under the threshold: without the worst host, 3 of 39.
    for (let at = 0; at < 12; at += 4) {
      await close(one, fleet.slice(at, at + 4));
      await one.pass(1_500);
    }
    await one.pass(graceMs);
    expect(one.liveness.status().frozen).toBe(true);
    expect(left(one, fleet)).toBeLessThan(40);
  });

  it('ends while the store is down; expiries that could not be committed are committed later', async () => {
    const one = await livenessOfTest();
    const fleet = await openFleet(one, 12);
    await close(one, fleet.slice(0, 9));
    await one.pass(graceMs + slackMs);
    one.setOutage(new Error('no store'));
    expect(one.liveness.override()).toBe(9);
    await one.pass(3_000);
    expect([one.liveness.status().frozen, left(one, fleet)]).toEqual([false, 12]);
    one.setOutage(undefined);
    await one.pass(slackMs);
    expect([one.liveness.status().frozen, left(one, fleet)]).toEqual([false, 3]);
  });
});

describe('the group of a lease follows', () => {
  it('the services of its instances, and the principal that renewed it last', async () => {
    const one = await livenessOfTest();
    const streams = Array.from({ length: 12 }, (_, at) => ({ id: `s${at}`, node: `n${at}`, principal: `token ${at}`, services: ['one'] }));
    for (const stream of streams) await open(one, stream);
    await open(one, { id: 'alive', node: 'm', principal: 'token m', services: ['other'] });
    // The instance belongs to another service from now on: a loss of one service only would not count as a cut.
    for (const { id, node } of streams.slice(0, 6)) {
      const instances = [0, 1].map((at) => ({ id: `${id}-one-${at}`, service: 'two', session: id }));
      await one.replica.submit({ kind: 'register', namespace: 'default', node: { name: node, address: '' }, nodeMode: 'exists', instances });
    }
    await close(one, streams);
    await one.pass(graceMs + slackMs);
    expect(one.liveness.status()).toMatchObject({ frozen: true, held: 12 });
    // All with one token: they come back, and break again.
    for (const { id } of streams) await one.liveness.streamOpened('default', id, 'token all');
    await one.pass(2_000);
    await close(one, streams);
    await one.pass(graceMs + slackMs);
    expect([one.liveness.status().frozen, left(one, streams)]).toEqual([false, 0]);
  });
});
