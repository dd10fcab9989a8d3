import { afterEach, expect, it } from 'vitest';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { anInstance } from '../balancer/simulation.case.ts';
import { Endpoint } from '../endpoint.ts';
import { loadHeader, loadPath } from '../load-report/load-report.ts';
import { connectingOf } from './connecting.ts';
import { loadProbing } from './load-probing.ts';
import { Transport } from './transport.ts';
import { deadAuthority, serverOfTest } from './web-server.case.ts';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function setUp() {
  const clock = manualClock();
  const transport = new Transport('web', connectingOf(1000));
  cleanups.push(() => transport.destroy(new Error('over')));
  return { clock, transport, probing: loadProbing(transport, clock) };
}

const at = (authority: string) => new Endpoint(anInstance('a', { address: '127.0.0.1', port: Number(authority.split(':')[1]) }));

it.each([200, 204, 404])('takes the report from the header, with status %i, and keeps the connection', async (status) => {
  const paths: (string | undefined)[] = [];
  const server = await serverOfTest((request, response) => {
    paths.push(request.url);
    response.writeHead(status, { [loadHeader]: `TEXT named_metrics.rif=${paths.length}` }).end(status === 204 ? undefined : 'text');
  });
  const { probing } = setUp();
  const endpoint = at(server.authority);
  expect(await probing.probe(endpoint)).toEqual({ inFlight: 1 });
  expect(await probing.probe(endpoint)).toEqual({ inFlight: 2 });
  expect(paths).toEqual([loadPath, loadPath]);
  expect(server.sockets.size).toBeLessThanOrEqual(2);
});

it('does not ask again for a minute where the answer has no report', async () => {
  const server = await serverOfTest((_request, response) => response.end('a page'));
  const { clock, probing } = setUp();
  const endpoint = at(server.authority);
  expect(await probing.probe(endpoint)).toBeUndefined();
  clock.advance(59_000);
  expect(await probing.probe(endpoint)).toBeUndefined();
  expect(server.requests).toBe(1);
  clock.advance(2000);
  expect(await probing.probe(endpoint)).toBeUndefined();
  expect(server.requests).toBe(2);
});

it('resolves even without a listener, or when the connection breaks', async () => {
  const broken = await serverOfTest((request) => request.socket.destroy());
  const { clock, probing } = setUp();
  expect(await probing.probe(at(await deadAuthority()))).toBeUndefined();
  const endpoint = at(broken.authority);
  expect(await probing.probe(endpoint)).toBeUndefined();
  expect(await probing.probe(endpoint)).toBeUndefined();
  expect(broken.requests).toBe(1);
  clock.advance(6000);
  expect(await probing.probe(endpoint)).toBeUndefined();
  expect(broken.requests).toBe(2);
});

it('resolves when the client is closed meanwhile', async () => {
  const server = await serverOfTest(() => {});
  const { transport, probing } = setUp();
  const probe = probing.probe(at(server.authority));
  await transport.destroy(new Error('closed'));
  expect(await probe).toBeUndefined();
});
