import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CheckStatus } from '@rollcall/protocol';
import express from 'express';
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../conformance/free-ports.mjs';
import { createServer as createRegistry } from '../../../server/src/server.ts';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { connect } from '../connect.ts';
import type { RegisterOptions, Registration } from '../registration.ts';
import { rollcallFastify, RollcallLifecycle } from './frameworks.ts';
import { type Registrar, registerServer } from './lifecycle.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function registry() {
  const server = await createRegistry();
  const rollcall = await connect({ servers: [server.url] });
  cleanups.push(() => server.close(), () => rollcall.close());
  const web = rollcall.service('web');
  const seen = async (wanted: (statuses: readonly string[]) => boolean) => {
    for await (const { instances } of web.watch({ signal: AbortSignal.timeout(10_000) })) {
      if (wanted(instances.map(({ status }) => status))) return instances;
    }
    return expect.unreachable();
  };
  return { rollcall, web, seen };
}

function webServer(): Server {
  const server = createServer((_, response) => response.end('ok'));
  cleanups.push(() => server.closeAllConnections(), () => server.close());
  return server;
}

describe('a server of node:http', () => {
  it('is registered with its port when it listens, drains, and is deregistered when it has closed', async () => {
    const { rollcall, seen } = await registry();
    const server = webServer();
    const registering = registerServer(rollcall, server, { service: 'web', drainMs: 0, signals: false });
    server.listen(0, '127.0.0.1');
    const { drain, close } = await registering;
    const [instance] = await seen((statuses) => statuses[0] === 'passing');
    expect(instance).toMatchObject({ address: '127.0.0.1', port: (server.address() as AddressInfo).port });
    await drain();
    await seen((statuses) => statuses[0] === 'draining');
    const response = await fetch(`http://127.0.0.1:${instance?.port}/`);
    // It still answers, but closes each connection after the answer.
    expect([await response.text(), response.headers.get('connection')]).toEqual(['ok', 'close']);
    await close();
    expect(server.listening).toBe(false);
    await seen((statuses) => statuses.length === 0);
  });

  it('finishes answers in progress before it is deregistered', async () => {
    const { rollcall } = await registry();
    const server = createServer((_, response) => void once(server, 'answer').then(() => response.end('late')));
    cleanups.push(() => server.closeAllConnections());
    server.listen(0, '127.0.0.1');
    const { close } = await registerServer(rollcall, server, { service: 'web', drainMs: 0, signals: false });
    const begun = once(server, 'request');
    const answer = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await begun;
    const closing = close();
    server.emit('answer');
    expect(await (await answer).text()).toBe('late');
    await closing;
  });

  it('aborts answers that take too long', async () => {
    const clock = manualClock();
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    const { rollcall } = recording();
    const { close } = await registerServer(rollcall, server, { service: 'web', drainMs: 0, closeMs: 500, signals: false }, { clock });
    const begun = once(server, 'request');
    const answer = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await begun;
    const closing = close();
    const closed = new AbortController();
    void closing.then(() => closed.abort());
    while (!closed.signal.aborted) {
      clock.advance(100);
      await new Promise((turn) => setImmediate(turn));
    }
    await expect(answer).rejects.toThrow();
    await closing;
  });

  it('drains no longer than usual when the registry is unreachable', async () => {
    const clock = manualClock();
    const server = webServer().listen(0);
    const { rollcall } = recording();
    const deaf: Registrar = { announce: (options) => ({ ...rollcall.announce(options), drain: () => new Promise(() => {}) }) };
    const { drain } = await registerServer(deaf, server, { service: 'web', drainMs: 500, signals: false }, { clock });
    let drained = false;
    const draining = drain().then(() => (drained = true));
    clock.advance(1_000);
    await new Promise((turn) => setImmediate(turn));
    clock.advance(499);
    await new Promise((turn) => setImmediate(turn));
    expect(drained).toBe(false);
    clock.advance(1);
    await draining;
  });

  it('has the address on which it listens, unless it listens on all', async () => {
    const { rollcall, asked } = recording();
    const server = webServer().listen(0);
    await registerServer(rollcall, server, { service: 'web', signals: false });
    expect(asked[0]).toEqual({ service: 'web', port: (server.address() as AddressInfo).port });
    await registerServer(rollcall, server, { service: 'web', address: 'web.example', port: 443, signals: false });
    expect(asked[1]).toEqual({ service: 'web', address: 'web.example', port: 443 });
  });

  it('closes on the process’s signal, and then removes its listener for it', async () => {
    const { rollcall, done } = recording();
    const server = webServer().listen(0);
    await registerServer(rollcall, server, { service: 'web', drainMs: 0, signals: ['SIGUSR2'] });
    // As long as other code listens for the signal, that code decides when to end the process.
    const other = () => {};
    process.on('SIGUSR2', other);
    cleanups.push(() => process.off('SIGUSR2', other));
    const closed = once(server, 'close');
    process.emit('SIGUSR2', 'SIGUSR2');
    await Promise.all([closed, done]);
    expect(process.listeners('SIGUSR2')).toEqual([other]);
  });

  it.each([{ drainMs: -1 }, { closeMs: NaN }, { health: { check: () => {}, intervalMs: 1 } }])('refuses %j', async (options) => {
    const server = webServer().listen(0);
    await expect(registerServer(recording().rollcall, server, { service: 'web', signals: false, ...options })).rejects.toThrow(/must be/);
  });
});

describe('health from a callback', () => {
  it('is sent at each interval: a returned status, a thrown error, or that no answer came', async () => {
    const clock = manualClock();
    const { rollcall, asked, beats, beat } = recording();
    const answers: (() => CheckStatus | void | Promise<never>)[] = [
      () => {},
      () => 'warning',
      () => {
        throw new Error('no database');
      },
      () => new Promise<never>(() => {}),
    ];
    let round = 0;
    const check = () => answers[round++]?.();
    const server = webServer().listen(0);
    await registerServer(rollcall, server, { service: 'web', health: { check, intervalMs: 1_000 }, signals: false }, { clock });
    expect(asked[0]?.checks).toEqual([{ name: 'health', ttlMs: 3_000 }]);
    await beat(1);
    for (const count of [2, 3]) {
      clock.advance(1_000);
      await beat(count);
    }
    clock.advance(1_000);
    clock.advance(1_000);
    await beat(4);
    expect(beats).toEqual([
      ['passing', ''],
      ['warning', ''],
      ['critical', 'no database'],
      ['critical', 'the health callback did not answer within 1000 ms'],
    ]);
  });

  it('makes the instance critical for callers', async () => {
    const { rollcall, seen } = await registry();
    const server = webServer().listen(0, '127.0.0.1');
    let healthy = true;
    const check = () => (healthy ? 'passing' : 'critical') as CheckStatus;
    const { close } = await registerServer(rollcall, server, { service: 'web', drainMs: 0, health: { check, intervalMs: 100 }, signals: false });
    await seen((statuses) => statuses[0] === 'passing');
    healthy = false;
    await seen((statuses) => statuses[0] === 'critical');
    await close();
  });
});

describe('frameworks', () => {
  it('Fastify registers when it listens and leaves when it closes', async () => {
    const { rollcall, web, seen } = await registry();
    const app = fastify();
    app.get('/', () => 'hello');
    await app.register(rollcallFastify, { rollcall, service: 'web', drainMs: 0 });
    await app.listen({ port: 0, host: '127.0.0.1' });
    await seen((statuses) => statuses[0] === 'passing');
    expect(await (await web.fetch('/')).text()).toBe('hello');
    await app.close();
    await seen((statuses) => statuses.length === 0);
  });

  it('a Fastify server that never listened closes', async () => {
    const { rollcall } = await registry();
    const app = fastify();
    await app.register(rollcallFastify, { rollcall, service: 'web', drainMs: 0 });
    await app.close();
  });

  it('Express is a server of node:http', async () => {
    const { rollcall, web, seen } = await registry();
    const app = express();
    app.get('/', (_, response) => void response.send('hello'));
    const server = app.listen(0, '127.0.0.1');
    const { close } = await registerServer(rollcall, server, { service: 'web', drainMs: 0, signals: false });
    await seen((statuses) => statuses[0] === 'passing');
    expect(await (await web.fetch('/')).text()).toBe('hello');
    await close();
  });

  it('Nest calls its lifecycle methods, the first before it listens', async () => {
    const { rollcall, seen } = await registry();
    const server = webServer();
    const life = new RollcallLifecycle(() => server, { rollcall, service: 'web', drainMs: 0 }, (error) => expect.unreachable(String(error)));
    life.onApplicationBootstrap();
    server.listen(0, '127.0.0.1');
    await seen((statuses) => statuses[0] === 'passing');
    await life.beforeApplicationShutdown();
    await seen((statuses) => statuses[0] === 'draining');
    server.close();
    await life.onApplicationShutdown();
    await seen((statuses) => statuses.length === 0);
  });
});

describe('a server that starts while the registry is unreachable is registered when the registry is back', () => {
  /** A client of a registry that does not run yet; `come` starts it, and waits for the server in the client's lists. */
  async function away() {
    const http = { port: await freePort() };
    // The address is known only then: the registry reports the client's address as it sees it.
    const rollcall = await connect({ servers: [`http://127.0.0.1:${http.port}`], onEvent: () => {} });
    cleanups.push(() => rollcall.close());
    const come = async () => {
      const registry = await createRegistry({ http });
      cleanups.push(() => registry.close());
      for await (const { instances } of rollcall.service('web').watch({ signal: AbortSignal.timeout(10_000) })) {
        if (instances[0]?.status === 'passing') return instances[0];
      }
      return expect.unreachable();
    };
    return { rollcall, come };
  }

  it('with registerServer, and its health is sent, too', async () => {
    const { rollcall, come } = await away();
    const server = webServer().listen(0, '127.0.0.1');
    const health = { check: () => {}, intervalMs: 100 };
    const { close } = await registerServer(rollcall, server, { service: 'web', drainMs: 0, signals: false, health });
    expect(await come()).toMatchObject({ port: (server.address() as AddressInfo).port });
    await close();
  });

  it('with Express', async () => {
    const { rollcall, come } = await away();
    const app = express();
    app.get('/', (_, response) => void response.send('hello'));
    const server = app.listen(0, '127.0.0.1');
    const { close } = await registerServer(rollcall, server, { service: 'web', drainMs: 0, signals: false });
    const { port } = await come();
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello');
    await close();
  });

  it('with Fastify, which listens and answers in the meantime', async () => {
    const { rollcall, come } = await away();
    const app = fastify();
    app.get('/', () => 'hello');
    await app.register(rollcallFastify, { rollcall, service: 'web', drainMs: 0 });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    expect(await (await fetch(url)).text()).toBe('hello');
    expect(await come()).toMatchObject({ port: Number(new URL(url).port) });
    await app.close();
  });

  it('with the lifecycle of Nest', async () => {
    const { rollcall, come } = await away();
    const server = webServer();
    const life = new RollcallLifecycle(() => server, { rollcall, service: 'web', drainMs: 0 }, (error) => expect.unreachable(String(error)));
    life.onApplicationBootstrap();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await come();
    await life.beforeApplicationShutdown();
    server.close();
    await life.onApplicationShutdown();
  });
});

it('a framework that is closed while its server is registered does not leave it registered', async () => {
  const { rollcall, done } = recording();
  let answer = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const slow: Registrar = { announce: (options) => ({ ...rollcall.announce(options), registered: () => answered }) };
  const server = webServer().listen(0);
  await once(server, 'listening');
  const life = new RollcallLifecycle(() => server, { rollcall: slow, service: 'web', drainMs: 0 }, (error) => expect.unreachable(String(error)));
  life.onApplicationBootstrap();
  const leaving = life.beforeApplicationShutdown();
  answer();
  await leaving;
  server.close();
  await life.onApplicationShutdown();
  await done;
});

/** A registry that records its requests. */
function recording() {
  const asked: RegisterOptions[] = [];
  const beats: [CheckStatus | undefined, string | undefined][] = [];
  const waiting: (() => void)[] = [];
  let finish = () => {};
  const done = new Promise<void>((resolve) => (finish = resolve));
  const registration: Registration = {
    ...{ id: 'web-1', service: 'web' },
    registered: () => Promise.resolve(),
    update: () => Promise.resolve(),
    drain: () => Promise.resolve(),
    beat: (_check, status, output) => {
      beats.push([status, output]);
      for (const resume of waiting.splice(0)) resume();
      return Promise.resolve();
    },
    close: () => Promise.resolve(finish()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const rollcall: Registrar = {
    announce(options) {
      asked.push(options);
      return registration;
    },
  };
  const beat = async (count: number) => {
    while (beats.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { rollcall, asked, beats, beat, done };
}
