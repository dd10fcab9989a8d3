import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from '@rollcall/server';
import { manualClock } from '../../../server/src/manual-clock.case.ts';
import { connect } from '../connect.ts';
import { DnsSource, type DnsSourceOptions, type ServiceRecord } from './dns-source.ts';
import { roundRobin } from '../balancer/round-robin.ts';
import { webServer } from '../http/web-server.case.ts';
import { ServiceClient } from '../service-client.ts';
import type { SourcedSnapshot } from './snapshot-source.ts';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const record = (name: string, fields: Partial<ServiceRecord> = {}): ServiceRecord => ({ name, port: 80, priority: 1, weight: 1, ...fields });
const failure = (code: string) => Object.assign(new Error(`query ${code}`), { code });

function setUp(options: DnsSourceOptions = {}) {
  const clock = manualClock();
  const asked: string[] = [];
  let answer: readonly ServiceRecord[] | Error = [];
  const warnings: string[] = [];
  const resolveSrv = (name: string) => {
    asked.push(name);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const source = new DnsSource({ onWarning: (message) => warnings.push(message), ...options }, { clock, resolveSrv });
  cleanups.push(() => source.close());
  const told: SourcedSnapshot[] = [];
  const watch = () => source.watch('web', (snapshot) => told.push(snapshot));
  const settled = () => new Promise((turn) => setImmediate(turn));
  const turn = async () => {
    clock.advance(5_000);
    await settled();
  };
  return { source, clock, asked, told, warnings, watch, settled, turn, answers: (next: typeof answer) => (answer = next) };
}

describe('DNS', () => {
  it('is queried for SRV records, which become instances', async () => {
    const { asked, told, watch, settled, answers } = setUp();
    answers([record('b.example', { port: 81, weight: 7, priority: 2 }), record('a.example', { weight: 0 })]);
    watch();
    await settled();
    expect(asked).toEqual(['_web._tcp.service.consul']);
    expect(told).toMatchObject([{ revision: 1, stale: false }]);
    expect(told[0]?.instances).toEqual([
      { id: 'a.example:80', service: 'web', node: 'a.example', address: 'a.example', port: 80, tags: [], meta: { priority: '1' }, weight: 1, status: 'passing' },
      { id: 'b.example:81', service: 'web', node: 'b.example', address: 'b.example', port: 81, tags: [], meta: { priority: '2' }, weight: 7, status: 'passing' },
    ]);
  });

  it('is queried again, and only changes are reported', async () => {
    const { told, asked, watch, settled, turn, answers } = setUp({ nameOf: (service) => `${service}.example` });
    answers([record('a'), record('b')]);
    watch();
    await settled();
    answers([record('b'), record('a')]);
    await turn();
    expect([asked, told.length]).toEqual([['web.example', 'web.example'], 1]);
    answers([record('a')]);
    await turn();
    expect(told.map(({ revision, instances }) => [revision, instances.length])).toEqual([[1, 2], [2, 1]]);
  });

  it.each(['ENOTFOUND', 'ENODATA'])('that answers %s gives an empty list', async (code) => {
    const { source, settled, answers, watch } = setUp();
    answers(failure(code));
    watch();
    await settled();
    expect(source.current('web')?.instances).toEqual([]);
  });

  it('without an answer leaves the last list, marked as stale, and reports this once', async () => {
    const { source, told, warnings, watch, settled, turn, answers } = setUp();
    answers([record('a')]);
    watch();
    await settled();
    answers(failure('ETIMEOUT'));
    await turn();
    await turn();
    expect(source.current('web')).toMatchObject({ stale: true, ageMs: 10_000, instances: [{ id: 'a:80' }] });
    expect(warnings).toHaveLength(1);
    answers([record('a')]);
    await turn();
    expect(told.map(({ stale, revision }) => [stale, revision])).toEqual([[false, 1], [true, 1], [false, 1]]);
  });

  it('without an answer at first lets callers wait for one', async () => {
    const { source, settled, turn, answers } = setUp();
    answers(failure('ESERVFAIL'));
    const first = source.first('web');
    await settled();
    expect(source.current('web')).toBeUndefined();
    answers([record('a')]);
    await turn();
    expect((await first).instances).toHaveLength(1);
  });

  it('is not queried after close', async () => {
    const { source, asked, watch, settled, turn } = setUp();
    watch();
    await settled();
    source.close();
    await turn();
    expect(asked).toHaveLength(1);
  });

  it('refuses an interval out of range', () => {
    expect(() => new DnsSource({ intervalMs: 1 })).toThrow(/100 or more/);
  });
});

it('balances over the instances from Rollcall’s own DNS', async () => {
  const registry = await createServer({ dns: { port: 0 } });
  const rollcall = await connect({ servers: [registry.url] });
  const web = await webServer((_, response) => response.end('hello'));
  const source = new DnsSource({
    servers: [`127.0.0.1:${registry.ports.dns}`],
    intervalMs: 100,
  });
  cleanups.push(() => registry.close(), () => rollcall.close(), () => web.kill(), () => source.close());
  await rollcall.register({ service: 'web', id: 'web-1', address: '127.0.0.1', port: Number(web.authority.split(':')[1]) });
  const records = await new Promise<SourcedSnapshot>((resolve) => {
    source.watch('web', (snapshot) => snapshot.instances.length > 0 && resolve(snapshot));
  });
  expect(records.instances).toMatchObject([{ port: Number(web.authority.split(':')[1]) }]);
  const service = new ServiceClient(source, 'web', { balancer: roundRobin() });
  cleanups.push(() => service.close());
  expect(await (await service.fetch('/')).text()).toBe('hello');
});
