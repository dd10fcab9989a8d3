import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { manualClock } from '../../server/src/manual-clock.case.ts';
import { afterEach, describe, expect, it } from 'vitest';
import type { BalancerFactory, Outcome } from './balancer/balancer.ts';
import { inOrder } from './balancer/in-order.case.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Endpoint } from './endpoint.ts';
import { deadAuthority, serverOfTest, textOf } from './http/web-server.case.ts';
import { ServiceClient } from './service-client.ts';
import type { ServiceOptions } from './service-options.ts';
import { StaticSource } from './source/static-source.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface SetUp {
  readonly web: ServiceClient;
  readonly source: StaticSource;
  /** Requests in flight as the balancer sees them. */
  readonly inFlight: () => number;
  /** The outcomes that the balancer got. */
  readonly outcomes: readonly Pick<Outcome, 'latencyMs' | 'result'>[];
}

function client(authorities: readonly string[], options: ServiceOptions = {}, clock: Clock = systemClock): SetUp {
  const source = new StaticSource({ web: authorities });
  let endpoints: readonly Endpoint[] = [];
  const outcomes: Pick<Outcome, 'latencyMs' | 'result'>[] = [];
  const spied: BalancerFactory = (random) => {
    const balancer = (options.balancer ?? inOrder)(random);
    return {
      update: (list) => balancer.update((endpoints = [...list])),
      pick: (context) => balancer.pick(context),
      observe: (endpoint, outcome) => {
        outcomes.push({ latencyMs: outcome.latencyMs, result: outcome.result });
        balancer.observe(endpoint, outcome);
      },
    };
  };
  // Nothing is ejected unless the test is about that, so that the order stays.
  const web = new ServiceClient(source, 'web', { ejection: { maxShare: 0, unreachable: false }, ...options, balancer: spied }, { clock });
  cleanups.push(() => web.close());
  return { web, source, inFlight: () => endpoints.reduce((sum, { inFlight }) => sum + inFlight, 0), outcomes };
}

/** What `fetch` rejects with: a TypeError, whose cause has the code. */
const code = (expected: string) => expect.objectContaining({ name: 'TypeError', cause: expect.objectContaining({ code: expected }) as object });
const because = (message: RegExp) => expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringMatching(message) as string }) as object });

describe('a request', () => {
  it('goes to an instance by path, with its query, method, headers and body', async () => {
    const server = await serverOfTest(async (request, response) => {
      response.setHeader('x-seen', `${request.method} ${request.url} ${request.headers.host} ${String(request.headers['x-a'])}`);
      response.end(await textOf(request));
    });
    const { web, inFlight } = client([server.authority]);
    const response = await web.fetch('/a%20b?c=d', { method: 'POST', headers: { 'x-a': '1' }, body: 'hello' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-seen')).toBe(`POST /a%20b?c=d ${server.authority} 1`);
    expect(await response.text()).toBe('hello');
    expect(inFlight()).toBe(0);
  });

  it('may name a URL of the service’s own name, and of no other', async () => {
    const server = await serverOfTest((request, response) => response.end(request.url));
    const { web } = client([server.authority]);
    expect(await (await web.fetch(new URL('http://web.rollcall/x'))).text()).toBe('/x');
    expect(await (await web.fetch('http://web.rollcall/y')).text()).toBe('/y');
    for (const input of ['http://elsewhere.test/x', '//elsewhere.test/x', '/\\elsewhere.test/x', 'https://web.rollcall/x', 'http://']) {
      await expect(web.fetch(input)).rejects.toEqual(code('invalid_argument'));
    }
    expect(server.requests).toBe(2);
    expect(await (await web.fetch('/\t/elsewhere.test/z')).text()).toBe('//elsewhere.test/z');
  });

  it('is in flight until its answer was read', async () => {
    const server = await serverOfTest((_request, response) => {
      response.write('part');
      response.flushHeaders();
    });
    const { web, inFlight } = client([server.authority]);
    const response = await web.fetch('/');
    expect(inFlight()).toBe(1);
    await response.body?.cancel();
    expect(inFlight()).toBe(0);
  });

  it('follows a redirect to another path through the balancer, and to another host directly', async () => {
    const other = await serverOfTest((_request, response) => response.end('other'));
    const server = await serverOfTest((request, response) => {
      const location = request.url === '/out' ? `http://${other.authority}/` : '/in';
      if (request.url === '/in') response.end('in');
      else response.writeHead(307, { location }).end();
    });
    const { web } = client([await deadAuthority(), server.authority]);
    expect(await (await web.fetch('/start', { method: 'PUT', body: 'x' })).text()).toBe('in');
    expect(await (await web.fetch('/out')).text()).toBe('other');
  });

  it('waits for the first list, and fails at once when the list is empty', async () => {
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const source = new StaticSource();
    const web = new ServiceClient(source, 'web');
    cleanups.push(() => web.close());
    const early = web.fetch('/');
    source.set('web', [server.authority]);
    expect((await early).status).toBe(200);
    source.set('web', []);
    await expect(web.fetch('/')).rejects.toEqual(code('unavailable'));
  });

  it('is refused beyond the limit of requests in flight', async () => {
    const server = await serverOfTest(() => {});
    const { web } = client([server.authority], { requestsMax: 2 });
    const held = [web.fetch('/'), web.fetch('/')].map((promise) => promise.catch((error: unknown) => error));
    await expect(web.fetch('/')).rejects.toEqual(code('resource_exhausted'));
    await web.close();
    for (const outcome of held) expect(await outcome).toEqual(code('cancelled'));
  });

  it('fails as `fetch` does for invalid arguments, and contacts no instance', async () => {
    const server = await serverOfTest((_request, response) => response.end());
    const { web, inFlight } = client([server.authority]);
    await expect(web.fetch('/', { method: 'bad method' })).rejects.toThrow(TypeError);
    await expect(web.fetch('/', { headers: { connection: 'a b' } })).rejects.toThrow(TypeError);
    expect(server.requests).toBe(0);
    expect(inFlight()).toBe(0);
  });
});

describe('an instance that refuses connections', () => {
  it.each(['GET', 'POST'])('costs no %s request: nothing was sent', async (method) => {
    const server = await serverOfTest(async (request, response) => response.end(await textOf(request)));
    const { web, inFlight } = client([await deadAuthority(), server.authority]);
    const response = await web.fetch('/', method === 'GET' ? {} : { method, body: 'intact' });
    expect(await response.text()).toBe(method === 'GET' ? '' : 'intact');
    expect(inFlight()).toBe(0);
  });

  it('costs no request with a stream for a body: nothing of it was read', async () => {
    const server = await serverOfTest(async (request, response) => response.end(await textOf(request)));
    const { web } = client([await deadAuthority(), await deadAuthority(), server.authority]);
    async function* parts() {
      yield new TextEncoder().encode('one ');
      yield new TextEncoder().encode('two');
    }
    const response = await web.fetch('/', { method: 'POST', body: parts(), duplex: 'half' });
    expect(await response.text()).toBe('one two');
  });

  it('gets no further request: it is ejected at once', async () => {
    const server = await serverOfTest((_request, response) => response.end());
    const { web } = client([await deadAuthority(), server.authority], { ejection: {}, retryBudget: { perSecond: 0.1, share: 0 } });
    // The budget has one retry.
    for (let n = 0; n < 20; n++) expect((await web.fetch('/')).status).toBe(200);
  });

  it('is reported when it is the only one', async () => {
    const { web, inFlight } = client([await deadAuthority()]);
    await expect(web.fetch('/path')).rejects.toEqual(because(/GET \/path of web: no answer after one try, the last at 127\.0\.0\.1:\d+: .*ECONNREFUSED/));
    await expect(web.fetch('/', { method: 'POST', body: 'x' })).rejects.toEqual(code('unavailable'));
    expect(inFlight()).toBe(0);
  });

  it('is skipped, as are those without a port or a valid address', async () => {
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const { web } = client([server.authority]);
    const source = new StaticSource({ web: [{ address: '127.0.0.1', port: 0 }, { address: 'no such host', port: 80 }, server.authority] });
    const other = new ServiceClient(source, 'web', { balancer: inOrder, ejection: { maxShare: 0, unreachable: false } });
    cleanups.push(() => other.close());
    expect(await (await other.fetch('/')).text()).toBe('ok');
    expect((await web.fetch('/')).status).toBe(200);
  });
});

describe('an instance that breaks the connection', () => {
  it('costs no idempotent request', async () => {
    const broken = await serverOfTest((request) => request.socket.destroy());
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const { web, inFlight } = client([broken.authority, server.authority]);
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
      expect((await web.fetch('/', { method })).status).toBe(200);
    }
    expect([broken.requests, server.requests]).toEqual([5, 5]);
    expect(inFlight()).toBe(0);
  });

  it('may have applied a POST, which is therefore not sent again', async () => {
    const broken = await serverOfTest((request) => request.socket.destroy());
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const { web, inFlight } = client([broken.authority, server.authority]);
    for (const method of ['POST', 'PATCH']) {
      await expect(web.fetch('/', { method, body: 'x' })).rejects.toEqual(code('unknown_outcome'));
    }
    expect(server.requests).toBe(0);
    expect(inFlight()).toBe(0);
  });

  it.each([
    ['text', 'x'.repeat(200_000)],
    ['bytes', new Uint8Array(200_000).fill(120)],
    ['a stream', new Blob(['x'.repeat(100_000), 'x'.repeat(100_000)]).stream()],
    ['a blob', new Blob(['x'.repeat(200_000)])],
  ])('in the middle of a PUT with %s for a body: another instance gets the whole body', async (_what, body) => {
    const broken = await serverOfTest((request) => request.once('data', () => request.socket.resetAndDestroy()));
    const server = await serverOfTest(async (request, response) => response.end(String((await textOf(request)).length)));
    const { web } = client([broken.authority, server.authority]);
    const response = await web.fetch('/', { method: 'PUT', body: body as string, duplex: 'half' });
    expect(await response.text()).toBe('200000');
    expect(broken.requests).toBe(1);
  });

  it('after more of a body than is kept: the request is not sent again, and never in part', async () => {
    const broken = await serverOfTest((request) => {
      let read = 0;
      request.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > 150_000) request.socket.resetAndDestroy();
      });
    });
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const { web } = client([broken.authority, server.authority], { replayBytesMax: 100_000 });
    async function* parts() {
      for (let n = 0; n < 40; n++) yield new Uint8Array(10_000);
    }
    await expect(web.fetch('/', { method: 'PUT', body: parts(), duplex: 'half' })).rejects.toEqual(code('unavailable'));
    expect(server.requests).toBe(0);
  });

  it('that was kept alive, when the next request is sent: the request is sent again, to the same instance if necessary', async () => {
    // Answers the first request of each connection and drops it at the second.
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections += 1;
      let requests = 0;
      socket.on('error', () => {});
      socket.on('data', () => {
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.destroy();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(async () => void server.close());
    const { web } = client([`127.0.0.1:${(server.address() as AddressInfo).port}`]);
    for (let n = 1; n <= 3; n++) {
      expect(await (await web.fetch('/')).text()).toBe('ok');
      expect(connections).toBe(n);
    }
  });

  it('in the middle of its answer: the reader gets an error, nothing is retried, and it is ejected', async () => {
    const broken = await serverOfTest((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('part', () => response.destroy());
    });
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const { web, inFlight } = client([broken.authority, server.authority], { ejection: {} });
    const response = await web.fetch('/');
    await expect(response.text()).rejects.toThrow(TypeError);
    expect(inFlight()).toBe(0);
    expect(await (await web.fetch('/')).text()).toBe('ok');
    expect([broken.requests, server.requests]).toEqual([1, 1]);
  });
});

describe('an answer 502, 503 or 504', () => {
  it.each([502, 503, 504])('%i is retried elsewhere if the method is idempotent', async (status) => {
    const busy = await serverOfTest((_request, response) => response.writeHead(status).end('x'.repeat(100_000)));
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const { web, inFlight } = client([busy.authority, server.authority]);
    expect(await (await web.fetch('/')).text()).toBe('ok');
    const post = await web.fetch('/', { method: 'POST' });
    expect(post.status).toBe(status);
    expect((await post.text()).length).toBe(100_000);
    expect(inFlight()).toBe(0);
  });

  it('is passed on unchanged when all instances refuse', async () => {
    const servers = await Promise.all([1, 2].map((n) => serverOfTest((_request, response) => response.writeHead(503).end(`busy ${n}`))));
    const { web } = client(servers.map(({ authority }) => authority));
    const response = await web.fetch('/');
    expect(response.status).toBe(503);
    expect(await response.text()).toBe('busy 2');
    expect(servers.map(({ requests }) => requests)).toEqual([1, 1]);
  });

  it.each([500, 501, 429, 404])('is not %i, which is passed on', async (status) => {
    const failing = await serverOfTest((_request, response) => response.writeHead(status).end());
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const { web } = client([failing.authority, server.authority]);
    expect((await web.fetch('/')).status).toBe(status);
    expect(server.requests).toBe(0);
  });
});

describe('retries', () => {
  it('stop at the limit of tries', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => serverOfTest((request) => request.socket.destroy())));
    const total = () => servers.reduce((sum, { requests }) => sum + requests, 0);
    const { web } = client(servers.map(({ authority }) => authority));
    await expect(web.fetch('/')).rejects.toEqual(because(/no answer after 3 tries/));
    expect(total()).toBe(3);
    const { web: once } = client(servers.map(({ authority }) => authority), { triesMax: 1 });
    await expect(once.fetch('/')).rejects.toEqual(because(/no answer after one try/));
    expect(total()).toBe(4);
  });

  it('stop when the budget is spent: an outage of all instances does not triple the load', async () => {
    const servers = await Promise.all(Array.from({ length: 5 }, () => serverOfTest((request) => request.socket.destroy())));
    const { web } = client(servers.map(({ authority }) => authority), { retryBudget: { perSecond: 0 } });
    const count = 200;
    for (let n = 0; n < count; n++) await web.fetch('/').catch(() => undefined);
    const total = servers.reduce((sum, { requests }) => sum + requests, 0);
    expect(total).toBeGreaterThan(count * 1.15);
    expect(total).toBeLessThanOrEqual(count * 1.2);
  });
});

describe('a try that takes too long', () => {
  it('is cancelled, and another instance is tried', async () => {
    const hung = await serverOfTest(() => {});
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const clock = manualClock();
    const { web, inFlight } = client([hung.authority, server.authority], { tryTimeoutMs: 50 }, clock);
    const response = web.fetch('/');
    const post = web.fetch('/', { method: 'POST' }).catch((error: unknown) => error);
    await once(hung.server, 'request');
    if (hung.requests < 2) await once(hung.server, 'request');
    clock.advance(49);
    expect(inFlight()).toBe(2);
    clock.advance(1);
    expect(await (await response).text()).toBe('ok');
    expect(await post).toEqual(code('unknown_outcome'));
    expect([hung.requests, server.requests]).toEqual([2, 1]);
    expect(inFlight()).toBe(0);
  });

  it('is reported when there is no other instance, and frees the connection', async () => {
    const hung = await serverOfTest(() => {});
    const clock = manualClock();
    const { web, inFlight } = client([hung.authority], {}, clock);
    const outcome = web.fetch('/', { tryTimeoutMs: 20 }).catch((error: unknown) => error);
    await once(hung.server, 'request');
    const closed = Promise.all([...hung.sockets].map((socket) => once(socket, 'close')));
    clock.advance(20);
    expect(await outcome).toEqual(code('deadline_exceeded'));
    expect(inFlight()).toBe(0);
    await closed;
  });

  it('may have an answer whose body takes long', async () => {
    let finish = () => {};
    const server = await serverOfTest((_request, response) => {
      response.write('a');
      finish = () => response.end('b');
    });
    const clock = manualClock();
    const { web } = client([server.authority], { tryTimeoutMs: 30 }, clock);
    const response = await web.fetch('/');
    clock.advance(10_000);
    finish();
    expect(await response.text()).toBe('ab');
  });

  it('must have a limit above 0', async () => {
    const { web } = client([]);
    for (const tryTimeoutMs of [0, -1, Number.NaN]) {
      await expect(web.fetch('/', { tryTimeoutMs })).rejects.toEqual(code('invalid_argument'));
    }
  });
});

describe('an aborted request', () => {
  it('ends at once with the reason of the signal and frees its connection', async () => {
    const hung = await serverOfTest(() => {});
    const { web, inFlight } = client([hung.authority]);
    const controller = new AbortController();
    const outcome = web.fetch('/', { signal: controller.signal }).catch((error: unknown) => error);
    const [socket] = await once(hung.server, 'connection');
    await once(hung.server, 'request');
    const closed = once(socket, 'close');
    controller.abort(new Error('enough'));
    expect(await outcome).toEqual(new Error('enough'));
    expect(inFlight()).toBe(0);
    await closed;
    expect(hung.requests).toBe(1);
  });

  it('is not sent when the signal was aborted before', async () => {
    const server = await serverOfTest((_request, response) => response.end());
    const { web } = client([server.authority]);
    await expect(web.fetch('/', { signal: AbortSignal.abort() })).rejects.toHaveProperty('name', 'AbortError');
    expect(server.requests).toBe(0);
  });

  it('has one deadline for all tries with AbortSignal.timeout', async () => {
    const hung = await serverOfTest(() => {});
    const { web } = client([hung.authority, hung.authority.replace('127.0.0.1', 'localhost')], { tryTimeoutMs: 10_000 });
    const outcome = web.fetch('/', { signal: AbortSignal.timeout(30) });
    await expect(outcome).rejects.toHaveProperty('name', 'TimeoutError');
  });
});

describe('the balancer gets', () => {
  it.each([
    [200, 'ok'],
    [404, 'ok'],
    [429, 'failed'],
    [500, 'failed'],
    [503, 'failed'],
  ])('a status %i as %s', async (status, result) => {
    const server = await serverOfTest((_request, response) => response.writeHead(status).end());
    const { web, outcomes } = client([server.authority]);
    await (await web.fetch('/')).text();
    expect(outcomes.map((outcome) => outcome.result)).toEqual([result]);
  });

  it('the time to the headers, not to the end', async () => {
    let answer = () => {};
    let finish = () => {};
    const server = await serverOfTest((_request, response) => {
      answer = () => response.write('a');
      finish = () => response.end('b');
    });
    const clock = manualClock();
    const { web, outcomes } = client([server.authority], {}, clock);
    const response = web.fetch('/');
    await once(server.server, 'request');
    clock.advance(40);
    answer();
    const { body } = await response;
    expect(outcomes).toEqual([{ latencyMs: 40, result: 'ok' }]);
    clock.advance(1000);
    finish();
    for await (const _chunk of body ?? []);
    expect(outcomes).toHaveLength(1);
  });

  it('the result of each try', async () => {
    const busy = await serverOfTest((_request, response) => response.writeHead(503).end());
    const broken = await serverOfTest((request) => request.socket.destroy());
    const { web, outcomes } = client([await deadAuthority(), busy.authority, broken.authority]);
    await web.fetch('/').catch(() => undefined);
    expect(outcomes.map(({ result }) => result)).toEqual(['unreachable', 'failed', 'broken']);
  });

  it.each([
    ['gave up', new Error('enough'), 'cancelled'],
    ['had a deadline', new DOMException('late', 'TimeoutError'), 'failed'],
  ])('when the caller %s', async (_what, reason, result) => {
    const hung = await serverOfTest(() => {});
    const { web, outcomes } = client([hung.authority]);
    const controller = new AbortController();
    const outcome = web.fetch('/', { signal: controller.signal }).catch(() => undefined);
    await once(hung.server, 'request');
    controller.abort(reason);
    await outcome;
    expect(outcomes.map((heard) => heard.result)).toEqual([result]);
  });
});

describe('connections', () => {
  it('are kept alive, and closed when their instance leaves the list', async () => {
    const server = await serverOfTest((_request, response) => response.end('ok'));
    const other = await serverOfTest((_request, response) => response.end('other'));
    const { web, source } = client([server.authority]);
    for (let n = 0; n < 10; n++) await (await web.fetch('/')).text();
    // Undici looks at a connection once more before it uses it again, and may use another meanwhile.
    expect(server.sockets.size).toBeLessThanOrEqual(2);
    const closed = Promise.all([...server.sockets].map((socket) => once(socket, 'close')));
    source.set('web', [other.authority]);
    await closed;
    expect(await (await web.fetch('/')).text()).toBe('other');
  });

  it('with an answer under way survive that their instance leaves the list', async () => {
    let finish = () => {};
    const server = await serverOfTest((_request, response) => {
      response.write('first ');
      finish = () => response.end('last');
    });
    const { web, source } = client([server.authority]);
    const response = await web.fetch('/');
    source.set('web', []);
    finish();
    expect(await response.text()).toBe('first last');
  });

  it('to instances that left the list break with the client, too', async () => {
    const server = await serverOfTest((_request, response) => response.write('first '));
    const { web, source } = client([server.authority]);
    const response = await web.fetch('/');
    source.set('web', []);
    await web.close();
    await expect(response.text()).rejects.toThrow(TypeError);
  });

  it('close with the client, which then refuses requests', async () => {
    const hung = await serverOfTest(() => {});
    const { web } = client([hung.authority, hung.authority.replace('127.0.0.1', 'localhost')]);
    const outcome = web.fetch('/').catch((error: unknown) => error);
    await once(hung.server, 'request');
    await web.close();
    expect(await outcome).toEqual(code('cancelled'));
    expect(hung.requests).toBe(1);
    await expect(web.fetch('/')).rejects.toEqual(code('failed_precondition'));
    await web.close();
  });
});
