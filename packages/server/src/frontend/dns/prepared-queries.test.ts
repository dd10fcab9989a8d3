/** Prepared queries as names: the same queries that HTTP executes, with their times and their order. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from 'dns-packet';
import type { PreparedQuery, PreparedService } from '../../registry/kind/query/rows.ts';
import { manualClock } from '../../manual-clock.case.ts';
import { ask, decoded, queryPacket, type QueryType } from './ask.case.ts';
import { startDns } from './dns.case.ts';
import { Responder } from './responder.ts';
import { ttlsOf } from './ttls.ts';

let server: Awaited<ReturnType<typeof startDns>>;
beforeEach(async () => {
  server = await startDns({ ttls: { services: { web: 3 } } }, manualClock());
  await server.register({ id: 'n1', nodeAddress: '10.0.0.1', tags: ['blue'] });
  await server.register({ id: 'n2', nodeAddress: '10.0.0.2', tags: ['green'], status: 'warning' });
  await server.register({ id: 'n3', nodeAddress: '10.0.0.3', tags: ['blue'], status: 'critical' });
  await server.register({ id: 'n4', nodeAddress: '10.0.0.4', address: '10.0.9.4', port: 81 });
});
afterEach(() => server.close());

const noService: PreparedService = {
  ...{ name: '', failover: { nearest: 0, datacenters: null, targets: null }, onlyPassing: false, ignoredChecks: [] },
  ...{ near: '', tags: [], nodeMeta: {}, meta: {}, connect: false },
};

type Wanted = { service: Partial<PreparedService> } & Partial<Omit<PreparedQuery, 'service'>>;

function put(name: string, { service, ...more }: Wanted, update = false) {
  const template = { type: '', pattern: '', removeEmptyTags: false } as const;
  const query = { name, session: '', template, ttl: '', ...more, service: { ...noService, ...service } };
  return server.replica.submit({ kind: 'query-put', namespace: 'default', id: `id of ${name}`, query, update });
}

const place = (node: string, first: number) =>
  server.replica.submit({
    kind: 'coordinate-put',
    node,
    coordinate: { segment: '', vector: [first, 0, 0, 0, 0, 0, 0, 0], error: 1, adjustment: 0, height: 0 },
  });

const dataOf = (answer: Answer): unknown => ('data' in answer ? answer.data : undefined);

async function found(name: string, type: QueryType = 'A'): Promise<unknown> {
  const { rcode, answers } = await ask(server.port, name, type, { edns: 1_232 });
  return rcode === 'NOERROR' ? answers.map(dataOf) : rcode;
}

const sorted = async (name: string) => ((await found(name)) as string[]).toSorted();

describe('a prepared query', () => {
  it('has the addresses of the selected instances, without and with this datacenter in the name', async () => {
    await put('q', { service: { name: 'web' } });
    const all = ['10.0.0.1', '10.0.0.2', '10.0.9.4'];
    expect(await sorted('q.query.consul')).toEqual(all);
    expect(await sorted('Q.query.dc1.consul')).toEqual(all);
    expect(await sorted('q.query.dc1.dc.consul')).toEqual(all);
    expect(await found('q.query.dc2.consul')).toBe('NXDOMAIN');
    expect(await found('other.query.consul')).toBe('NXDOMAIN');
    expect(await found('q.query.consul', 'AAAA')).toEqual([]);
  });

  it('has SRV, also as RFC 2782 writes it', async () => {
    await put('q', { service: { name: 'web', tags: ['!green'] } });
    const wanted = [
      { priority: 1, weight: 1, port: 80, target: 'n1.node.dc1.consul' },
      { priority: 1, weight: 1, port: 81, target: '0a000904.addr.dc1.consul' },
    ];
    for (const name of ['q.query.consul', '_q._tcp.query.consul']) {
      expect(await found(name, 'SRV')).toEqual(expect.arrayContaining(wanted));
      expect(await found(name, 'SRV')).toHaveLength(2);
    }
  });

  it.each<[Partial<PreparedService>, unknown]>([
    [{ onlyPassing: true, tags: ['BLUE'] }, ['10.0.0.1']],
    [{ ignoredChecks: ['of n3'], tags: ['blue', '!green'] }, ['10.0.0.1', '10.0.0.3']],
    [{ name: 'none' }, 'NXDOMAIN'],
    [{ tags: ['red'] }, 'NXDOMAIN'],
    [{ connect: true }, 'NXDOMAIN'],
    [{ nodeMeta: { zone: 'a' } }, 'NXDOMAIN'],
  ])('%j finds %j', async (more, wanted) => {
    await put('q', { service: { name: 'web', ...more } });
    const answer = await found('q.query.consul');
    expect(typeof answer === 'string' ? answer : (answer as string[]).toSorted()).toEqual(wanted);
  });

  it('has its time to live, or otherwise that of its service', async () => {
    await put('own', { service: { name: 'web' }, ttl: '1m30.9s' });
    await put('none', { service: { name: 'web' }, ttl: '0s' });
    await put('other', { service: { name: 'web' } });
    const ttl = async (name: string) => {
      const { answers } = await ask(server.port, `${name}.query.consul`, 'A');
      return answers.map((answer) => ('ttl' in answer ? answer.ttl : undefined));
    };
    expect(await ttl('own')).toEqual([90, 90, 90]);
    expect(await ttl('none')).toEqual([0, 0, 0]);
    expect(await ttl('other')).toEqual([3, 3, 3]);
  });

  it('follows the query, its instances, and the session that it is bound to', async () => {
    await server.replica.submit({
      ...{ kind: 'session-create', namespace: 'default', id: 's', name: '', node: 'n1', liveness: 'ttl', ttlMs: 0, lockDelayMs: 0 },
      ...{ behavior: 'release', checks: [] },
    });
    await put('q', { service: { name: 'web', tags: ['blue'] }, session: 's' });
    expect(await found('q.query.consul')).toEqual(['10.0.0.1']);
    await put('q', { service: { name: 'web', tags: ['green'] }, session: 's' }, true);
    expect(await found('q.query.consul')).toEqual(['10.0.0.2']);
    await server.register({ id: 'n2', nodeAddress: '10.0.0.22', tags: ['green'] });
    expect(await found('q.query.consul')).toEqual(['10.0.0.22']);
    await put('q', { service: { name: 'web', tags: ['green'] }, session: 's', ttl: '9s' }, true);
    expect((await ask(server.port, 'q.query.consul', 'A')).answers).toMatchObject([{ ttl: 9 }]);
    await server.replica.submit({ kind: 'session-destroy', namespace: 'default', id: 's' });
    expect(await found('q.query.consul')).toBe('NXDOMAIN');
  });

  it('has the nearest first, and a small answer has only the nearest', async () => {
    await place('n1', 0.3);
    await place('n2', 0.2);
    await place('n4', 0.1);
    await server.register({ id: 'here', service: 'other' });
    await place('here', 0);
    await put('q', { service: { name: 'web', near: 'n1' } });
    await put('agent', { service: { name: 'web', near: '_agent' } });
    for (let again = 0; again < 40; again++) {
      expect(await found('q.query.consul')).toEqual(['10.0.0.1', '10.0.0.2', '10.0.9.4']);
    }
    expect(await found('agent.query.consul')).toEqual(['10.0.9.4', '10.0.0.2', '10.0.0.1']);
    await place('n4', 0.29);
    expect(await found('q.query.consul')).toEqual(['10.0.0.1', '10.0.9.4', '10.0.0.2']);
    for (let n = 5; n <= 9; n++) await server.register({ id: `n${n}`, nodeAddress: `10.0.0.${n}` });
    const { answers } = await ask(server.port, 'q.query.consul', 'A');
    expect(answers.map(dataOf)).toEqual(['10.0.0.1', '10.0.9.4', '10.0.0.2']);
  });
});

it('of a service in another namespace finds its instances there', async () => {
  await server.replica.submit({ kind: 'namespace-put', name: 'team-a' });
  await server.replica.submit({
    ...{ kind: 'register', namespace: 'team-a', node: { name: 'na', address: '10.0.7.7' }, nodeMode: 'update' },
    instances: [{ id: 'a1', service: 'web', port: 80 }],
  });
  await put('q', { service: { name: 'web', namespace: 'team-a' } });
  expect(await found('q.query.consul')).toEqual(['10.0.7.7']);
  expect(await found('q.query.team-a.ns.consul')).toBe('NXDOMAIN');
});

it('near the client, has the instances nearest to each client first, and keeps no answer for another client', async () => {
  await place('n1', 0.1);
  await place('n2', 0.2);
  await put('ip', { service: { name: 'web', near: '_ip', tags: ['blue', '!x'], ignoredChecks: ['of n3'] } });
  await place('n3', 0.3);
  const { replica, context } = server;
  const zone = {
    ...{ domain: 'consul', datacenter: 'dc1', node: { name: 'here', address: '127.0.0.1' } },
    ...{ ttls: ttlsOf({}), onlyPassing: false },
  };
  const responder = new Responder({
    ...{ registry: replica, clock: context.clock, zone, limits: { udpBytesMax: 1_232, udpRecordsMax: 3 } },
    ...{ tellWhenCut: false, recursion: false, random: () => 0.5 },
  });
  await responder.prepare();
  expect(responder.respond(queryPacket('ip.query.consul', 'A'), true, { address: '10.0.0.1', ednsMax: Infinity })).toBe('needs-addresses');
  await responder.prepareAddresses();
  const asked = (address: string) => {
    const answer = responder.respond(queryPacket('ip.query.consul', 'A'), true, { address, ednsMax: Infinity });
    return decoded(answer as Buffer).answers.map(dataOf);
  };
  for (let again = 0; again < 3; again++) {
    expect(asked('10.0.0.1')).toEqual(['10.0.0.1', '10.0.0.3']);
    expect(asked('10.0.0.3')).toEqual(['10.0.0.3', '10.0.0.1']);
    expect(asked('::ffff:10.0.0.3')).toEqual(['10.0.0.3', '10.0.0.1']);
  }
  expect((asked('10.9.9.9') as string[]).toSorted()).toEqual(['10.0.0.1', '10.0.0.3']);
  await server.register({ id: 'client', nodeAddress: '127.0.0.1', service: 'other' });
  await place('client', 0.29);
  expect(await found('ip.query.consul')).toEqual(['10.0.0.3', '10.0.0.1']);
});

describe('a template', () => {
  it('is filled in with the name; the longest prefix wins', async () => {
    const template = { type: 'prefix', pattern: '^find-(.+)-(.+)$', removeEmptyTags: true } as const;
    await put('find-', { template, service: { name: '${match(1)}', tags: ['${match(2)}'] } });
    await put('find-it', { template: { ...template, pattern: '' }, service: { name: 'web', tags: ['green'] } });
    expect(await found('find-web-blue.query.consul')).toEqual(['10.0.0.1']);
    expect(await found('find-it-all.query.consul')).toEqual(['10.0.0.2']);
    expect(await found('find-db-blue.query.consul')).toBe('NXDOMAIN');
    expect(await found('fin.query.consul')).toBe('NXDOMAIN');
  });

  it('that takes too long for a name finds nothing, and the server answers the next packet', async () => {
    const template = { type: 'prefix', pattern: '((((a?){9}){9})+)+b$', removeEmptyTags: false } as const;
    await put('slow', { template, service: { name: 'web' } });
    expect(await found(`slow${'a'.repeat(59)}.${'a'.repeat(63)}.${'a'.repeat(63)}.query.consul`)).toBe('NXDOMAIN');
    expect(await found('n1.node.consul')).toEqual(['10.0.0.1']);
  });
});
