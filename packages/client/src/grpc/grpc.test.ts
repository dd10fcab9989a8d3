import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LoadMeter } from '../load-report/index.ts';
import { at, atEnd, type Backend, backend, bytes, cleanUp, client, registerEcho, service, source } from './echo.case.ts';
import { channelOptions, type PolicyName } from './index.ts';
import { policies } from './policies.ts';

beforeAll(registerEcho);
afterEach(cleanUp);

/** A proxy to a backend that can act as if its process died: connections are reset, later ones refused. */
async function mortal({ port }: Backend) {
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const kill = () => {
    proxy.close();
    for (const socket of sockets) socket.resetAndDestroy();
  };
  atEnd(kill);
  return { port: (proxy.address() as AddressInfo).port, kill };
}

describe('a channel to rollcall:///', () => {
  it('spreads calls and streams over the instances', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who, count, all } = client([at(a), at(b)]);
    await all(['a', 'b']);
    const answers = [await who(), await who(), await who(), await who()];
    expect(answers.filter((name) => name === 'a')).toHaveLength(2);
    expect(await count()).toEqual([expect.stringMatching(/ 1$/), expect.stringMatching(/ 2$/), expect.stringMatching(/ 3$/)]);
  });

  it('follows the registry: new instances are called, removed ones are not', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who, become, all } = client([at(a)]);
    expect(await who()).toBe('a');
    become([at(a), at(b)]);
    await all(['a', 'b']);
    become([at(b)]);
    expect([await who(), await who()]).toEqual(['b', 'b']);
  });

  it('does not call draining instances while others are available', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who, become, all } = client([at(a), at(b)]);
    await all(['a', 'b']);
    become([at(a, { status: 'draining' }), at(b)]);
    expect([await who(), await who()]).toEqual(['b', 'b']);
  });

  it('reports that there is no instance, and calls one that is registered later', async () => {
    const { who, become } = client([]);
    await expect(who()).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE, details: expect.stringMatching(/no instance of orders/) });
    const a = await backend('a');
    become([at(a)]);
    expect(await who()).toBe('a');
  });

  it('says why no instance can be connected to', async () => {
    const gone = await backend('gone');
    gone.server.forceShutdown();
    const { who } = client([at(gone)]);
    await expect(who()).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE, details: expect.stringMatching(/no instance can be connected to/) });
  });

  it('waits for the first list', async () => {
    const made = new grpc.Client('rollcall:///late', grpc.credentials.createInsecure(), channelOptions());
    atEnd(() => made.close());
    const a = await backend('a');
    const answer = new Promise((resolve, reject) =>
      made.makeUnaryRequest(service.who.path, bytes.serialize, bytes.deserialize, 'x', (error, value) => (error ? reject(error) : resolve(value))),
    );
    source.set('late', [at(a)]);
    expect(await answer).toBe('a');
  });
});

describe('under load', () => {
  const callersMax = 4;

  /** Four callers, each with one call at a time, for as long as `during` runs. */
  async function load(who: () => Promise<string>, during: () => Promise<void>) {
    const running = new AbortController();
    const failures: string[] = [];
    const answers = new Map<string, number>();
    const callers = Array.from({ length: callersMax }, async () => {
      while (!running.signal.aborted) {
        await who().then(
          (name) => answers.set(name, (answers.get(name) ?? 0) + 1),
          (error: grpc.ServiceError) => failures.push(`${error.code} ${error.details}`),
        );
      }
    });
    await during();
    running.abort();
    await Promise.all(callers);
    return { failures, answers };
  }

  /** Resolves after this many more calls. */
  const calls = async (who: () => Promise<string>, count: number) => {
    for (let n = 0; n < count; n++) await who().catch(() => {});
  };

  it('no repeatable call fails when a server is killed', async () => {
    const held: string[] = [];
    let dying = false;
    // Once the headers of an answer have come, gRPC does not repeat the call; no call has them when the server dies.
    const first = await mortal(await backend('a', ({ request }, answer) => (dying ? held.push(request) : answer(null, 'a'))));
    const others = [await backend('b'), await backend('c')];
    // A policy that calls each server in turn: one by latency avoids a server for seconds after one slow call, and this test would wait for it.
    const { who, all } = client([{ address: '127.0.0.1', port: first.port }, ...others.map((one) => at(one))], 'round_robin', { triesMax: 3 });
    await all(['a', 'b', 'c']);
    const { failures, answers } = await load(who, async () => {
      await calls(who, 50);
      dying = true;
      // Then every caller waits for the dying server, and no headers of an answer are on their way.
      while (held.length < callersMax) await new Promise((turn) => setImmediate(turn));
      first.kill();
      await calls(who, 200);
    });
    expect(failures).toEqual([]);
    expect(answers.get('b')).toBeGreaterThan(20);
  });

  it('no call fails while a server drains, even without retries', async () => {
    const backends = [await backend('a'), await backend('b'), await backend('c')] as const;
    const { who, all, become } = client(backends.map((one) => at(one)));
    await all(['a', 'b', 'c']);
    const { failures } = await load(who, async () => {
      await calls(who, 50);
      become([at(backends[0], { status: 'draining' }), at(backends[1]), at(backends[2])]);
      await calls(who, 20);
      become([at(backends[1]), at(backends[2])]);
      await new Promise<void>((resolve) => backends[0].server.tryShutdown(() => resolve()));
      await calls(who, 50);
    });
    expect(failures).toEqual([]);
  });

  it('a server that returns is called again', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { all, who } = client([at(a), at(b)]);
    await all(['a', 'b']);
    a.server.forceShutdown();
    await calls(who, 4);
    const again = new grpc.Server();
    again.addService(service, { who: (_: unknown, answer: grpc.sendUnaryData<string>) => answer(null, 'again'), count: () => {} });
    await new Promise<void>((resolve, reject) =>
      again.bindAsync(`127.0.0.1:${a.port}`, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
    );
    atEnd(() => again.forceShutdown());
    await all(['again', 'b']);
  });
});

describe('policies', () => {
  it.each(Object.keys(policies) as PolicyName[])('%s answers calls', async (policy) => {
    const [a, b] = [await backend('a'), await backend('b')];
    const { who } = client([at(a), at(b)], policy, { keyHeader: 'x-user' });
    for (let n = 0; n < 5; n++) expect(['a', 'b']).toContain(await who());
  });

  it('by key send equal keys to the same instance', async () => {
    const backends = [await backend('a'), await backend('b'), await backend('c')];
    const { who, count } = client(backends.map((one) => at(one)), 'maglev', { keyHeader: 'x-user' });
    await count();
    const of = async (user: string) => {
      const metadata = new grpc.Metadata();
      metadata.set('x-user', user);
      return await who(metadata);
    };
    // Waits for all connections first: keys of an unconnected instance go to another one.
    const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    for (let rounds = 0; new Set(await Promise.all(users.map(of))).size < 3; rounds++) expect(rounds).toBeLessThan(1_000);
    const first = await Promise.all(users.map(of));
    expect(await Promise.all(users.map(of))).toEqual(first);
  });

  it('by load avoid a server that does not answer', async () => {
    const hung: string[] = [];
    const slow = await backend('slow', ({ request }) => hung.push(request));
    const quick = await backend('quick');
    const { who } = client([at(slow), at(quick)], 'least_request');
    while (hung.length === 0) {
      who(undefined, 60_000).catch(() => {});
      await new Promise((turn) => setImmediate(turn));
    }
    const before = hung.length;
    for (let n = 0; n < 20; n++) expect(await who()).toBe('quick');
    expect(hung).toHaveLength(before);
  });

  it('refuse an invalid configuration', () => {
    expect(() => channelOptions('maglev', { balancer: { slots: 4 } })).toThrow(/slots is 4/);
  });
});

describe('zones', () => {
  const inZone = (one: Backend) => at(one, { meta: { zone: one.name } });

  it('keep calls in the client’s zone, until its servers report less headroom', async () => {
    let used = 0.1;
    const [a, b] = [await backend('a', undefined, new LoadMeter(undefined, () => used)), await backend('b', undefined, new LoadMeter(undefined, () => 0.1))];
    const { who, all } = client([inZone(a), inZone(b)], 'round_robin', { routing: { zone: { own: 'a', sizeMin: 2, spillByLoad: true } } });
    await all(['a', 'b']);
    const shareOfB = async () => {
      let count = 0;
      for (let n = 0; n < 100; n++) if ((await who()) === 'b') count += 1;
      return count / 100;
    };
    // Calls continue until the shares have followed the reports; they are updated twice a second.
    while ((await shareOfB()) > 0.25);
    used = 1;
    while ((await shareOfB()) < 0.3);
  });

  it('have options, which are checked', () => {
    expect(() => channelOptions('round_robin', { routing: { zone: { own: 'a', spillByload: true } as never } })).toThrow('zone has no option spillByload; did you mean spillByLoad?');
    expect(() => channelOptions('round_robin', { routing: { zone: { own: 'a', spillByLoad: { probeShare: 0 } } } })).toThrow('spillByLoad.probeShare is 0');
    expect(() => channelOptions('round_robin', { routing: { zone: { own: 'a', sizeMin: 0.5 } } })).toThrow('zone.sizeMin is 0.5');
  });
});

it('a method is retried, or hedged, by its own options', async () => {
  const options = channelOptions('round_robin', { triesMax: 3, methods: { 'test.Echo/Count': { triesMax: 1 }, 'test.Echo/Who': { hedgeAfterMs: 5 } } });
  const { methodConfig } = JSON.parse(String(options['grpc.service_config'])) as { methodConfig: unknown[] };
  expect(methodConfig).toMatchObject([
    { name: [{ service: 'test.Echo', method: 'Count' }] },
    { name: [{ service: 'test.Echo', method: 'Who' }], hedgingPolicy: { maxAttempts: 2, hedgingDelay: '0.005s' } },
    { name: [{}], retryPolicy: { maxAttempts: 3 } },
  ]);
  expect(() => channelOptions('round_robin', { methods: { 'test.Echo': { tries: 3 } as object } })).toThrow('no option tries; did you mean triesMax?');
});
