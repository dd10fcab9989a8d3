/** The router of `fetch` over real gRPC servers: which servers get calls and connections. */

import * as grpc from '@grpc/grpc-js';
import { createServer as createRegistry, memory } from '@rollcall/server';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../clock.ts';
import { connect, type ServiceEvent } from '../index.ts';
import { at, atEnd, type Backend, backend, bytes, cleanUp, client, registerEcho, service } from './echo.case.ts';
import { channelOptions, registerRollcall } from './index.ts';
import { registerPolicies } from './load-balancer.ts';

/** The time that a test holds, in milliseconds; without it, channels have the system's. */
let heldMs: number | undefined;
const clock: Clock = { ...systemClock, monotonic: () => heldMs ?? systemClock.monotonic() };

beforeAll(() => {
  registerPolicies({ clock });
  registerEcho();
});
afterEach(cleanUp);

const withMeta = (one: Backend, meta: Readonly<Record<string, string>>) => at(one, { meta });
const metadata = (values: Readonly<Record<string, string>>) => grpc.Metadata.fromHttp2Headers(values);

/** The names of the servers that answer `count` calls, sorted, without repetition. */
async function answering(who: () => Promise<string>, count = 40): Promise<string[]> {
  const names = new Set<string>();
  for (let n = 0; n < count; n++) names.add(await who());
  return [...names].sort();
}

/** How many connections a server has. */
function connectionsOf(one: Backend): { readonly count: number } {
  const sessions = { count: 0 };
  // The HTTP/2 servers of grpc-js are private; programs see connections with channelz, if they turn it on.
  for (const server of (one.server as unknown as { http2Servers: ReadonlyMap<NodeJS.EventEmitter, unknown> }).http2Servers.keys()) {
    server.on('session', () => (sessions.count += 1));
  }
  return sessions;
}

describe('a selector', () => {
  it('sends calls and opens connections only to selected instances, and follows changes of metadata', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const ofB = connectionsOf(b);
    const { who, become } = client([withMeta(a, { version: '2.1' }), withMeta(b, { version: '1.9' })], 'round_robin', { routing: { select: { version: '2' } } });
    expect(await answering(who)).toEqual(['a']);
    expect(ofB.count).toBe(0);
    become([withMeta(a, { version: '1.9' }), withMeta(b, { version: '2.0' })]);
    while ((await who()) !== 'b');
    expect(await answering(who)).toEqual(['b']);
  });

  it('may be a function', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who } = client([at(a), at(b)], 'round_robin', { routing: { select: ({ port }) => port === b.port } });
    expect(await answering(who)).toEqual(['b']);
  });

  it('that selects no instance fails calls with its reason', async () => {
    const { who } = client([at(await backend('a'))], 'round_robin', { routing: { select: { tags: ['gpu'] } } });
    await expect(who()).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE, details: expect.stringMatching(/no instance of the service is selected/) });
  });
});

describe('a canary', () => {
  const canary = { select: { tags: ['canary'] }, share: 0, header: 'x-canary' };

  it('gets calls that ask for it in their metadata, and no others', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who, all } = client([at(a), at(b, { tags: ['canary'] })], 'round_robin', { routing: { canary: { ...canary, share: 0.5 } } });
    await all(['a', 'b']);
    expect(await answering(() => who(metadata({ 'x-canary': 'always' })))).toEqual(['b']);
    expect(await answering(() => who(metadata({ 'x-canary': 'never' })))).toEqual(['a']);
  });

  it('gets its share of calls', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who, all } = client([at(a), at(b, { tags: ['canary'] })], 'round_robin', { routing: { canary: { ...canary, share: 0.25 } } });
    await all(['a', 'b']);
    let count = 0;
    for (let n = 0; n < 900; n++) if ((await who()) === 'b') count += 1;
    // Six standard deviations around 225: four are exceeded once in 16,000 runs.
    expect(count).toBeGreaterThan(147);
    expect(count).toBeLessThan(303);
  });

  it('without a connection leaves its calls to the others', async () => {
    const [a, gone] = [await backend('a'), await backend('gone')];
    gone.server.forceShutdown();
    const { who } = client([at(a), at(gone, { tags: ['canary'] })], 'round_robin', { routing: { canary } });
    expect(await answering(() => who(metadata({ 'x-canary': 'always' })))).toEqual(['a']);
  });
});

describe('levels and zones', () => {
  it('a level whose servers are gone leaves calls to the next level, and gets them again when the servers are back', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who } = client([withMeta(a, { priority: '0' }), withMeta(b, { priority: '1' })], 'round_robin', { routing: { priority: {} } });
    while ((await who()) !== 'a');
    expect(await answering(who)).toEqual(['a']);
    a.server.forceShutdown();
    while ((await who().catch(() => 'none')) !== 'b');
    expect(await answering(who)).toEqual(['b']);
    const again = await backend('a again', undefined, undefined, a.port);
    while ((await who()) !== again.name);
    expect(await answering(who)).toEqual(['a again']);
  });

  it('a level with half of its connections lost passes on the calls beyond its capacity', async () => {
    const [a, b, gone] = [await backend('a'), await backend('b'), await backend('gone')];
    gone.server.forceShutdown();
    const instances = [withMeta(a, { priority: '0' }), withMeta(gone, { priority: '0' }), withMeta(b, { priority: '1' })];
    // Half of the level can take 0.7 of the calls.
    const { who, all } = client(instances, 'round_robin', { routing: { priority: { overprovisioning: 1.4 } } });
    await all(['a', 'b']);
    let count = 0;
    for (let n = 0; n < 300; n++) if ((await who()) === 'b') count += 1;
    expect(count).toBeGreaterThan(50);
    expect(count).toBeLessThan(130);
  });

  it('calls stay in the client’s zone', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const routing = { zone: { own: 'here', sizeMin: 2, callers: { here: 1, there: 1 } } };
    const { who, all } = client([withMeta(a, { zone: 'here' }), withMeta(b, { zone: 'there' })], 'round_robin', { routing });
    await Promise.race([all(['a', 'b']), answering(who, 200)]);
    expect(await answering(who)).toEqual(['a']);
  });
});

describe('a subset', () => {
  it('contains all instances to which the channel connects', async () => {
    const backends = await Promise.all(['a', 'b', 'c', 'd'].map((name) => backend(name)));
    const connections = backends.map(connectionsOf);
    const { who } = client(backends.map((one) => at(one)), 'round_robin', { routing: { subset: { size: 2, ordinal: 0 } } });
    for (const names = new Set<string>(); names.size < 2; ) names.add(await who());
    expect(await answering(who)).toHaveLength(2);
    expect(connections.filter(({ count }) => count > 0)).toHaveLength(2);
  });

  it('follows the ordinals that the registry leases: two clients divide the instances', async () => {
    const registry = await createRegistry({ engine: memory(), http: { port: 0 } });
    atEnd(() => registry.close());
    const backends = await Promise.all(['a', 'b', 'c', 'd'].map((name) => backend(name)));
    const reached = [];
    for (let caller = 0; caller < 2; caller++) {
      const rollcall = await connect({ servers: [registry.url] });
      atEnd(() => rollcall.close());
      if (caller === 0) await Promise.all(backends.map(({ name, port }) => rollcall.register({ service: 'echo', id: name, port })));
      const remove = registerRollcall(rollcall.source);
      const made = new grpc.Client('rollcall:///echo', grpc.credentials.createInsecure(), channelOptions('round_robin', { routing: { subset: { size: 2 } } }));
      atEnd(() => made.close());
      const who = () =>
        new Promise<string>((resolve, reject) =>
          made.makeUnaryRequest(service.who.path, bytes.serialize, bytes.deserialize, 'x', { deadline: Date.now() + 10_000 }, (error, name) =>
            error ? reject(error) : resolve(name ?? ''),
          ),
        );
      await who();
      for await (const { entries } of rollcall.kv.watch({ prefix: 'rollcall/ordinals/echo/' })) if (entries.length === caller + 1) break;
      reached.push(who);
      remove();
    }
    const [first, second] = reached as [() => Promise<string>, () => Promise<string>];
    let shared: string[][];
    do shared = [await answering(first), await answering(second)];
    while (new Set(shared.flat()).size < 4);
    expect(shared.map((names) => names.length)).toEqual([2, 2]);
  });
});

describe('limits of single instances', () => {
  it('a breaker keeps calls away from a failing server, fails calls while all breakers are open, and closes again', async () => {
    heldMs = clock.monotonic();
    atEnd(() => (heldMs = undefined));
    let broken = true;
    const failing: grpc.handleUnaryCall<string, string> = (_, answer) => (broken ? answer({ code: grpc.status.INTERNAL }) : answer(null, 'b'));
    const [a, b] = [await backend('a'), await backend('b', failing)];
    const heard: ServiceEvent[] = [];
    const { who, become } = client([at(a), at(b)], 'round_robin', {
      ejection: { maxShare: 0, unreachable: false },
      breaker: { requestsMin: 2, openMs: 300 },
      onEvent: (event) => heard.push(event),
    });
    const states = () => heard.flatMap((event) => (event.kind === 'breaker' ? [event.state] : []));
    while (states().length === 0) await who().catch(() => {});
    expect(await answering(who, 20)).toEqual(['a']);
    become([at(b)]);
    const refused = async () => ((await who().catch((error: grpc.ServiceError) => error)) as grpc.ServiceError).details;
    while (!/no instance of .* may be asked now: 1 failed too often lately/.test(await refused()));
    broken = false;
    heldMs += 300;
    while ((await who().catch(() => '')) !== 'b');
    expect(states()).toContain('closed');
  });

  it('a limit of calls in flight holds for calls that start together, and frees its places', async () => {
    const held: grpc.sendUnaryData<string>[] = [];
    const [a, b] = [await backend('a', (_, answer) => held.push(answer)), await backend('b', (_, answer) => held.push(answer))];
    const { who } = client([at(a), at(b)], 'round_robin', { endpointRequestsMax: 2 });
    // Waits until all are connected.
    for (let n = 0; n < 2; n++) {
      const one = who();
      while (held.length === 0) await new Promise((turn) => setImmediate(turn));
      held.pop()?.(null, 'x');
      await one;
    }
    const calls = Array.from({ length: 10 }, () => who().catch((error: grpc.ServiceError) => error.details));
    while (held.length < 4) await new Promise((turn) => setImmediate(turn));
    const refused = (await Promise.race([Promise.all(calls), Promise.all(calls.slice(4))])) as string[];
    expect(refused.every((details) => /2 requests in flight, which is their limit/.test(details))).toBe(true);
    for (const answer of held.splice(0)) answer(null, 'done');
    expect((await Promise.all(calls)).filter((text) => text === 'done')).toHaveLength(4);
    const after = who();
    while (held.length === 0) await new Promise((turn) => setImmediate(turn));
    held.pop()?.(null, 'after');
    expect(await after).toBe('after');
  });

  it('a call with waitForReady is sent when an instance has a free place again', async () => {
    const held: grpc.sendUnaryData<string>[] = [];
    const { who } = client([at(await backend('a', (_, answer) => held.push(answer)))], 'round_robin', { endpointRequestsMax: 1 });
    const first = who();
    while (held.length === 0) await new Promise((turn) => setImmediate(turn));
    const patient = who(new grpc.Metadata({ waitForReady: true }));
    held.pop()?.(null, 'first');
    expect(await first).toBe('first');
    while (held.length === 0) await new Promise((turn) => setImmediate(turn));
    held.pop()?.(null, 'second');
    expect(await patient).toBe('second');
  });

  it('a server whose answers are errors is ejected', async () => {
    const [a, b] = [await backend('a'), await backend('b', (_, answer) => answer({ code: grpc.status.INTERNAL }))];
    const heard: ServiceEvent[] = [];
    const { who } = client([at(a), at(b)], 'round_robin', { ejection: { outliers: { consecutiveFailures: 3 } }, onEvent: (event) => heard.push(event) });
    while (!heard.some(({ kind }) => kind === 'ejected')) await who().catch(() => {});
    expect(await answering(who, 20)).toEqual(['a']);
  });
});

it('options of a channel are checked when they are given', () => {
  expect(() => channelOptions('round_robin', { routing: { zones: {} } as never })).toThrow('routing has no option zones; did you mean zone?');
  expect(() => channelOptions('round_robin', { endpointRequestsMax: 0 })).toThrow('endpointRequestsMax is 0; it must be 1 or more');
  expect(() => channelOptions('round_robin', { breaker: { openMs: 0 } })).toThrow('breaker.openMs is 0');
  expect(() => channelOptions('round_robin', { routing: { canary: { select: {}, share: 2 } } })).toThrow('canary.share is 2');
});
