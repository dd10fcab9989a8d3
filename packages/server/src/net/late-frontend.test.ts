/** Front ends whose program is loaded late, with programs of the test, on a real HTTP listener. */

import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { manualClock } from '../manual-clock.case.ts';
import type { Frontend } from './frontend.ts';
import { LateFrontend, loadSoon } from './late-frontend.ts';

interface Program {
  readonly late: LateFrontend;
  readonly url: string;
  /** Ends the loading that is under way. */
  readonly loaded: (frontend: Frontend) => void;
  readonly failed: (error: Error) => void;
  readonly loadings: () => number;
  readonly lines: readonly string[];
  /** Resolves when that many requests have arrived at the front end. */
  readonly arrived: (requests: number) => Promise<void>;
}

async function program(): Promise<Program> {
  const lines: string[] = [];
  let loadings = 0;
  const arrivals: string[] = [];
  let onArrival = () => {};
  let settle: { loaded: (frontend: Frontend) => void; failed: (error: Error) => void } = { loaded: () => {}, failed: () => {} };
  const late = new LateFrontend({
    name: 'finger',
    prefixes: ['/finger/'],
    log: pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) }),
    make() {
      loadings++;
      return new Promise((loaded, failed) => (settle = { loaded, failed }));
    },
  });
  const server = createHttpServer((request, response) => {
    late.http.handle({ request, response, path: request.url ?? '', query: '' });
    arrivals.push(request.url ?? '');
    onArrival();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    ...{ late, lines, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/finger/` },
    loaded: (frontend) => settle.loaded(frontend),
    failed: (error) => settle.failed(error),
    loadings: () => loadings,
    async arrived(requests) {
      while (arrivals.length < requests) await new Promise<void>((next) => (onArrival = next));
    },
  };
}

/** Notes what is called, and answers each request with `hello`. */
function finger(calls: string[] = [], prefixes = ['/finger/']): Frontend {
  return {
    name: 'finger',
    http: {
      prefixes,
      handle({ response }: { response: ServerResponse }) {
        calls.push('handle');
        response.end('hello');
      },
    },
    start: async () => void calls.push('start'),
    membersChanged: () => void calls.push('membersChanged'),
    drain: async () => void calls.push('drain'),
    close: async () => void calls.push('close'),
  };
}

test('is loaded once, by the first request; requests wait for it, and later ones go to it at once', async () => {
  const { url, loaded, loadings, arrived } = await program();
  const calls: string[] = [];
  const waiting = [fetch(url), fetch(url, { method: 'POST', body: 'x'.repeat(100_000) })];
  await arrived(2);
  expect(loadings()).toBe(1);
  loaded(finger(calls));
  for (const answer of await Promise.all(waiting)) expect(await answer.text()).toBe('hello');
  expect(await (await fetch(url)).text()).toBe('hello');
  expect(loadings()).toBe(1);
  expect(calls).toEqual(['start', 'handle', 'handle', 'handle']);
});

test.each<[string, (program: Program) => void]>([
  ['cannot be read', ({ failed }) => failed(Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' }))],
  ['serves other paths than the table says', ({ loaded }) => loaded(finger([], ['/elsewhere/']))],
])('whose program %s refuses its requests with the reason in the log, and is not loaded again', async (_name, end) => {
  const given = await program();
  const first = fetch(given.url);
  await given.arrived(1);
  end(given);
  expect((await first).status).toBe(503);
  expect(await (await first).text()).toBe('the program of finger could not be loaded; the log of this server says why, and a restart tries again\n');
  expect((await fetch(given.url)).status).toBe(503);
  expect(given.loadings()).toBe(1);
  expect(given.lines).toEqual([expect.stringMatching(/(?:EMFILE|has the prefixes).*could not be loaded/)]);
  await given.late.close();
});

test('does not give the front end a request whose client has gone', async () => {
  const { url, loaded, arrived, late } = await program();
  const calls: string[] = [];
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /finger/ HTTP/1.1\r\nHost: a\r\n\r\n');
  await arrived(1);
  socket.destroy();
  const second = fetch(url);
  await arrived(2);
  loaded(finger(calls));
  await second;
  await late.load();
  expect(calls).toEqual(['start', 'handle']);
});

test('that is closed while it is loaded answers what waits, then closes', async () => {
  const { url, loaded, arrived, late } = await program();
  const calls: string[] = [];
  const waiting = fetch(url);
  await arrived(1);
  const closed = late.close();
  loaded(finger(calls));
  await closed;
  expect(await (await waiting).text()).toBe('hello');
  expect(calls).toEqual(['start', 'handle', 'close']);
});

test('that is closed before any request is never loaded', async () => {
  const { url, loadings, late } = await program();
  await late.close();
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([503, 'the server is closing\n']);
  expect(loadings()).toBe(0);
});

test('learns that the node is draining, before and after it is loaded', async () => {
  const { loaded, late } = await program();
  const calls: string[] = [];
  late.membersChanged();
  await late.drain();
  const loading = late.load();
  loaded(finger(calls));
  await loading;
  late.membersChanged();
  await late.drain();
  expect(calls).toEqual(['start', 'drain', 'membersChanged', 'drain']);
});

test('is loaded a second after the start if no request came, one after another', async () => {
  const [one, two] = [await program(), await program()];
  const clock = manualClock();
  loadSoon([one.late, finger(), two.late], clock);
  clock.advance(999);
  expect(one.loadings()).toBe(0);
  clock.advance(1);
  expect([one.loadings(), two.loadings()]).toEqual([1, 0]);
  one.failed(new Error('no such module'));
  await one.late.load();
  await Promise.resolve();
  expect(two.loadings()).toBe(1);
});

test('is not loaded any more when the server stops within that second', async () => {
  const { late, loadings } = await program();
  const clock = manualClock();
  loadSoon([late], clock)();
  clock.advance(60_000);
  expect(loadings()).toBe(0);
});
