import { EventEmitter, once } from 'node:events';
import { type ClientRequest, request as httpRequest } from 'node:http';
import axios from 'axios';
import { type Dispatcher, fetch, getGlobalDispatcher, interceptors, request, setGlobalDispatcher } from 'undici';
import { WebSocketServer } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import type { BalancerFactory, OutcomeResult } from '../balancer/balancer.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { deadAuthority, textOf, type WebServer, webServer } from '../http/web-server.case.ts';
import { ServiceClient } from '../service-client.ts';
import { StaticSource } from '../source/static-source.ts';
import { serviceDispatcher } from './dispatcher.ts';
import { ServiceAgent } from './http-agent.ts';
import { serviceOfHost } from './service-host.ts';
import { openWebSocket } from './web-socket.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serve(name: string): Promise<WebServer> {
  const server = await webServer(async (incoming, response) => {
    const body = await textOf(incoming);
    response.setHeader('x-from', name);
    response.end(`${incoming.method} ${incoming.url} ${body}`);
  });
  cleanups.push(() => server.kill());
  return server;
}

function services(authorities: readonly string[]) {
  const web = new ServiceClient(new StaticSource({ web: authorities }), 'web', { balancer: roundRobin(), hedging: false });
  cleanups.push(() => web.close());
  return { web, find: (name: string) => (name === 'web' ? web : expect.unreachable(`asked for ${name}`)) };
}

it.each([
  ['orders.rollcall', 'orders', undefined],
  ['Orders.Rollcall', 'orders', undefined],
  ['a.b.rollcall', 'a.b', undefined],
  ['orders.team-a.ns.rollcall', 'orders', 'team-a'],
  ['a.b.Team-A.ns.rollcall', 'a.b', 'team-a'],
  ['a.ns.rollcall', 'a.ns', undefined],
  ['ns.rollcall', 'ns', undefined],
])('%s is the service %s in the namespace %s', (host, name, namespace) => {
  expect(serviceOfHost(host)).toEqual({ name, namespace });
});

it.each(['.rollcall', 'rollcall', 'orders.rollcall.example'])('%s is not the name of a service', (host) => {
  expect(serviceOfHost(host)).toBeUndefined();
});

describe('the dispatcher', () => {
  async function setUp() {
    const [a, b] = [await serve('a'), await serve('b')];
    const dispatcher = serviceDispatcher(services([a.authority, b.authority]).find);
    cleanups.push(() => dispatcher.close());
    return { dispatcher, a, b };
  }

  it('balances undici.request and undici’s fetch', async () => {
    const { dispatcher } = await setUp();
    const from = new Set();
    for (let n = 0; n < 2; n++) {
      const { headers, body } = await request('http://web.rollcall/x?y', { method: 'POST', body: 'hello', dispatcher });
      expect(await body.text()).toBe('POST /x?y hello');
      from.add(headers['x-from']);
    }
    expect(from).toEqual(new Set(['a', 'b']));
    expect(await (await fetch('http://web.rollcall/z', { dispatcher })).text()).toBe('GET /z ');
  });

  it('applies its options to requests, fixed or derived from the request, and refuses unknown ones', async () => {
    const dead = await deadAuthority();
    const { find } = services([dead, dead]);
    const post = { method: 'POST' as const, body: 'x' };
    const tries = async (options: Parameters<typeof serviceDispatcher>[1]) => {
      const dispatcher = serviceDispatcher(find, options);
      cleanups.push(() => dispatcher.close());
      return request('http://web.rollcall/', { ...post, dispatcher }).then(() => 'answered', ({ message }: Error) => message);
    };
    expect(await tries({ triesMax: 1 })).toContain('after one try');
    expect(await tries(({ method }) => ({ triesMax: method === 'POST' ? 1 : 3 }))).toContain('after one try');
    const refusal = 'a request has no option tries; did you mean triesMax?';
    expect(await tries(() => ({ tries: 1 }) as object)).toBe(refusal);
    await expect(tries({ tries: 1 } as object)).rejects.toThrow(refusal);
  });

  it('sends requests to other hosts unchanged', async () => {
    const { dispatcher } = await setUp();
    const other = await serve('other');
    const { headers, body } = await request(`http://${other.authority}/`, { dispatcher });
    await body.dump();
    expect(headers['x-from']).toBe('other');
  });

  it('works below interceptors, which use the other form of handlers', async () => {
    const { dispatcher } = await setUp();
    const composed = dispatcher.compose(interceptors.responseError());
    const { statusCode, body } = await request('http://web.rollcall/x', { dispatcher: composed });
    expect([statusCode, await body.text()]).toEqual([200, 'GET /x ']);
  });

  it('serves Node’s global fetch when it is the global dispatcher', async () => {
    const { dispatcher } = await setUp();
    const before = getGlobalDispatcher();
    cleanups.push(() => setGlobalDispatcher(before));
    setGlobalDispatcher(dispatcher);
    expect(await (await globalThis.fetch('http://web.rollcall/g')).text()).toBe('GET /g ');
  });

  it('tries another instance, as fetch of the service does', async () => {
    const b = await serve('b');
    const dispatcher = serviceDispatcher(services([await deadAuthority(), b.authority]).find);
    cleanups.push(() => dispatcher.close());
    for (let n = 0; n < 3; n++) {
      const { headers, body } = await request('http://web.rollcall/', { dispatcher });
      await body.dump();
      expect(headers['x-from']).toBe('b');
    }
  });

  it('waits for the first list, but not after the caller aborted', async () => {
    const a = await serve('a');
    const source = new StaticSource();
    const web = new ServiceClient(source, 'web');
    const dispatcher = serviceDispatcher(() => web);
    cleanups.push(() => dispatcher.close(), () => web.close());
    const abort = new AbortController();
    const left = request('http://web.rollcall/', { dispatcher, signal: abort.signal });
    const stays = request('http://web.rollcall/', { dispatcher });
    abort.abort();
    await expect(left).rejects.toThrow(/abort/i);
    source.set('web', [a.authority]);
    const { statusCode, body } = await stays;
    await body.dump();
    expect([statusCode, a.requests]).toEqual([200, 1]);
  });

  it.each([
    ['https://web.rollcall/', /not all instances are asked over TLS/],
    ['http://web.rollcall:8080/', /has no port/],
  ])('refuses %s', async (url, message) => {
    const { dispatcher } = await setUp();
    await expect(request(url, { dispatcher })).rejects.toThrow(message);
  });
});

describe('the agent', () => {
  it('chooses an instance for each request of axios, over kept connections', async () => {
    const [a, b] = [await serve('a'), await serve('b')];
    const httpAgent = new ServiceAgent(services([a.authority, b.authority]).find);
    cleanups.push(() => httpAgent.destroy());
    const http = axios.create({ httpAgent, proxy: false });
    const from = [];
    for (let n = 0; n < 4; n++) {
      const { data, headers } = await http.post('http://web.rollcall/x', 'hi');
      expect(data).toBe('POST /x hi');
      from.push(headers['x-from']);
    }
    expect(from.filter((name) => name === 'a')).toHaveLength(2);
    expect([a.sockets.size, b.sockets.size]).toEqual([1, 1]);
  });

  it('leaves out an instance that refused a connection', async () => {
    const b = await serve('b');
    const { web, find } = services([await deadAuthority(), b.authority]);
    const httpAgent = new ServiceAgent(find);
    cleanups.push(() => httpAgent.destroy());
    const outcomes = [];
    for (let n = 0; n < 6; n++) {
      outcomes.push(await axios.get('http://web.rollcall/', { httpAgent, proxy: false }).then(() => 'ok', () => 'failed'));
    }
    expect(outcomes.filter((outcome) => outcome === 'failed').length).toBeLessThanOrEqual(1);
    expect(web.pick().port).toBe(Number(b.authority.split(':')[1]));
  });

  it('serves other hosts, too', async () => {
    const other = await serve('other');
    const httpAgent = new ServiceAgent(services([]).find);
    cleanups.push(() => httpAgent.destroy());
    expect((await axios.get(`http://${other.authority}/`, { httpAgent, proxy: false })).headers['x-from']).toBe('other');
  });

  it('fails a request when there is no instance', async () => {
    const agent = new ServiceAgent(services([]).find);
    cleanups.push(() => agent.destroy());
    const [error] = await once(httpRequest('http://web.rollcall/', { agent }).end(), 'error');
    expect((error as Error).message).toMatch(/no instance of web/);
  });
});

describe('the agent reports to the balancer', () => {
  /** Counts the outcomes that the balancer gets. */
  async function setUp(listener: Parameters<typeof webServer>[0]) {
    const server = await webServer(listener);
    cleanups.push(() => server.kill());
    const heard: OutcomeResult[] = [];
    const told = new EventEmitter();
    const balancer: BalancerFactory = (random) => {
      const inner = roundRobin()(random);
      return {
        update: (endpoints) => inner.update(endpoints),
        pick: (context) => inner.pick(context),
        observe: (_endpoint, { result }) => {
          heard.push(result);
          told.emit('one');
        },
      };
    };
    const web = new ServiceClient(new StaticSource({ web: [server.authority] }), 'web', { balancer });
    const agent = new ServiceAgent(() => web);
    cleanups.push(() => web.close(), () => agent.destroy());
    return { server, heard, agent, one: () => once(told, 'one') };
  }

  it('an instance that broke the connection', async () => {
    const { heard, agent } = await setUp((incoming) => incoming.socket.resetAndDestroy());
    await once(httpRequest('http://web.rollcall/', { agent }).end(), 'error');
    expect(heard).toEqual(['broken']);
  });

  it.each([
    ['destroys it', (request: ClientRequest) => request.destroy(), 'cancelled'],
    ['destroys it for a reason', (request: ClientRequest) => request.destroy(new Error('enough')), 'cancelled'],
    ['has waited for too long', (request: ClientRequest) => request.destroy(Object.assign(new Error('late'), { code: 'ETIMEDOUT' })), 'failed'],
  ])('a caller who %s', async (_, leave, result) => {
    let arrived = () => {};
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const { heard, agent } = await setUp(() => arrived());
    const request = httpRequest('http://web.rollcall/', { agent }).end();
    await arrival;
    const closed = once(request, 'close').catch(() => {});
    request.on('error', () => {});
    leave(request);
    await closed;
    expect(heard).toEqual([result]);
  });

  it('axios, cancelled and timed out', async () => {
    const arrivals = new EventEmitter();
    const { heard, agent: httpAgent } = await setUp(() => arrivals.emit('one'));
    const abort = new AbortController();
    const arrived = once(arrivals, 'one');
    const cancelled = axios.get('http://web.rollcall/', { httpAgent, proxy: false, signal: abort.signal }).catch(() => {});
    await arrived;
    abort.abort();
    await cancelled;
    await axios.get('http://web.rollcall/', { httpAgent, proxy: false, timeout: 20 }).catch(() => {});
    expect(heard).toEqual(['cancelled', 'failed']);
  });

  it('an upgrade as an answer', async () => {
    const { server, heard, agent } = await setUp(() => {});
    server.server.on('upgrade', (_incoming, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'));
    const request = httpRequest('http://web.rollcall/', { agent, headers: { connection: 'upgrade', upgrade: 'x' } }).end();
    request.on('upgrade', (_response, socket) => socket.destroy());
    await once(request, 'close');
    expect(heard).toEqual(['ok']);
  });

  it('an answer without a reader, whose connection becomes free again', async () => {
    const { server, agent, one } = await setUp((_incoming, response) => response.end('x'.repeat(100_000)));
    const freed = once(agent, 'free');
    httpRequest('http://web.rollcall/', { agent }).end();
    await Promise.all([one(), freed]);
    expect(server.requests).toBe(1);
  });
});

it('the agent passes the header that chooses a canary', async () => {
  const [a, b] = [await serve('a'), await serve('b')];
  const at = (authority: string, version: string) => ({ address: '127.0.0.1', port: Number(authority.split(':')[1]), meta: { version } });
  const source = new StaticSource({ web: [at(a.authority, '1'), at(b.authority, '2')] });
  const web = new ServiceClient(source, 'web', { routing: { canary: { select: { version: '2' }, share: 0, header: 'x-canary' } } });
  const httpAgent = new ServiceAgent(() => web);
  cleanups.push(() => web.close(), () => httpAgent.destroy());
  const ask = async (headers: Record<string, string>) => (await axios.get('http://web.rollcall/', { httpAgent, proxy: false, headers })).headers['x-from'];
  expect([await ask({}), await ask({ 'X-Canary': 'always' })]).toEqual(['a', 'b']);
});

it('the dispatcher tells its caller when the client is closed, and when it has no origin', async () => {
  const { web, find } = services(['127.0.0.1:1']);
  const dispatcher = serviceDispatcher(find);
  cleanups.push(() => dispatcher.close());
  await web.close();
  const errors: Error[] = [];
  const handler = { onError: (error: Error) => errors.push(error) } as unknown as Dispatcher.DispatchHandler;
  expect(dispatcher.dispatch({ origin: 'http://web.rollcall', path: '/', method: 'GET' }, handler)).toBe(true);
  expect(errors[0]?.message).toMatch(/the client of web is closed/);
  await expect(dispatcher.request({ path: '/', method: 'GET' } as Dispatcher.RequestOptions)).rejects.toThrow(/origin/);
});

describe('a WebSocket', () => {
  async function chat() {
    const server = await webServer(() => {});
    const sockets = new WebSocketServer({ server: server.server });
    sockets.on('connection', (socket, incoming) => socket.on('message', (data: Buffer) => socket.send(`${incoming.url}: ${data.toString()}`)));
    cleanups.push(() => server.kill());
    return server;
  }

  it('is opened to an instance that accepts it, and counts as in flight until it is closed', async () => {
    const server = await chat();
    const { web } = services([await deadAuthority(), server.authority]);
    const socket = await openWebSocket(web, '/chat?room=1');
    socket.send('hi');
    const [data] = await once(socket, 'message');
    expect(String(data)).toBe('/chat?room=1: hi');
    socket.close();
    await once(socket, 'close');
  });

  it('fails when no instance accepts it', async () => {
    const { web } = services([await deadAuthority(), await deadAuthority()]);
    await expect(openWebSocket(web, '/chat')).rejects.toThrow(/in 2 tries/);
  });

  it.each([[404, 1], [503, 2]])('is tried at another instance unless all would answer the same: status %i, %i tries', async (status, asked) => {
    const servers = [await webServer(() => {}), await webServer(() => {})];
    let asks = 0;
    for (const server of servers) {
      cleanups.push(() => server.kill());
      server.server.on('upgrade', (_incoming, socket) => {
        asks += 1;
        socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
      });
    }
    const { web } = services(servers.map(({ authority }) => authority));
    await expect(openWebSocket(web, '/chat')).rejects.toThrow(`the handshake was answered with ${status}`);
    expect(asks).toBe(asked);
    // The balancer leaves out no instance: they all answered.
    const picks = [web.pick(), web.pick()];
    expect(new Set(picks.map(({ port }) => port)).size).toBe(2);
  });

  it('that cannot be opened does not count as in flight', async () => {
    const { web } = services(['127.0.0.1:1']);
    await expect(openWebSocket(web, '/', { protocols: ['a', 'a'] })).rejects.toThrow(SyntaxError);
    const picked = web.pick();
    expect((picked as unknown as { endpoint: { inFlight: number } }).endpoint.inFlight).toBe(1);
    picked.done();
  });

  it('may break without a listener for errors; the program continues', async () => {
    const server = await chat();
    const { web } = services([server.authority]);
    const socket = await openWebSocket(web, '/', { messageBytesMax: 4 });
    socket.send('long');
    // Not `once`, which listens for errors.
    await new Promise((closed) => socket.on('close', closed));
  });

  it('is abandoned when the signal aborts', async () => {
    const deaf = await webServer(() => {});
    deaf.server.on('upgrade', () => {});
    cleanups.push(() => deaf.kill());
    const abort = new AbortController();
    const upgrading = once(deaf.server, 'upgrade');
    const opening = openWebSocket(services([deaf.authority]).web, '/', { signal: abort.signal });
    await upgrading;
    abort.abort(new Error('enough'));
    await expect(opening).rejects.toThrow('enough');
  });
});
