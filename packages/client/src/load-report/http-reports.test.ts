import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { prequal } from '../balancer/prequal.ts';
import { ServiceClient } from '../service-client.ts';
import { StaticSource } from '../source/static-source.ts';
import { fastifyReports, httpReports } from './http-reports.ts';
import { LoadMeter } from './load-meter.ts';
import { loadHeader, loadPath, parseLoadReport } from './load-report.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const reportOf = ({ headers }: { headers: { get(name: string): string | null } }) => parseLoadReport(headers.get(loadHeader) ?? '');

interface App {
  readonly meter: LoadMeter;
  readonly counts: (request: IncomingMessage) => boolean;
}

/** The routes of each server: `/ok`, `/fail` and `/hang` (until the test answers). */
type Held = (status: number) => void;

const frameworks: Record<string, (app: App, hold: (held: Held) => void) => Promise<string>> = {
  async 'node:http'({ meter, counts }, hold) {
    const reports = httpReports({ meter, counts });
    const handle: RequestListener = (request, response) => {
      if (request.url === '/ok') response.end('ok');
      else if (request.url === '/fail') response.writeHead(500).end();
      else if (request.url === '/hang') hold((status) => response.writeHead(status, { 'x-own': '1' }).end('late'));
      else response.writeHead(404).end();
    };
    return listen(createServer((request, response) => reports(request, response, () => handle(request, response))));
  },
  async Express({ meter, counts }, hold) {
    const app = express();
    app.use(httpReports({ meter, counts }));
    app.get('/ok', (_request, response) => void response.send('ok'));
    app.get('/fail', (_request, response) => void response.status(500).end());
    app.get('/hang', (_request, response) => hold((status) => void response.status(status).set('x-own', '1').send('late')));
    return listen(createServer(app));
  },
  async Fastify({ meter, counts }, hold) {
    const app = fastify();
    app.addHook('onRequest', fastifyReports({ meter, counts }));
    app.get('/ok', async () => 'ok');
    app.get('/fail', async (_request, reply) => reply.code(500).send());
    app.get('/hang', (_request, reply) => hold((status) => void reply.code(status).header('x-own', '1').send('late')));
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    cleanups.push(() => app.close());
    return url;
  },
};

describe.each(Object.entries(frameworks))('%s', (_name, start) => {
  async function setUp(counts: (request: IncomingMessage) => boolean = () => true) {
    const clock = manualClock();
    const meter = new LoadMeter(clock);
    const held: Held[] = [];
    let heard = () => {};
    const url = await start({ meter, counts }, (one) => {
      held.push(one);
      heard();
    });
    const hanging = (count: number) =>
      new Promise<void>((resolve) => {
        heard = () => held.length >= count && resolve();
        heard();
      });
    return { clock, meter, url, held, hanging };
  }

  it('reports with each answer the load at the time the answer begins', async () => {
    const { clock, url, held, hanging } = await setUp();
    const [first, second] = [fetch(`${url}/hang`), fetch(`${url}/hang`)];
    await hanging(2);
    clock.advance(40);
    held[0]!(200);
    const one = await Promise.race([first, second]);
    expect(reportOf(one)).toEqual({ inFlight: 1 });
    expect(one.headers.get('x-own')).toBe('1');
    expect(await one.text()).toBe('late');
    clock.advance(20);
    held[1]!(200);
    const two = (await Promise.all([first, second])).find((response) => response !== one)!;
    expect(reportOf(two)).toEqual({ inFlight: 0, latencyMs: 40 });
    await two.text();
  });

  it('answers a load probe itself, and does not count it', async () => {
    const { clock, url, held, hanging } = await setUp();
    const hung = fetch(`${url}/hang`);
    await hanging(1);
    const asked = await fetch(url + loadPath);
    expect([asked.status, reportOf(asked), await asked.text()]).toEqual([204, { inFlight: 1 }, '']);
    expect(asked.headers.get('cache-control')).toBe('no-store');
    clock.advance(30);
    held[0]!(200);
    await (await hung).text();
    expect(reportOf(await fetch(url + loadPath, { method: 'HEAD' }))).toEqual({ inFlight: 0, latencyMs: 30 });
  });

  it('counts down after every outcome of a request, and does not count fast failures as low latency', async () => {
    const { meter, url, hanging } = await setUp();
    expect(reportOf(await fetch(`${url}/fail`))).toEqual({ inFlight: 0 });
    expect(reportOf(await fetch(`${url}/nowhere`))).toMatchObject({ inFlight: 0 });
    const controller = new AbortController();
    const given = fetch(`${url}/hang`, { signal: controller.signal }).catch((error: unknown) => error);
    await hanging(1);
    expect(meter.inFlight).toBe(1);
    controller.abort();
    await given;
    // The server learns of it from the connection, so the test asks until it has.
    let report = reportOf(await fetch(url + loadPath));
    while (report?.inFlight !== 0) report = reportOf(await fetch(url + loadPath));
    expect(meter.inFlight).toBe(0);
  });

  it('does not count the requests that `counts` leaves out, but adds reports to their answers', async () => {
    const { url, held, hanging } = await setUp(({ url: path }) => path !== '/hang');
    const hung = fetch(`${url}/hang`);
    await hanging(1);
    expect(reportOf(await fetch(url + loadPath))).toEqual({ inFlight: 0 });
    held[0]!(200);
    expect((await hung).status).toBe(200);
  });
});

it('reports when headers are written by the first byte of the body', async () => {
  const reports = httpReports();
  const url = await listen(
    createServer((request, response) =>
      reports(request, response, () => {
        response.statusCode = 201;
        response.write('a');
        response.end('b');
      }),
    ),
  );
  const response = await fetch(url);
  expect([response.status, reportOf(response), await response.text()]).toEqual([201, { inFlight: 0 }, 'ab']);
});

it('keeps a reason phrase and raw headers that the application writes', async () => {
  const reports = httpReports();
  const url = await listen(
    createServer((request, response) => reports(request, response, () => response.writeHead(200, 'Fine', ['x-a', '1', 'x-b', '2']).end())),
  );
  const response = await new Promise<IncomingMessage>((resolve) => httpRequest(url, resolve).end());
  response.resume();
  expect(response.statusMessage).toBe('Fine');
  expect(response.headers).toMatchObject({ 'x-a': '1', 'x-b': '2', [loadHeader]: 'TEXT named_metrics.rif=0' });
});

it('lets Prequal avoid a server that other clients load, although it sends few requests there itself', async () => {
  const others = new LoadMeter();
  const busy = Array.from({ length: 50 }, () => others.begin());
  const asked = [0, 0, 0];
  const serve = (index: number, meter?: LoadMeter) => {
    const reports = httpReports({ ...(meter && { meter }), counts: () => meter === undefined });
    return listen(createServer((request: IncomingMessage, response: ServerResponse) => reports(request, response, () => {
      asked[index]! += 1;
      // A server reports also with answers to requests that do not count.
      if (meter !== undefined) response.setHeader(loadHeader, `TEXT named_metrics.rif=${meter.inFlight}`);
      response.end();
    })));
  };
  const urls = await Promise.all([serve(0, others), serve(1), serve(2)]);
  const source = new StaticSource({ web: urls.map((url) => new URL(url).host) });
  const web = new ServiceClient(source, 'web', { balancer: prequal({ probesPerRequest: 1 }) }, { random: () => 0.5 });
  cleanups.push(() => web.close());
  for (let n = 0; n < 100; n++) await (await web.fetch('/')).text();
  expect(asked[0]).toBeLessThan(15);
  expect(asked[1]! + asked[2]!).toBeGreaterThan(85);
  for (const one of busy) one.end('ok');
});
