/** gRPC channels under the route of their service, over a real registry. */

import * as grpc from '@grpc/grpc-js';
import type { Route } from '@rollcall/protocol';
import { createServer, type Server } from '@rollcall/server';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { connect, type ServiceEvent } from '../index.ts';
import { atEnd, type Backend, backend, bytes, cleanUp, service, type Who } from './echo.case.ts';
import { channelOptions, registerRollcall, type PolicyOptions } from './index.ts';
import { serviceConfigOf } from './routed-service-config.ts';

let registry: Server;
beforeEach(async () => {
  registry = await createServer({ http: { port: 0 } });
  atEnd(() => registry.close());
});
afterEach(cleanUp);

let services = 0;

/** A service of the registry with these servers as versions, and a channel to it. */
async function setUp(versions: Readonly<Record<string, Who | undefined>>, options: PolicyOptions = {}) {
  const name = `routed-${services++}`;
  const rollcall = await connect({ servers: [registry.url], onEvent: () => {} });
  atEnd(() => rollcall.close());
  atEnd(registerRollcall(rollcall.source));
  const backends: Backend[] = [];
  for (const [version, who] of Object.entries(versions)) {
    const one = await (who === undefined ? backend(version) : backend(version, who));
    backends.push(one);
    await rollcall.register({ id: `${name}-${version}`, service: name, address: '127.0.0.1', port: one.port, meta: { version } });
  }
  const heard: ServiceEvent[] = [];
  const made = new grpc.Client(`rollcall:///${name}`, grpc.credentials.createInsecure(), channelOptions('round_robin', { ...options, onEvent: (event) => heard.push(event) }));
  atEnd(() => made.close());
  const who = (metadata = new grpc.Metadata()) =>
    new Promise<string>((resolve, reject) =>
      made.makeUnaryRequest(service.who.path, bytes.serialize, bytes.deserialize, 'x', metadata, { deadline: Date.now() + 20_000 }, (error, value) => (error ? reject(error) : resolve(value ?? ''))),
    );
  const set = (route: Route) => registry.registry.submit({ kind: 'route-set', namespace: 'default', service: name, route });
  const share = async (version: string, count = 450) => {
    let found = 0;
    for (let n = 0; n < count; n++) if ((await who()) === version) found++;
    return found / count;
  };
  /** Calls until this many routes were taken over. */
  const routed = async (count: number) => {
    while (heard.filter(({ kind }) => kind === 'route').length < count) await who().catch(() => {});
  };
  return { who, set, share, routed, heard };
}

describe('a channel', () => {
  it('follows the share of a canary, its header and the selector', async () => {
    const { who, set, share, routed } = await setUp({ 1: undefined, 2: undefined });
    await set({ canary: { select: { version: '2' }, share: 0, header: 'x-canary' } });
    await routed(1);
    expect(await share('2', 50)).toBe(0);
    expect(await who(grpc.Metadata.fromHttp2Headers({ 'x-canary': 'always' }))).toBe('2');
    await set({ canary: { select: { version: '2' }, share: 0.5, header: 'x-canary' } });
    await routed(2);
    expect(Math.abs((await share('2')) - 0.5)).toBeLessThan(6 * Math.sqrt(0.25 / 450));
    await set({ select: { version: '2' } });
    await routed(3);
    expect(await share('2', 50)).toBe(1);
  });

  it('follows the time-out of calls, without a restart', async () => {
    let answers = true;
    const { who, set, routed } = await setUp({ 1: (_, answer) => (answers ? answer(null, '1') : undefined) });
    expect(await who()).toBe('1');
    await set({ timeoutMs: 80 });
    await routed(1);
    answers = false;
    await expect(who()).rejects.toMatchObject({ code: grpc.status.DEADLINE_EXCEEDED });
  });

  it('follows none when its options say so', async () => {
    const { set, who, share } = await setUp({ 1: undefined, 2: undefined }, { followRoute: false });
    await set({ select: { version: '2' } });
    await who();
    expect(await share('1', 60)).toBeGreaterThan(0);
  });
});

const methodsOf = (own: object, route: unknown) => serviceConfigOf(JSON.stringify(own), route)?.methodConfig;
const retried = { maxAttempts: 4, initialBackoff: '0.01s', maxBackoff: '0.1s', backoffMultiplier: 2, retryableStatusCodes: ['UNAVAILABLE'] };

test.each<[string, object, unknown, unknown]>([
  ['without a limit of time or tries is the channel\'s own', {}, { canary: { select: { version: '2' }, share: 1 } }, undefined],
  ['that cannot be followed is the channel\'s own', {}, { timeoutMs: 5, teleport: 1 }, undefined],
  ['limits the time of all methods', { loadBalancingConfig: [{ x: {} }], methodConfig: [{ name: [{ service: 'a.B' }] }] }, { timeoutMs: 2_500 }, [{ name: [{ service: 'a.B' }], timeout: { seconds: 2, nanos: 5e8 } }, { name: [{}], timeout: { seconds: 2, nanos: 5e8 } }]],
  ['lowers tries and never raises them', { methodConfig: [{ name: [{}], retryPolicy: retried }] }, { triesMax: 2 }, [{ name: [{}], retryPolicy: { ...retried, maxAttempts: 2 } }]],
  ['leaves fewer tries than it allows', { methodConfig: [{ name: [{}], retryPolicy: retried }] }, { triesMax: 9 }, [{ name: [{}], retryPolicy: retried }]],
  ['of one try ends retries and hedges', { methodConfig: [{ name: [{}], retryPolicy: retried }, { name: [{ service: 'a.B' }], hedgingPolicy: { maxAttempts: 2 } }] }, { triesMax: 1 }, [{ name: [{}] }, { name: [{ service: 'a.B' }] }]],
])('the service config under a route %s', (_what, own, route, expected) => {
  expect(methodsOf(own, route)).toEqual(expected);
});
